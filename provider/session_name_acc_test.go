package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Reuse makes all sessions others of the same names, which were accepted later and
// run.
func (s *fakeBOS) Reuse() {
	s.locked(func() {
		for key := range s.sessions {
			s.sessions[key] = &bos.Session{
				Name: key.Name, Operation: bos.OperationShutdown, TemplateName: "other", Components: "x1000c0s3b0n0",
				Status: bos.SessionStatus{StartTime: bos.At(time.Now().Add(time.Hour)), Status: bos.SessionRunning},
			}
		}
	})
}

func TestASessionOfTheSameNameThatSomebodyRanLaterIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, began := range map[string]string{"ours is over": "", "ours ran": "wait_for_completion = false"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			if began != "" {
				fake.Hold()
			}
			w := newWorkspace(t)
			w.write(providerBlock(fake), template("quiet"), session(`name = "nightly"`, `on_destroy = "cancel"`, began))
			w.apply().exits(t, 0)
			fake.Reuse()
			w.plan("-refresh-only").exits(t, 2)
			w.apply("-refresh-only").exits(t, 0)
			if got := w.attributes("bos_session.boot"); got["record_expired"] != true || got["nodes"] == "x1000c0s3b0n0" || got["succeeded"] != (began == "") {
				t.Errorf("state has %v", got)
			}
			for _, refresh := range []string{"-refresh=false", "-refresh=true"} {
				w.plan("-destroy", refresh).exits(t, 2)
			}
			w.apply("-destroy", "-refresh=false").exits(t, 0)
			if fake.Requests("POST", "/cancel") > 0 || fake.Requests("DELETE", "/sessions/nightly") > 0 {
				t.Error("the session of somebody else was ended or deleted")
			}
		})
	}
}

func TestDestroyingAStateThatWasNotRefreshedLeavesALaterSessionOfTheNameAlone(t *testing.T) {
	t.Parallel()
	for name, unconfirmed := range map[string]bool{"ours was accepted": false, "nobody knows whether ours was accepted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			w := newWorkspace(t)
			if unconfirmed {
				fake.Lose(func(_, path string) bool { return strings.Contains(path, "/sessions") })
			}
			w.write(strings.Replace(providerBlock(fake), "max_retries = 1", "max_retries = 0", 1), template("quiet"), session(`name = "nightly"`, `on_destroy = "cancel"`))
			w.apply().exits(t, 0)
			fake.Lose(nil)
			if unconfirmed {
				send(t, "POST", fake.URL()+"/v2/sessions", strings.NewReader(`{"name":"nightly","template_name":"compute","operation":"boot"}`))
			}
			fake.Reuse()
			w.apply("-destroy", "-refresh=false").exits(t, 0)
			if fake.Requests("POST", "/cancel") > 0 || fake.Requests("DELETE", "/sessions/nightly") > 0 {
				t.Error("the session of somebody else was ended or deleted")
			}
		})
	}
}

func TestAWaitEndsWhereTheNameOfTheSessionIsUsedAgain(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	asked := seen(fake, "GET /v2/sessions/nightly", 4) // plan and apply look whether the name is free
	go func() {
		<-asked
		fake.Reuse()
		fake.Release()
	}()
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"), session(`name = "nightly"`))
	apply := w.apply()
	apply.exits(t, 0)
	apply.says(t, "Record of BOS session nightly is gone")
	if got := w.attributes("bos_session.boot"); got["record_expired"] != true || got["succeeded"] != false {
		t.Errorf("state has %v", got)
	}
}

func TestAnUnconfirmedSessionThatIsNotRefreshedWaitsForNoOtherOfItsName(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Lose(func(_, path string) bool { return strings.Contains(path, "/sessions") })
	w := newWorkspace(t)
	w.write(strings.Replace(providerBlock(fake), "max_retries = 1", "max_retries = 0", 1), template("quiet"), session(`name = "monday"`))
	w.apply().says(t, "Warning: BOS session may or may not run")
	fake.Lose(nil)
	send(t, "POST", fake.URL()+"/v2/sessions", strings.NewReader(`{"name":"monday","template_name":"compute","operation":"reboot","limit":"x1000c0s3b0n0"}`))
	apply := w.apply("-refresh=false")
	apply.exits(t, 0)
	apply.says(t, "BOS session monday is not the one that was asked for")
	if got := w.attributes("bos_session.boot"); got["status"] != "unconfirmed" || got["succeeded"] != false || got["nodes"] != "" {
		t.Errorf("state has %v", got)
	}
	w.plan().says(t, "The name of BOS session monday is taken")
}

func TestThatASessionIsReplacedUnderItsOwnNameIsSaidAtPlan(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Plain()
	w := newWorkspace(t)
	const before = "lifecycle { create_before_destroy = true }"
	write := func(name, run, lifecycle string) {
		w.write(providerBlock(fake), template("quiet"), session("name = \""+name+"\"", "triggers = { n = \""+run+"\" }", lifecycle))
	}
	write("nightly", "1", "")
	w.apply().exits(t, 0)
	write("nightly", "2", "")
	w.plan().says(t, "create_before_destroy, of this resource or of one that depends on it")
	w.apply().exits(t, 0)
	sessions(t, fake, 2)

	write("nightly", "3", before)
	w.plan().says(t, "create_before_destroy, of this resource or of one that depends on it")
	refused := w.apply()
	refused.exits(t, 1)
	refused.says(t, "The name of BOS session nightly is taken")
	sessions(t, fake, 2)

	write("another", "3", before)
	if plan := w.plan(); strings.Contains(plan.out, "has the name of the new one") {
		t.Errorf("a new name is taken for the old one: %s", plan.out)
	}
	w.apply().exits(t, 0)
}

func TestASessionThatIsNotOverIsNotReplacedUnderItsOwnNameUnlessItIsCancelled(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.Hold()
	w := newWorkspace(t)
	write := func(run, more string) {
		w.write(providerBlock(fake), template("quiet"), session(`name = "nightly"`, "wait_for_completion = false", `triggers = { n = "`+run+`" }`, more))
	}
	write("1", "")
	w.apply().exits(t, 0)
	write("2", "")
	for _, do := range []func(...string) result{w.plan, w.apply} {
		refused := do()
		refused.exits(t, 1)
		refused.says(t, "BOS session nightly is not over", `on_destroy = "cancel"`)
	}
	sessions(t, fake, 1)
	write("1", `on_destroy = "cancel"`)
	w.apply().exits(t, 0)
	write("2", `on_destroy = "cancel"`)
	w.plan().exits(t, 2)
}
