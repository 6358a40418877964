package provider_test

import (
	"strings"
	"testing"
)

// screen is how many lines a terminal shows, and width what a reader takes in
// on one of them.
const (
	screen = 50
	width  = 160
)

func TestTheDestroyPlanOfASessionOf10000NodesFitsAScreen(t *testing.T) {
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
