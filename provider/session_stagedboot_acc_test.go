package provider_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestWhatASessionStagesIsGivenToTheBootServiceAsWellWhereThatIsWanted: the service is
// asked for it, no power is touched, and leaving it out again runs another session.
func TestWhatASessionStagesIsGivenToTheBootServiceAsWellWhereThatIsWanted(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	w := newWorkspace(t)
	stages := func(more string) string {
		return r.block() + "\nresource \"bos_session\" \"stage\" {\n  template_name = \"compute\"\n  operation = \"reboot\"\n  stage = true\n" + more + "}\n"
	}
	before := r.resetsOf(r.nodes()...)
	w.write(stages("  write_staged_boot_parameters = true\n"))
	w.apply().exits(t, 0)
	if w.attributes("bos_session.stage")["write_staged_boot_parameters"] != true {
		t.Errorf("state has %v", w.attributes("bos_session.stage"))
	}
	written := func() bool {
		return strings.Contains(send(t, http.MethodGet, r.url+"/x/v1/events?limit=1000", nil), "staged_boot_parameters_written")
	}
	for t.Context().Err() == nil && !written() { // which Terraform does not wait for
	}
	w.plan().exits(t, 0)
	w.write(stages(""))
	w.plan().says(t, "1 to add, 0 to change, 1 to destroy")
	for i, n := range r.resetsOf(r.nodes()...) {
		if n != before[i] {
			t.Errorf("%s was reset for what is only staged", r.nodes()[i])
		}
	}
}

func TestStagedBootParametersOfASessionThatStagesNoneAreAnErrorOfThePlan(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	for what, says := range map[string]string{
		`operation = "reboot"`:                     "stage is not true",
		"operation = \"shutdown\"\n  stage = true": "A shutdown has no boot parameters",
	} {
		w := newWorkspace(t)
		w.write(providerBlock(fake) + "\nresource \"bos_session\" \"s\" {\n  template_name = \"compute\"\n  write_staged_boot_parameters = true\n  " + what + "\n}\n")
		plan := w.plan()
		plan.exits(t, 1)
		plan.says(t, says)
	}
	if n := fake.Requests("POST", "/previews"); n != 0 {
		t.Errorf("%d previews were made", n)
	}
}
