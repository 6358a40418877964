package service

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// silent makes the BMCs of some nodes answer nothing.
func (w *world) silent(dead map[string]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.probe = func(id string) (bos.PowerReading, bool) {
		return bos.PowerReading{Symptom: bos.SymptomSilent, Detail: "i/o timeout"}, dead[id]
	}
}

func names(from, to int) map[string]bool {
	some := make(map[string]bool)
	for i := from; i < to; i++ {
		some[nodeName(i)] = true
	}
	return some
}

// soon lets a session end within a time.
func (w *world) soon(name string, within time.Duration) bos.ExtendedStatus {
	w.t.Helper()
	began := time.Now()
	status := w.complete(name)
	if took := time.Since(began); took > within {
		w.t.Errorf("session %s took %s, want at most %s", name, took, within)
	}
	return status
}

func TestASessionEndsAlsoWhereAFifthOfTheBMCsIsDeadForGood(t *testing.T) {
	inWorld(t, 20, func(t *testing.T, w *world) {
		w.silent(names(0, 4))
		w.session("s", "boot", "t", "")
		if s := w.soon("s", 30*time.Minute); s.PercentSuccessful != 80 || s.PercentFailed != 20 {
			t.Errorf("%+v", s)
		}
		if cause := w.cause("s", nodeName(0)); cause != bos.CauseBMCUnreachable && cause != bos.CauseChassisUnreachable {
			t.Errorf("they failed with %q", cause)
		}
	})
}

func TestAnOutageOfMoreBMCsHoldsTheirNodesAlsoWhereAFifthIsDeadForGood(t *testing.T) {
	inWorld(t, 20, func(t *testing.T, w *world) {
		w.silent(names(0, 4))
		w.session("s", "boot", "t", "")
		w.soon("s", 30*time.Minute)
		w.silent(names(0, 12)) // a switch goes
		w.session("again", "reboot", "t", "")
		w.advance(bos.DefaultMaxUnreachable - time.Minute)
		for i := 4; i < 12; i++ {
			if c := w.component(nodeName(i)); c.DeriveStatus() != bos.StatusOnHold {
				t.Errorf("%s is %s: %s", c.ID, c.DeriveStatus(), c.Error)
			}
		}
		w.silent(names(0, 4))
		if s := w.soon("again", 30*time.Minute); s.PercentSuccessful != 80 {
			t.Errorf("%+v", s)
		}
	})
}

func TestBMCsOfDisabledOrLockedNodesAndThoseThatLeftTheInventoryDoNotTestify(t *testing.T) {
	for name, leave := range map[string]func(w *world){
		"locked":   func(w *world) { w.setNodes(0, 4, func(n *bos.Node) { n.Locked = true }) },
		"disabled": func(w *world) { w.setNodes(0, 4, func(n *bos.Node) { n.Enabled = false }) },
		"gone": func(w *world) {
			w.mu.Lock()
			w.inv.Nodes = w.inv.Nodes[4:]
			w.mu.Unlock()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 20, func(t *testing.T, w *world) {
				w.silent(names(0, 3))
				w.session("s", "boot", "t", "")
				w.soon("s", 30*time.Minute)
				leave(w)
				w.advance(time.Hour) // discovery
				w.silent(names(0, 5))
				w.session("again", "reboot", "t", strings.Join([]string{nodeName(4), nodeName(5)}, ","))
				if s := w.soon("again", bos.DefaultMaxUnreachable+3*time.Minute); s.PercentFailed != 50 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// setNodes changes nodes of the inventory.
func (w *world) setNodes(from, to int, set func(*bos.Node)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := from; i < to; i++ {
		set(&w.inv.Nodes[i])
	}
}

func TestPowerControlThatForgotManyNodesFailsNone(t *testing.T) {
	inWorld(t, 10, func(t *testing.T, w *world) {
		w.session("first", "boot", "t", "")
		w.soon("first", 10*time.Minute)
		w.probe = func(string) (bos.PowerReading, bool) {
			return bos.PowerReading{Cause: bos.CauseUnknownToPower}, true
		}
		w.session("s", "reboot", "t", "")
		w.advance(3 * time.Hour)
		c := w.component(nodeName(0))
		if c.DeriveStatus() != bos.StatusOnHold || !strings.Contains(c.Error, "many others") {
			t.Errorf("%s: %s", c.DeriveStatus(), c.Error)
		}
		w.probe = nil
		if s := w.soon("s", 10*time.Minute); s.PercentSuccessful != 100 {
			t.Errorf("%+v", s)
		}
	})
}

func TestOneNodeThatPowerControlDoesNotKnowFails(t *testing.T) {
	inWorld(t, 10, func(t *testing.T, w *world) {
		w.probe = func(id string) (bos.PowerReading, bool) {
			return bos.PowerReading{Cause: bos.CauseUnknownToPower}, id == nodeName(3)
		}
		w.session("s", "boot", "t", "")
		if s := w.soon("s", bos.DefaultMaxUnreachable+3*time.Minute); s.PercentFailed != 10 || w.cause("s", nodeName(3)) != bos.CauseUnknownToPower {
			t.Errorf("%+v", s)
		}
	})
}

func TestPowerActionsThatNobodyAnswersAreRepeatedPatientlyAndCostNothingWhereManyAreUnanswered(t *testing.T) {
	lost := bos.CallResult{Outcome: bos.CallUnknown, Cause: bos.CauseResetUnconfirmed, Detail: "500 Internal Server Error"}
	inWorld(t, 10, func(t *testing.T, w *world) {
		w.apply = func(_ bos.PowerOp, id string) (bos.CallResult, bool) { return lost, id == nodeName(0) }
		began := time.Now()
		w.session("one", "boot", "t", "")
		s := w.complete("one")
		if took := time.Since(began); s.PercentFailed != 10 || took < time.Minute || took > bos.DefaultMaxUnreachable {
			t.Errorf("one BMC that answers 500: %+v after %s", s, took)
		}
		if got := len(w.did(nodeName(0))); got != 3 {
			t.Errorf("it was asked %d times, want its three attempts", got)
		}
		w.apply = func(bos.PowerOp, string) (bos.CallResult, bool) { return lost, true }
		w.session("all", "shutdown", "t", "")
		w.advance(30 * time.Minute)
		w.apply = nil
		if s := w.complete("all"); s.PercentSuccessful != 100 {
			t.Errorf("all that answer 500 for half an hour: %+v", s)
		}
		w.apply = func(bos.PowerOp, string) (bos.CallResult, bool) { return lost, true }
		w.session("on", "boot", "t", "")
		w.advance(30 * time.Minute)
		if got := len(w.did(nodeName(1))); got > 20 {
			t.Errorf("an upstream that does not answer was asked %d times in half an hour", got)
		}
		w.apply = nil
		if s := w.complete("on"); s.PercentSuccessful != 100 {
			t.Errorf("all that answer 500 for half an hour: %+v", s)
		}
	})
}

func TestASessionEndsAlsoWhereAFifthOfTheBMCsTakesNoPowerActionForGood(t *testing.T) {
	busy := bos.CallResult{Outcome: bos.CallBusy, Cause: bos.CauseBMCError, Detail: "503 Service Unavailable"}
	inWorld(t, 20, func(t *testing.T, w *world) {
		dead := names(0, 4)
		w.apply = func(_ bos.PowerOp, id string) (bos.CallResult, bool) { return busy, dead[id] }
		w.session("s", "boot", "t", "")
		w.advance(2 * time.Minute)
		w.session("later", "shutdown", "t", nodeName(19))
		if s := w.soon("s", time.Hour); s.PercentFailed < 20 {
			t.Errorf("%+v", s)
		}
		if cause := w.cause("s", nodeName(0)); cause != bos.CauseBMCError {
			t.Errorf("it failed with %q", cause)
		}
	})
}

func TestAnUpstreamThatTakesNoPowerActionForHoursFailsNobody(t *testing.T) {
	busy := bos.CallResult{Outcome: bos.CallBusy, Cause: bos.CauseBMCError, Detail: "503 Service Unavailable"}
	inWorld(t, 20, func(t *testing.T, w *world) {
		w.session("s", "boot", "t", nodeName(0))
		w.soon("s", time.Hour)
		w.apply = func(bos.PowerOp, string) (bos.CallResult, bool) { return busy, true }
		w.session("all", "boot", "t", "")
		w.advance(3 * time.Hour)
		w.apply = nil
		if s := w.soon("all", time.Hour); s.PercentSuccessful != 100 {
			t.Errorf("%+v", s)
		}
	})
}
