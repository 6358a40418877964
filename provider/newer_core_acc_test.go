package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// core is the version of the Terraform or OpenTofu that the tests run.
var core = sync.OnceValues(func() (major, minor int) {
	out, err := exec.Command(os.Getenv("TF_ACC_TERRAFORM_PATH"), "version", "-json").Output()
	var said struct {
		Version string `json:"terraform_version"`
	}
	if err != nil || json.Unmarshal(out, &said) != nil {
		return 0, 0
	}
	return versionOf(said.Version)
})

// needsTerraform skips a test of what Terraform has from 1.minor on and OpenTofu has
// not. TF_ACC_TERRAFORM_PATH names a newer one than that on PATH.
func needsTerraform(t *testing.T, minor int) {
	t.Helper()
	major, has := core()
	if strings.Contains(filepath.Base(os.Getenv("TF_ACC_TERRAFORM_PATH")), "tofu") || major < 1 || major == 1 && has < minor {
		t.Skipf("it takes Terraform 1.%d, and this core is another; name one in TF_ACC_TERRAFORM_PATH", minor)
	}
}

// tells reports whether the core tells the provider in an apply by which plan.
func tells() bool {
	major, minor := core()
	return !strings.Contains(filepath.Base(os.Getenv("TF_ACC_TERRAFORM_PATH")), "tofu") && (major > 1 || major == 1 && minor >= 16)
}

// toldWorkspace is a workspace whose provider hears by which plan it applies, where the
// core tells it: one within the process of the test does not.
func toldWorkspace(t *testing.T) *workspace {
	t.Helper()
	if tells() {
		return newProcessWorkspace(t)
	}
	return newWorkspace(t)
}

const actionOnAll = `
action "bos_session_run" "all" {
  config {
    template_name = "compute"
    operation     = "reboot"
  }
}
`

func TestAnActionThatAChangeTriggersRunsOnceByOnePlanAlsoWhereTerraformIsKilled(t *testing.T) {
	t.Parallel()
	needsTerraform(t, 14)
	r := startReal(t, 50*time.Millisecond)
	w := newWorkspace(t)
	triggers := strings.Replace(template("quiet"), "enable_cfs = false", `enable_cfs = false
  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.bos_session_run.all]
    }
  }`, 1)
	w.write(r.block(), triggers, actionOnAll)
	plan := w.terraform("plan", "-no-color", "-input=false", "-out=plan")
	plan.exits(t, 0)
	plan.says(t, "Actions: 1 to invoke", "This will reboot 4 nodes")
	for range 2 {
		w.terraform("apply", "-no-color", "-input=false", "plan").exits(t, 0)
		w.killed()
	}
	if all := r.sessions(t); len(all) != 1 {
		t.Errorf("%d sessions ran by one plan", len(all))
	}
	invoked := w.apply("-invoke=action.bos_session_run.all")
	invoked.exits(t, 0)
	invoked.says(t, "This will reboot 4 nodes", "4 nodes, 0 failed")
	if all := r.sessions(t); len(all) != 2 {
		t.Errorf("%d sessions ran by two plans", len(all))
	}
}

func TestThePolicyForActionsReadsWhatTerraformWritesOfThem(t *testing.T) {
	t.Parallel()
	needsTerraform(t, 14)
	w := newWorkspace(t)
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	w.write(r.block(), actionOnAll)
	w.terraform("plan", "-no-color", "-input=false", "-out=plan", "-invoke=action.bos_session_run.all").exits(t, 0)
	cmd, out := w.command(t.Context(), "show", "-json", "plan")
	cmd.Stderr = nil
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile("../policy/testdata/actions/data.json")
	if err != nil {
		t.Fatal(err)
	}
	type invocations struct {
		All []struct {
			Type          string         `json:"type"`
			ConfigValues  map[string]any `json:"config_values"`
			ConfigUnknown map[string]any `json:"config_unknown"`
		} `json:"action_invocations"`
	}
	var written, recorded invocations
	if err := json.Unmarshal(out.Bytes(), &written); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &recorded); err != nil {
		t.Fatal(err)
	}
	if len(written.All) != 1 {
		t.Fatalf("the plan has %d invocations", len(written.All))
	}
	written.All[0].ConfigValues["template_name"] = "system"
	if diff := cmp.Diff(recorded.All[0], written.All[0]); diff != "" {
		t.Errorf("the recorded plan has another invocation than Terraform writes (- recorded, + written):\n%s", diff)
	}
}

func TestAQueryWritesConfigurationWhoseImportChangesNothing(t *testing.T) {
	t.Parallel()
	needsTerraform(t, 14)
	fake := filled(t)
	w := newWorkspace(t)
	w.write(providerBlock(fake))
	w.add("all.tfquery.hcl", `
list "bos_session_template" "all" {
  provider         = bos
  include_resource = true
}
list "bos_session" "all" {
  provider = bos
}
list "bos_component" "all" {
  provider = bos
}
`)
	w.terraform("query", "-no-color", "-generate-config-out=found.tf").exits(t, 0)
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "to import, 0 to add, 0 to change, 0 to destroy")
	w.apply().says(t, "0 added, 0 changed, 0 destroyed")
	sessions(t, fake, 1)
	for _, method := range []string{"PUT", "PATCH"} {
		if n := fake.Requests(method, ""); n != map[string]int{"PUT": 1, "PATCH": 0}[method] { // the one PUT is the site's own
			t.Errorf("the import sent %s %d times", method, n)
		}
	}
}

func TestASavedPlanIsHeldToItsReviewWithNothingConfigured(t *testing.T) {
	t.Parallel()
	needsTerraform(t, 16)
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	w := newProcessWorkspace(t)
	w.write(r.block(), aSession())
	plan := w.terraform("plan", "-no-color", "-out=first")
	plan.exits(t, 0)
	plan.says(t, "the session is refused and no node is touched")
	w.terraform("apply", "-no-color", "first").exits(t, 0)
	before := resets(r)
	w.killed()
	again := w.terraform("apply", "-no-color", "first")
	again.exits(t, 0)
	again.says(t, "goes on, and no other was started")

	w.terraform("plan", "-no-color", "-replace=bos_session.boot", "-out=second").exits(t, 0)
	put(t, r.url+"/x/v1/components/"+r.nodes()[0]+"/hold", `{"reason":"CAST-1"}`)
	outdated := w.terraform("apply", "-no-color", "second")
	outdated.exits(t, 1)
	outdated.says(t, "Plan is out of date", "removed: "+r.nodes()[0])
	if after := resets(r); after != before {
		t.Errorf("%d power actions became %d", before, after)
	}
}

// versionOf takes a version apart.
func versionOf(text string) (major, minor int) {
	if n, err := fmt.Sscanf(text, "%d.%d", &major, &minor); n != 2 || err != nil {
		return 0, 0
	}
	return major, minor
}
