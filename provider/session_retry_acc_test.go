package provider_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// over returns once a session is complete.
func (r *realBOS) over(t *testing.T, name string) {
	t.Helper()
	r.becomes(t, name, bos.SessionComplete)
}

func TestTheActionThatRetriesTriesWhatFailedAndIsStillOfThatSession(t *testing.T) {
	t.Parallel()
	r := startReal(t, 50*time.Millisecond)
	r.aTemplate(t, "quiet")
	bad, well := r.nodes()[:2], r.nodes()[2:]
	lift := r.refuses(t, bad...)
	send(t, http.MethodPost, r.url+"/v2/sessions", strings.NewReader(`{"name":"nightly","template_name":"compute","operation":"reboot"}`))
	r.over(t, "nightly")
	lift()
	send(t, http.MethodPost, r.url+"/v2/sessions", strings.NewReader(`{"name":"theirs","template_name":"compute","operation":"reboot","limit":"`+bad[1]+`"}`))
	r.over(t, "theirs")
	before := r.resetsOf(append(well, bad[1])...)

	core := coreAt(t, r.url)
	given := map[string]any{"session": "nightly"}
	messages, diags := core.invoke("bos_session_retry", given)
	if all := summaries(diags); !strings.Contains(all, "WARNING This will reboot 1 node: "+bad[0]) || strings.Contains(all, "ERROR") {
		t.Errorf("the diagnostics are\n%s", all)
	}
	if said := strings.Join(messages, "\n"); !strings.Contains(said, "complete: 1 node, 0 failed") {
		t.Errorf("the messages are\n%s", said)
	}
	if after := r.resetsOf(append(well, bad[1])...); !slices.Equal(before, after) {
		t.Errorf("nodes that had not failed in it were reset: %v after %v", after, before)
	}
	// By the same plan it is not tried twice, and by the next there is nothing left to try.
	for range 2 {
		_, diags = core.again("bos_session_retry", given)
		core.configure()
		messages, planned := core.invoke("bos_session_retry", given)
		if said := strings.Join(messages, "\n"); !strings.Contains(said, "Nothing of session nightly to try again") || !strings.Contains(summaries(planned), "WARNING Nothing of session nightly to try again") {
			t.Errorf("the messages are\n%s\n%s", said, summaries(planned))
		}
	}
	if all := r.sessions(t); len(all) != 3 {
		t.Errorf("%d sessions, %s", len(all), summaries(diags))
	}
	letGo := r.inFlight(t)
	send(t, http.MethodPost, r.url+"/v2/sessions", strings.NewReader(`{"name":"long","template_name":"compute","operation":"reboot"}`))
	// What fails after the plan was seen by nobody: neither a plan nor an apply takes it.
	plan, apply := core.errorsOf("bos_session_retry", map[string]any{"session": "long"})
	if !strings.Contains(plan, "Session long is not over") || !strings.Contains(plan, "Plan again once the session is over") || !strings.Contains(apply, "Session long is not over") {
		t.Errorf("the plan says\n%s\nand the apply\n%s", plan, apply)
	}
	letGo()
	if _, diags = core.again("bos_session_retry", map[string]any{"session": "nobody"}); !strings.Contains(summaries(diags), "ERROR BOS knows no such session") {
		t.Errorf("the diagnostics are\n%s", summaries(diags))
	}
}
