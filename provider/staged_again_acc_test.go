package provider_test

import (
	"strings"
	"testing"
)

// appliedAgain applies staged state that stays staged, and then applies it once
// more with a fault in the way. The session is named: without receipts, nothing else
// tells a second application from the first one.
func appliedAgain(t *testing.T, fault func(*fakeBOS, func(method, path string) bool)) (w *workspace, fake *fakeBOS, again result) {
	t.Helper()
	fake = startFake(t.Cleanup, room...)
	fake.locked(func() { fake.keepsStaged = true })
	w = newWorkspace(t)
	w.write(strings.Replace(providerBlock(fake), "max_retries = 1", "max_retries = 0", 1), strings.Replace(stagedFor(t, fake), "\n}", "\n  session = \"staged\"\n}", 1))
	w.apply().exits(t, 0)
	fault(fake, func(_, path string) bool { return strings.HasSuffix(path, "/applystaged") })
	again = w.apply("-replace=bos_staged_apply.now")
	again.exits(t, 0)
	return w, fake, again
}

func TestStagedStateThatIsAppliedAgainInVainIsNotSaidToBeApplied(t *testing.T) {
	t.Parallel()
	w, fake, again := appliedAgain(t, (*fakeBOS).Lose)
	again.says(t, "Warning: Staged state may or may not be applied")
	if got := w.attributes("bos_staged_apply.now"); got["status"] != "unconfirmed" || got["succeeded"] != false {
		t.Errorf("state has %v", got)
	}
	fake.Lose(nil)
	w.plan().says(t, "1 to add, 0 to change, 0 to destroy")
	w.apply().exits(t, 0)
	if got := w.attributes("bos_staged_apply.now"); got["succeeded"] != true || got["applied_count"] != 4.0 {
		t.Errorf("state has %v", got)
	}
}

func TestStagedStateThatIsAppliedAgainWithoutAnAnswerIsFoundAndNotAppliedAThirdTime(t *testing.T) {
	t.Parallel()
	w, fake, again := appliedAgain(t, (*fakeBOS).HangUp)
	again.says(t, "By the records of the nodes it did so for 4 nodes")
	if got := w.attributes("bos_staged_apply.now"); got["status"] != "complete" || got["succeeded"] != true {
		t.Errorf("state has %v", got)
	}
	fake.HangUp(nil)
	w.plan().exits(t, 0)
	if n := fake.Requests("POST", "/applystaged"); n != 2 {
		t.Errorf("staged state was applied %d times", n)
	}
}

func TestStagedStateThatWasAppliedAgainIsFoundByTheNextPlan(t *testing.T) {
	t.Parallel()
	sent := false
	w, fake, again := appliedAgain(t, func(s *fakeBOS, _ func(method, path string) bool) {
		s.HangUp(func(_, path string) bool {
			sent = sent || strings.HasSuffix(path, "/applystaged")
			return sent
		})
	})
	again.says(t, "The nodes could not be looked at either")
	fake.HangUp(nil)
	w.plan().exits(t, 0)
	w.apply().exits(t, 0)
	if got := w.attributes("bos_staged_apply.now"); got["succeeded"] != true || got["applied_count"] != 4.0 {
		t.Errorf("state has %v", got)
	}
	if n := fake.Requests("POST", "/applystaged"); n != 2 {
		t.Errorf("staged state was applied %d times", n)
	}
}
