package service

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// ordinals is a template of three boot sets, written by a client of BOS v1: storage goes
// before compute and login, and is shut down after them.
func (w *world) ordinals() {
	set := func(boot, shutdown int, nodes ...string) object {
		return w.set(object{"node_list": nodes, "boot_ordinal": boot, "shutdown_ordinal": shutdown})
	}
	w.must("POST", "/v1/sessiontemplate", object{"name": "v1", "enable_cfs": false, "boot_sets": object{
		"compute": set(2, 1, nodeName(0), nodeName(1)), "login": set(2, 1, nodeName(2)), "storage": set(1, 2, nodeName(3), nodeName(4)),
	}})
}

// times are when nodes were first given an operation.
func (w *world) times(op bos.PowerOp, ids ...string) (first, last time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		if c.op != op || !slices.Contains(ids, c.id) {
			continue
		}
		if first.IsZero() {
			first = c.at
		}
		last = c.at
	}
	return first, last
}

func TestBootSetsAreBootedAndShutDownInTheOrderOfTheirOrdinals(t *testing.T) {
	inWorld(t, 5, func(t *testing.T, w *world) {
		w.ordinals()
		storage, others := []string{nodeName(3), nodeName(4)}, []string{nodeName(0), nodeName(1), nodeName(2)}
		w.session("up", "boot", "v1", "")
		if s := w.complete("up"); s.PercentSuccessful != 100 {
			t.Fatalf("%+v", s)
		}
		_, last := w.times(bos.PowerOn, storage...)
		if first, _ := w.times(bos.PowerOn, others...); first.Sub(last) < bootTime {
			t.Errorf("storage was powered on until %s, and the others from %s on, before it had booted", last, first)
		}
		w.session("down", "shutdown", "v1", "")
		if s := w.complete("down"); s.PercentSuccessful != 100 {
			t.Fatalf("%+v", s)
		}
		_, last = w.times(bos.PowerSoftOff, others...)
		if first, _ := w.times(bos.PowerSoftOff, storage...); first.Sub(last) < offTime {
			t.Errorf("the others were powered off until %s, and storage from %s on", last, first)
		}
	})
}

func TestWhatGoesFirstAndFailsHoldsUpTheNextUntilSomebodyLetsItGoOn(t *testing.T) {
	inWorld(t, 5, func(t *testing.T, w *world) {
		w.ordinals()
		w.options(object{"max_boot_wait_time": 60, "default_retry_policy": 1})
		w.nodes[nodeName(3)].mute = true
		w.session("up", "boot", "v1", "")
		w.advance(time.Hour)
		if ops := w.did(nodeName(0)); len(ops) > 0 {
			t.Errorf("a compute node was given %v while storage is down", ops)
		}
		var status bos.RolloutStatus
		w.get("/x/v1/sessions/up/rollout", &status)
		if status.Phase != bos.RolloutHalted || status.Detail == "" {
			t.Errorf("%+v", status)
		}
		// A client of version 2 knows no rollouts.
		var s bos.Session
		if w.get("/v2/sessions/up", &s); s.Status.Status != bos.SessionRunning || s.Status.Error == nil || !strings.Contains(*s.Status.Error, status.Detail) || !strings.Contains(*s.Status.Error, "/x/v1/sessions/up/resume") {
			t.Errorf("version 2 says of the session that has halted: %+v", s.Status)
		}
		if wait := w.waits("up"); wait == nil || wait.Reason != bos.SessionWaitsHalted {
			t.Errorf("it waits for %+v", wait)
		}
		w.must("POST", "/x/v1/sessions/up/resume", object{"skip_failed": true})
		if s := w.complete("up"); s.PercentSuccessful != 80 {
			t.Errorf("%+v", s)
		}
		if w.get("/v2/sessions/up", &s); s.Status.Error != nil {
			t.Errorf("the session is over and says %q", *s.Status.Error)
		}
	})
}

func TestAThresholdLetsTheNextGoOnWithoutTheFew(t *testing.T) {
	inWorld(t, 5, func(t *testing.T, w *world) {
		w.ordinals()
		w.must("PUT", "/x/v1/sessiontemplates/v1/sequence", object{"boot_ordinal": object{"storage": 1, "compute": 2, "login": 2}, "threshold": "50%"})
		w.options(object{"max_boot_wait_time": 60, "default_retry_policy": 1})
		w.nodes[nodeName(3)].mute = true
		w.session("up", "boot", "v1", "")
		if s := w.complete("up"); s.PercentSuccessful != 80 {
			t.Errorf("%+v", s)
		}
	})
}

func TestASessionTouchesTheNodesOfItsTemplatesPartitionAlone(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.mu.Lock()
		w.inv.Partitions = map[string][]string{"p1": {nodeName(1)}}
		w.mu.Unlock()
		compute := object{"compute": w.set(object{"node_roles_groups": []string{"Compute"}})}
		w.must("POST", "/v1/sessiontemplate", object{"name": "v1", "enable_cfs": false, "partition": "p1", "boot_sets": compute})
		w.session("up", "boot", "v1", "")
		if s := w.complete("up"); s.PercentSuccessful != 100 || s.ManagedComponentsCount != 1 {
			t.Errorf("%+v", s)
		}
		for _, i := range []int{0, 2} {
			if ops := w.did(nodeName(i)); len(ops) > 0 {
				t.Errorf("%s of no partition was given %v", nodeName(i), ops)
			}
		}
		w.must("PUT", "/x/v1/sessiontemplates/v1/sequence", object{"partition": "p9"})
		if res := w.do("POST", "/v2/sessions", object{"name": "no", "operation": "boot", "template_name": "v1"}); res.Code != http.StatusBadRequest {
			t.Errorf("a partition that there is not was answered with %d: %s", res.Code, res.Body)
		}
	})
}

// halted lets time pass until the rollout of a session has halted, and says why.
func (w *world) halted(name string) string {
	w.t.Helper()
	for range 24 * 60 {
		var status bos.RolloutStatus
		w.get("/x/v1/sessions/"+name+"/rollout", &status)
		if status.Phase == bos.RolloutHalted {
			return status.Detail
		}
		w.advance(time.Minute)
	}
	w.t.Fatalf("the rollout of %s does not halt", name)
	return ""
}

func TestWhatIsLetGoOnWithoutFailedNodesHaltsAgainAtTheNextThatFail(t *testing.T) {
	inWorld(t, 5, func(t *testing.T, w *world) {
		w.ordinals()
		w.must("PUT", "/x/v1/sessiontemplates/v1/sequence", object{"boot_ordinal": object{"storage": 1, "compute": 2, "login": 3}})
		w.options(object{"max_boot_wait_time": 60, "default_retry_policy": 1})
		w.nodes[nodeName(3)].mute, w.nodes[nodeName(0)].mute = true, true
		w.session("up", "boot", "v1", "")
		w.halted("up")
		w.must("POST", "/x/v1/sessions/up/resume", object{"skip_failed": true})
		if why := w.halted("up"); !strings.Contains(why, "ordinal 2") {
			t.Error(why)
		}
		if ops := w.did(nodeName(2)); len(ops) > 0 {
			t.Errorf("the login node was given %v while one of the two compute nodes is down, which nobody let pass", ops)
		}
		w.must("POST", "/x/v1/sessions/up/resume", object{"skip_failed": true})
		if s := w.complete("up"); s.PercentSuccessful != 60 {
			t.Errorf("%+v", s)
		}
	})
}

// TestANodeThatWasDoneAndIsDeletedStaysDoneForItsRollout, for the engine as for what is
// shown: whoever resumes lets pass what failed, and that did not.
func TestANodeThatWasDoneAndIsDeletedStaysDoneForItsRollout(t *testing.T) {
	inWorld(t, 5, func(t *testing.T, w *world) {
		w.ordinals()
		w.options(object{"max_boot_wait_time": 60, "default_retry_policy": 1})
		w.nodes[nodeName(3)].mute = true
		w.session("up", "boot", "v1", "")
		w.halted("up")
		w.must("DELETE", "/v2/components/"+nodeName(4), nil)
		w.advance(time.Minute)
		w.must("POST", "/x/v1/sessions/up/resume", object{"skip_failed": true})
		if s := w.complete("up"); s.PercentSuccessful != 80 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAnOrderThatIsHeldUpByANodeOfAnotherSessionGoesOnWhenSomebodyResumesIt(t *testing.T) {
	inWorld(t, 5, func(t *testing.T, w *world) {
		w.ordinals()
		w.nodes[nodeName(3)].mute = true
		w.session("up", "boot", "v1", "")
		w.advance(time.Minute)
		w.session("other", "boot", "t", nodeName(3)) // it takes a storage node that boots
		if why := w.halted("up"); !strings.Contains(why, "1 of the 2") || !strings.Contains(why, "another session") {
			t.Error(why)
		}
		w.must("POST", "/x/v1/sessions/up/resume", object{})
		w.complete("up")
		if ops := w.did(nodeName(0)); !slices.Contains(ops, bos.PowerOn) {
			t.Errorf("a compute node was given %v after somebody let them go on", ops)
		}
	})
}
