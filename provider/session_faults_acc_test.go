package provider_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestASessionWhosePOSTGotNoAnswerIsFoundByItsNameAndNotPostedAgain(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.HangUp(func(method, path string) bool {
		return method == http.MethodPost && strings.HasSuffix(path, "/sessions")
	})
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot")["status"]; got != "complete" {
		t.Errorf("the session is %v", got)
	}
	w.plan().exits(t, 0)
	sessions(t, fake, 1)
}

// lost makes a server carry out everything and answer nothing about sessions.
func lost(method, path string) bool {
	return strings.Contains(path, "/sessions") && (method == http.MethodPost || method == http.MethodGet)
}

func TestASessionThatNobodyCanTellOfIsKeptAndFoundByTheNextPlan(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.HangUp(lost)
	w := newWorkspace(t)
	w.write(strings.Replace(providerBlock(fake), "max_retries = 1", "max_retries = 0", 1), template("quiet"), session(rolling))
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Warning: BOS session may or may not run")
	if attributes, tainted := w.instance("bos_session.boot"); attributes["status"] != "unconfirmed" || tainted {
		t.Errorf("the session is %v (tainted: %t)", attributes["status"], tainted)
	}
	fake.HangUp(nil)
	w.plan().exits(t, 0)
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot")["status"]; got != "complete" {
		t.Errorf("the session is %v", got)
	}
	sessions(t, fake, 1)
}

func TestASessionThatWasNeverAcceptedIsPlannedAgain(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.HangUp(lost)
	w := newWorkspace(t)
	w.write(strings.Replace(providerBlock(fake), "max_retries = 1", "max_retries = 0", 1), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	fake.HangUp(nil)
	expire(t, fake)
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "1 to add, 0 to change, 0 to destroy")
}

func TestAPlainV2ServerGetsTheLimitWrittenOut(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Plain()
	fake.Break("x1000c0s1b0n0")
	w := newWorkspace(t)
	w.write(providerBlock(fake, "applying = terraform.applying"), template("quiet"), session(`limit = "x1000c0s[1-2]b0n0"`))
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "Warning: Cannot say which nodes", "this BOS has no previews")
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "1 node failed to reboot", "x1000c0s1b0n0: no answer from x1000c0s1b0")
	if got := request(t, "GET", fake.URL()+"/v2/sessions/"+fake.Sessions()[0]); !strings.Contains(got, `"limit":"x1000c0s1b0n0,x1000c0s2b0n0"`) {
		t.Errorf("the session's record is %s", got)
	}
	w.plan().exits(t, 0)
}

func TestRequirePreviewRefusesWhatNobodyCanForesee(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	literal := strings.Replace(session(), "bos_session_template.compute.name", `"elsewhere"`, 1)
	w.write(providerBlock(fake), literal)
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, `BOS has no template "elsewhere" yet`)
	w.write(providerBlock(fake, "require_preview = true"), literal)
	plan = w.plan()
	plan.exits(t, 1)
	plan.says(t, "Error: Cannot say which nodes")
}

func TestASessionForNoNodesSaysSoAtPlanAndAfterwards(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"), session(`limit = "x9c0s0b0n0"`))
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "Error: Nothing to do: no node matches", "There is nothing to act on", "allow_empty = true")
	w.write(providerBlock(bos), template("quiet"), session(`limit = "x9c0s0b0n0"`, "allow_empty = true"))
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Reboot of template \"compute\" did nothing: x9c0s0b0n0", "acted on no node", "No nodes were found to act upon.")
}

func TestATakenNameIsRefusedWithoutATaint(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	first, second := newWorkspace(t), newWorkspace(t)
	first.write(providerBlock(bos), template("quiet"), session(`name = "monday"`))
	first.apply().exits(t, 0)
	second.write(providerBlock(bos), strings.Replace(session(`name = "monday"`), "bos_session_template.compute.name", `"compute"`, 1))
	apply := second.apply()
	apply.exits(t, 1)
	apply.says(t, "The name of BOS session monday is taken", "Choose another name")
	sessions(t, bos, 1)
}

func TestARecordThatVanishesDuringTheWaitIsNoFailure(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	bos.Hold()
	waiting := seen(bos, "GET /v2/sessions/", 1)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		<-waiting
		for _, name := range bos.Sessions() {
			request(t, "DELETE", bos.URL()+"/v2/sessions/"+name)
		}
	}()
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"), session(rolling))
	apply := w.apply()
	<-gone
	apply.exits(t, 0)
	apply.says(t, "Warning: Record of BOS session ")
	if attributes, tainted := w.instance("bos_session.boot"); attributes["record_expired"] != true || tainted {
		t.Errorf("record_expired is %v (tainted: %t)", attributes["record_expired"], tainted)
	}
	w.plan().exits(t, 0)
	sessions(t, bos, 1)
}
