package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAValueThatAnUnrelatedChangeMakesUnknownIsSaidToRunTheSessionAgain: depends_on of a
// data source or module has its values known after the apply only, also where they turn
// out to be the same. Terraform plans the replacement then, so it is loud, and
// refused where previews are required; what is known runs nothing.
func TestAValueThatAnUnrelatedChangeMakesUnknownIsSaidToRunTheSessionAgain(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	with := func(round string, settings ...string) {
		w.write(providerBlock(bos, settings...), template("quiet"), session("limit = data.bos_components.some.nodes"), `
resource "terraform_data" "unrelated" { input = "`+round+`" }
data "bos_components" "some" {
  xnames     = ["x1000c0s0b0n0"]
  depends_on = [terraform_data.unrelated]
}
`)
	}
	with("one")
	w.apply().exits(t, 0)
	sessions(t, bos, 1)
	w.plan().exits(t, 0)
	with("two")
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "the argument limit is not known yet", "must be replaced")
	with("two", "require_preview = true")
	refused := w.plan()
	refused.exits(t, 1)
	refused.says(t, "limit")
	sessions(t, bos, 1)
}

// TestBootSetsMayComeWholeFromAModule: a nested map that is the output of a module.
func TestBootSetsMayComeWholeFromAModule(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	if err := os.Mkdir(filepath.Join(w.dir, "sets"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.add("sets/main.tf", `
output "boot_sets" {
  value = { for name in ["compute"] : name => {
    path              = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
    kernel_parameters = "quiet"
    node_roles_groups = ["Compute"]
  } }
}
`)
	w.write(providerBlock(bos), `
module "sets" { source = "./sets" }
resource "bos_session_template" "compute" {
  name      = "compute"
  boot_sets = module.sets.boot_sets
}
`)
	w.terraform("get", "-no-color").exits(t, 0)
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
	if got := fmt.Sprint(w.attributes("bos_session_template.compute")["boot_sets"]); !strings.Contains(got, "quiet") {
		t.Errorf("the boot sets are %v", got)
	}
}
