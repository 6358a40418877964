package provider_test

import (
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// screen is how many lines a terminal shows, and width what a reader takes in
// on one of them.
const (
	screen = 50
	width  = 160
)

func TestTheDestroyPlanOfASessionOf10000NodesFitsAScreen(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, manyNodes(10000)...)
	put(t, fake.URL()+"/v2/sessiontemplates/compute", `{"boot_sets":{"compute":{"path":"s3://b/manifest.json","type":"s3","node_roles_groups":["Compute"]}}}`)
	w := newWorkspace(t)
	w.write(providerBlock(fake), strings.Replace(session(`triggers = { run = "1" }`), "bos_session_template.compute.name", `"compute"`, 1))
	w.apply().exits(t, 0)
	if n := w.attributes("bos_session.boot")["node_count"]; n != 10000.0 {
		t.Fatalf("the session acted on %v nodes", n)
	}
	out := w.printed("plan", "-destroy", "-no-color", "-input=false")
	_, plan, found := strings.Cut(out, " will perform the following actions:")
	if lines := strings.Count(plan, "\n"); !found || lines > screen {
		t.Errorf("the plan has %d lines:\n%s", lines, out)
	}
	for line := range strings.Lines(plan) {
		if len(line) > width {
			t.Errorf("a line is too long: %s", line)
		}
	}
}

// What reboots is said once, whatever the plan does with 1,000 nodes: boot them, run
// the session again, or apply what is staged for them.
func TestThePlanOf1000NodesFitsTwoScreensAndNamesWhatRebootsOnce(t *testing.T) {
	t.Parallel()
	all := manyNodes(1000)
	fake := startFake(t.Cleanup, all...)
	for i := 0; i < len(all); i += 50 {
		fake.Disable(all[i])
	}
	w := newWorkspace(t)
	fits := func(what string, w *workspace) {
		t.Helper()
		out := w.printed("plan", "-no-color", "-input=false")
		if lines := strings.Count(out, "\n"); lines > 2*screen {
			t.Errorf("%s: the plan has %d lines:\n%s", what, lines, out)
		}
		if n := strings.Count(out, "Warning:"); n != 1 {
			t.Errorf("%s: %d warnings:\n%s", what, n, out)
		}
	}
	w.write(providerBlock(fake), template("quiet"), session(`triggers = { run = "1" }`))
	fits("a template and its session", w)
	w.apply().exits(t, 0)
	if n := w.attributes("bos_session.boot")["node_count"]; n != 980.0 {
		t.Fatalf("the session acted on %v nodes", n)
	}
	w.write(providerBlock(fake), template("quiet loud"), session(`triggers = { run = bos_session_template.compute.revision }`))
	fits("another template, which runs the session again", w)
	now := newWorkspace(t)
	now.write(providerBlock(fake), nowApplied(`"`+bos.Fold(all)+`"`))
	fits("what is staged", now)
}
