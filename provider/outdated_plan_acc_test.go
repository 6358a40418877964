package provider_test

import (
	"testing"
	"time"
)

// Which template was reviewed is part of the question that finds the review again, so
// after a change of it Terraform itself is who refuses, and only a change that makes no
// difference to what nodes boot is none.
func TestASavedPlanWhoseTemplateWasChangedOutsideTouchesNoNode(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	w := newWorkspace(t)
	w.write(r.block("applying = terraform.applying"), aSession())
	w.terraform("plan", "-out=p").exits(t, 0)
	before := resets(r)
	r.aTemplate(t, "quiet hugepages=16")
	outdated := w.terraform("apply", "p")
	outdated.exits(t, 1)
	outdated.says(t, "inconsistent final plan")
	if n := len(r.sessions(t)); n != 0 || resets(r) != before {
		t.Errorf("%d sessions ran, with %d power actions after %d", n, resets(r), before)
	}

	w.terraform("plan", "-out=q").exits(t, 0)
	put(t, r.url+"/v2/sessiontemplates/compute", `{"enable_cfs":false,"description":"as on Monday","boot_sets":{"compute":{"type":"s3","path":"s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json","kernel_parameters":"quiet hugepages=16","node_roles_groups":["Compute"]}}}`)
	w.terraform("apply", "q").exits(t, 0)
	if n := len(r.sessions(t)); n != 1 {
		t.Errorf("%d sessions ran where the change makes no difference", n)
	}
}
