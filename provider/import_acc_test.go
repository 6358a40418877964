package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// whileGenerating is how import blocks are written for a core that takes their bos for
// hashicorp/bos as long as there is no resource, as the 1.17 development version does.
// With a resource no core takes the provider there.
func whileGenerating(blocks string) string {
	if major, minor := core(); major == 1 && minor < 17 {
		return blocks
	}
	return strings.ReplaceAll(blocks, "import {\n", "import {\n  provider = bos\n")
}

// TestImportBlocksHaveTerraformWriteTheConfigurationOfEveryKind imports what a
// site has by blocks alone: Terraform writes the resources down, and applying
// them changes nothing at the site.
func TestImportBlocksHaveTerraformWriteTheConfigurationOfEveryKind(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	w := newWorkspace(t)
	blocks := `
import {
  to = bos_session_template.compute
  id = "compute"
}
import {
  to = bos_session.monday
  id = "monday"
}
import {
  to = bos_component.n0
  id = "x1000c0s0b0n0"
}
import {
  to = bos_options.all
  id = "options"
}
`
	w.write(providerBlock(fake), whileGenerating(blocks))
	plan := w.terraform("plan", "-no-color", "-input=false", "-generate-config-out=generated.tf")
	plan.exits(t, 0)
	plan.says(t, "4 to import, 0 to add, 0 to change, 0 to destroy")
	written, err := os.ReadFile(filepath.Join(w.dir, "generated.tf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"bos_session_template", "bos_session", "bos_component", "bos_options"} {
		if !strings.Contains(string(written), "resource \""+kind+"\"") {
			t.Errorf("nothing was written for %s:\n%s", kind, written)
		}
	}
	w.write(providerBlock(fake), blocks)
	w.apply().says(t, "4 imported, 0 added, 0 changed, 0 destroyed")
	w.plan().exits(t, 0)
	sessions(t, fake, 1)
	for _, method := range []string{"PUT", "PATCH"} {
		if n := fake.Requests(method, ""); n != map[string]int{"PUT": 1, "PATCH": 0}[method] { // the one PUT is the site's own
			t.Errorf("the import sent %s %d times", method, n)
		}
	}
}

func TestAnImportedSessionIsNotRunBecauseItGetsTriggersAfterAnotherChange(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	w := newWorkspace(t)
	imported := func(more string) string {
		return "resource \"bos_session\" \"monday\" {\n  name = \"monday\"\n  operation = \"reboot\"\n  template_name = \"compute\"\n" + more + "\n}\n"
	}
	w.write(providerBlock(fake), imported(""))
	w.terraform("import", "-no-color", "-input=false", "bos_session.monday", "monday").exits(t, 0)
	w.write(providerBlock(fake), imported(`poll_interval = "11s"`))
	w.apply().exits(t, 0)
	w.write(providerBlock(fake), imported("poll_interval = \"11s\"\ntriggers = { image = \"1\" }"))
	w.plan().says(t, "0 to add, 1 to change, 0 to destroy")
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
	sessions(t, fake, 1)
	w.write(providerBlock(fake), imported("poll_interval = \"11s\"\ntriggers = { image = \"2\" }"))
	w.plan().says(t, "must be replaced") // from then on they count
}

func TestAnImportedSessionMayHaveAPin(t *testing.T) {
	t.Parallel()
	fake := filled(t)
	w := newWorkspace(t)
	w.write(providerBlock(fake), "resource \"bos_session\" \"monday\" {\n  name = \"monday\"\n  operation = \"reboot\"\n  template_name = \"compute\"\n  pin = \"reviewed\"\n}\n")
	w.terraform("import", "-no-color", "-input=false", "bos_session.monday", "monday").exits(t, 0)
	w.plan().says(t, "0 to add, 1 to change, 0 to destroy")
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
	sessions(t, fake, 1)
}
