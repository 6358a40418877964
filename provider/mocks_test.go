package provider_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

const mocks = "../examples/mocked-module/mocks/bos.tfmock.hcl"

func TestAModuleIsTestedWithoutABOS(t *testing.T) {
	t.Parallel()
	if strings.Contains(filepath.Base(os.Getenv("TF_ACC_TERRAFORM_PATH")), "tofu") {
		t.Skip("the mocks of OpenTofu take no file")
	}
	w := newWorkspace(t)
	if err := os.CopyFS(w.dir, os.DirFS("../examples/mocked-module")); err != nil {
		t.Fatal(err)
	}
	tested := w.terraform("test", "-no-color")
	tested.exits(t, 0)
	tested.says(t, "2 passed, 0 failed")
}

// TestTheMocksKnowEveryAttributeThatAConditionMayGoBy: of one that they leave out,
// Terraform makes up a random word, which is no node and no limit.
func TestTheMocksKnowEveryAttributeThatAConditionMayGoBy(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(mocks)
	if err != nil {
		t.Fatal(err)
	}
	blocks := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?s)\nmock_(resource|data) "(\w+)" \{\n(.*?)\n\}\n`).FindAllStringSubmatch("\n"+string(text), -1) {
		blocks[m[1]+" "+m[2]] = m[3]
	}
	schema, err := newServer().GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	for kind, schemas := range map[string]map[string]*tfprotov6.Schema{"resource": schema.ResourceSchemas, "data": schema.DataSourceSchemas} {
		for name, s := range schemas {
			block, ok := blocks[kind+" "+name]
			if !ok {
				t.Errorf("there is no mock_%s %q", kind, name)
			}
			known++
			for _, a := range s.Block.Attributes {
				// Without a mock a nested object is made of its own attributes, and who the tenant is, says the configuration.
				if !a.Computed || a.Name == "tenant" || a.NestedType != nil && a.NestedType.Nesting == tfprotov6.SchemaObjectNestingModeSingle {
					continue
				}
				if !regexp.MustCompile(`(?m)^    ` + a.Name + ` +=`).MatchString(block) {
					t.Errorf("mock_%s %q leaves %s out", kind, name, a.Name)
				}
			}
		}
	}
	if known != len(blocks) {
		t.Errorf("there are %d mocks for %d resources and data sources", len(blocks), known)
	}
}

func TestTheIndexSaysForEveryActionWhatDoesTheSameWhereThereAreNone(t *testing.T) {
	t.Parallel()
	index, err := os.ReadFile("../templates/index.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := newServer().GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil || len(schema.ActionSchemas) == 0 {
		t.Fatalf("%d actions, %v", len(schema.ActionSchemas), err)
	}
	for name := range schema.ActionSchemas {
		row := regexp.MustCompile(`(?m)^\| \[.` + name + `.\]\(actions/` + strings.TrimPrefix(name, "bos_") + `\) \| (.+) \|$`).FindSubmatch(index)
		if row == nil {
			t.Errorf("the table of actions has no row for %s", name)
			continue
		}
		for _, m := range regexp.MustCompile(`\(resources/(\w+)\)`).FindAllSubmatch(row[1], -1) {
			if schema.ResourceSchemas["bos_"+string(m[1])] == nil {
				t.Errorf("%s: there is no resource %s", name, m[1])
			}
		}
	}
}
