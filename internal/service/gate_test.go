package service

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// brake is a way to keep a node of session "again" from being acted on.
type brake struct {
	on, off func(w *world)
	reason  bos.WaitReason
}

func brakesOn(id string) map[string]brake {
	why := object{"reason": "a leak"}
	post := func(path string) func(w *world) {
		return func(w *world) { w.must("POST", path, why) }
	}
	return map[string]brake{
		"the site":     {post("/x/v1/pause"), post("/x/v1/resume"), bos.WaitSitePaused},
		"its session":  {post("/x/v1/sessions/again/pause"), post("/x/v1/sessions/again/resume"), bos.WaitSessionPaused},
		"the node":     {func(w *world) { w.must("PUT", "/x/v1/components/"+id+"/hold", why) }, func(w *world) { w.must("DELETE", "/x/v1/components/"+id+"/hold", nil) }, bos.WaitHeld},
		"many nodes":   {func(w *world) { w.must("POST", "/x/v1/holds", object{"ids": []string{id}, "reason": "a leak"}) }, func(w *world) { w.must("POST", "/x/v1/holds/release", object{"ids": []string{id}}) }, bos.WaitHeld},
		"two of these": {func(w *world) { post("/x/v1/pause")(w); post("/x/v1/sessions/again/pause")(w) }, func(w *world) { post("/x/v1/sessions/again/resume")(w); post("/x/v1/resume")(w) }, bos.WaitSitePaused},
	}
}

// wait is what the outcomes of session "again" say that a node waits for.
func (w *world) wait(id string) bos.WaitReason {
	var page bos.NodeOutcomes
	w.get("/x/v1/sessions/again/components", &page)
	for _, c := range page.Components {
		if c.ID == id && c.Wait != nil {
			return c.Wait.Reason
		}
	}
	return bos.WaitNone
}

func TestACallThatWaitsForItsTurnIsNotMadeOnceABrakeIsOnAndIsMadeOnceWhenItIsOff(t *testing.T) {
	id := nodeName(0)
	for name, b := range brakesOn(id) {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(t *testing.T, w *world) {
				running(t, w)
				letGo := w.jam(id)
				w.session("again", "reboot", "t", "")
				w.advance(3 * time.Second)
				b.on(w)
				letGo()
				w.advance(time.Hour)
				if got := w.did(id); len(got) > 0 || w.refusals() != 1 {
					t.Errorf("the node was given %v, %d calls were held back", got, w.refusals())
				}
				c := w.component(id)
				if w.wait(id) != b.reason || !strings.Contains(c.Error, "a leak") || c.EventStats.PowerOffGracefulAttempts != 0 {
					t.Errorf("it waits for %q and shows %+v", w.wait(id), c)
				}
				b.off(w)
				if s := w.complete("again"); s.PercentSuccessful != 100 {
					t.Errorf("after it was let go: %+v", s)
				}
				if got := w.did(id); !slices.Equal(got, []bos.PowerOp{bos.PowerSoftOff, bos.PowerOn}) {
					t.Errorf("the node was given %v", got)
				}
			})
		})
	}
}

func TestANodeThatBootsWhileABrakeIsOnIsNotResetForTheTimeThatPassed(t *testing.T) {
	id := nodeName(0)
	for name, b := range brakesOn(id) {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(t *testing.T, w *world) {
				running(t, w)
				w.nodes[id].mute = true
				w.session("again", "reboot", "t", "")
				w.advance(10 * time.Second) // it has been powered on
				if got := w.did(id); !slices.Equal(got, []bos.PowerOp{bos.PowerSoftOff, bos.PowerOn}) {
					t.Fatalf("the node was given %v", got)
				}
				b.on(w)
				w.advance(time.Hour)
				w.end()
				w.start() // it is kept
				w.advance(10 * time.Minute)
				b.off(w)
				w.advance(15 * time.Minute) // of the 20 that it has
				if got := w.did(id); len(got) != 2 {
					t.Errorf("the node was given %v", got)
				}
				token := w.nodes[id].token
				w.must("PATCH", "/v2/components/"+id, object{"id": id, "actual_state": object{"bss_token": token}})
				if s := w.complete("again"); s.PercentSuccessful != 100 {
					t.Errorf("it ended as %+v", s)
				}
			})
		})
	}
}

func TestWhatWasSentBeforeAPauseIsFollowedToItsEnd(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		running(t, w)
		w.session("again", "reboot", "t", "")
		w.advance(10 * time.Second)
		w.must("POST", "/x/v1/pause", object{})
		if s := w.complete("again"); s.PercentSuccessful != 100 || len(w.did(nodeName(0))) != 2 {
			t.Errorf("%+v with %v", s, w.did(nodeName(0)))
		}
	})
}

func TestAPausedSiteAcceptsAndSetsUpSessionsAndSendsNothing(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.must("POST", "/x/v1/pause", object{"reason": "restored"})
		w.write = func(ids []string, _ bos.BootArtifacts) error {
			t.Errorf("boot parameters of %v are written", ids)
			return nil
		}
		w.session("again", "boot", "t", "")
		w.advance(time.Hour)
		var s bos.Session
		w.get("/v2/sessions/again", &s)
		c := w.component(nodeName(1))
		if s.Status.Status != bos.SessionRunning || !c.Enabled || c.Status.Status != bos.StatusOnHold || w.wait(nodeName(1)) != bos.WaitSitePaused {
			t.Errorf("the session is %+v, its node %+v", s.Status, c)
		}
		var history struct{ Events []bos.Event }
		w.get("/x/v1/events?component="+nodeName(1), &history)
		waits := slices.DeleteFunc(history.Events, func(e bos.Event) bool { return e.Kind != "gate_wait" })
		if len(waits) != 1 || !strings.Contains(waits[0].Detail, "site_paused") || !strings.Contains(waits[0].Detail, "restored") {
			t.Errorf("the history tells of its wait as %+v", waits)
		}
		if len(w.calls) > 0 {
			t.Errorf("sent were %v", w.calls)
		}
		w.write = nil
		w.must("POST", "/x/v1/resume", object{})
		if s := w.complete("again"); s.PercentSuccessful != 100 {
			t.Errorf("after it was resumed: %+v", s)
		}
	})
}

func TestAPausedSessionWaitsToEndAndCanBeCancelled(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		running(t, w)
		w.session("again", "reboot", "t", nodeName(0))
		w.advance(10 * time.Second)
		w.must("POST", "/x/v1/sessions/again/pause", object{})
		w.session("other", "reboot", "t", nodeName(1))
		if s := w.complete("other"); s.PercentSuccessful != 100 {
			t.Errorf("another session is not paused: %+v", s)
		}
		w.advance(time.Hour)
		var s bos.Session
		if w.get("/v2/sessions/again", &s); s.Status.Status != bos.SessionRunning || w.component(nodeName(0)).Enabled {
			t.Errorf("the session is %s, its node is done: %t", s.Status.Status, !w.component(nodeName(0)).Enabled)
		}
		w.must("POST", "/x/v1/sessions/again/cancel", object{})
		if got := w.do("GET", "/v2/sessions/again", nil); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "cancelled") {
			t.Errorf("%s", got.Body)
		}
	})
}

func TestAHeldNodeIsNeverTouchedWhateverEnablesIt(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		running(t, w)
		id := nodeName(0)
		w.must("PUT", "/x/v1/components/"+id+"/hold", object{"reason": "board out"})
		w.session("again", "reboot", "t", "")
		if s := w.complete("again"); s.ManagedComponentsCount != 1 || s.PercentSuccessful != 100 {
			t.Errorf("%+v", s)
		}
		w.must("PATCH", "/v2/components/"+id, object{"enabled": true, "desired_state": object{"boot_artifacts": object{"kernel": "", "kernel_parameters": "", "initrd": ""}}})
		w.advance(time.Hour)
		if got := w.did(id); len(got) > 0 || !strings.Contains(w.component(id).Error, "held: board out") {
			t.Errorf("the node was given %v and shows %+v", got, w.component(id))
		}
		w.must("DELETE", "/x/v1/components/"+id+"/hold", nil)
		w.advance(time.Minute)
		if got := w.did(id); len(got) == 0 || w.component(id).Enabled {
			t.Errorf("after the hold was lifted it was given %v", got)
		}
	})
}
