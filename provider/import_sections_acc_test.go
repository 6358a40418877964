package provider_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// importedSite is a service with all that the import sections of the pages name.
func importedSite(t *testing.T) *realBOS {
	t.Helper()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	put(t, r.url+"/v2/sessiontemplates/system-2026-11", `{"boot_sets":{"login":{"type":"s3","path":"s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json","node_list":["x1000c0s0b0n0"]}}}`)
	for _, session := range []string{
		`{"name":"nightly","operation":"reboot","template_name":"compute"}`,
		`{"name":"staged","operation":"reboot","template_name":"compute","stage":true}`,
	} {
		send(t, http.MethodPost, r.url+"/v2/sessions", strings.NewReader(session))
	}
	for !strings.Contains(request(t, http.MethodGet, r.url+"/v2/sessions/staged"), `"components":"x1000`) && t.Context().Err() == nil {
		continue // until the session has its nodes
	}
	send(t, http.MethodPost, r.url+"/v2/applystaged", strings.NewReader(`{"xnames":["x1000c0s0b0n0","x1000c0s0b0n1","x1000c0s0b1n0","x1000c0s0b1n1"]}`))
	return r
}

// addExample copies one file of a folder of examples/ into the workspace, or takes
// it out again.
func (w *workspace) addExample(folder, name string) (remove func()) {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join("../examples", folder, name))
	if err != nil {
		w.t.Fatal(err)
	}
	w.add(name, string(content))
	return func() {
		if err := os.Remove(filepath.Join(w.dir, name)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestTheImportSectionsOfThePagesImport: the blocks and commands of each page work
// beside the configuration that the same page shows first, and create nothing.
func TestTheImportSectionsOfThePagesImport(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("../examples/resources/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no resource has examples (%v)", err)
	}
	arguments := map[string][]string{"bos_staged_apply": {"-var=window=true"}}
	for _, folder := range folders {
		name := filepath.Base(folder)
		folder := "resources/" + name
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, file := range []string{"import-by-string-id.tf", "import-by-identity.tf"} {
				t.Run(file, func(t *testing.T) {
					if file == "import-by-identity.tf" {
						needsTerraform(t, 12)
					}
					w := newWorkspace(t)
					w.write(importedSite(t).block())
					w.addExample(folder, "resource.tf")
					w.addExample(folder, file)
					planned := w.plan(arguments[name]...)
					planned.says(t, " to import, ", " to destroy")
					if !strings.Contains(planned.out, " 0 to destroy") {
						t.Errorf("the import replaces what it imports:\n%s", planned.out)
					}
					for _, created := range strings.Split(planned.out, "# ")[1:] {
						if strings.Contains(created, "will be created") && !strings.HasPrefix(created, "bos_component.in_repair ") {
							t.Errorf("the import creates %s", created)
						}
					}
				})
			}
			t.Run("import.sh", func(t *testing.T) {
				w := newWorkspace(t)
				w.write(importedSite(t).block())
				w.addExample(folder, "resource.tf")
				script, err := os.ReadFile(filepath.Join("../examples", folder, "import.sh"))
				if err != nil {
					t.Fatal(err)
				}
				imported := 0
				for line := range strings.Lines(string(script)) {
					words := strings.Fields(strings.ReplaceAll(line, "'", ""))
					if words[0] == "#" || strings.Contains(line, "tenant-a/") {
						continue
					}
					if words[0] != "terraform" || words[1] != "import" {
						t.Fatalf("this is no command that imports: %s", line)
					}
					w.terraform(append([]string{"import", "-no-color", "-input=false"}, words[2:]...)...).exits(t, 0)
					imported++
				}
				if imported == 0 {
					t.Error("nothing was imported")
				}
				planned := w.plan(arguments[name]...)
				if !strings.Contains(planned.out, " 0 to destroy") && !strings.Contains(planned.out, "No changes") {
					t.Errorf("the plan after the import replaces what was imported:\n%s", planned.out)
				}
			})
		})
	}
}
