package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// shuttingDown is a node that is on and to be off.
func shuttingDown() bos.Record {
	return bos.Record{Goal: bos.GoalOff, Component: bos.Component{
		ID: "x1000c0s0b0n0", Enabled: true, Session: "s",
		LastAction: bos.LastAction{Action: bos.ActionSessionSetup}, Status: bos.ComponentStatus{StatusOverride: bos.StatusOnHold},
	}}
}

// tried is one power action of a node and how long after the first it was sent.
type tried struct {
	kind  bos.EffectKind
	after time.Duration
}

// powerOffs is what is sent to a node that stays on until it is forced off or
// given up; answer says how its BMC answers the n-th action.
func powerOffs(t *testing.T, r bos.Record, p bos.Policy, answer func(n int, kind bos.EffectKind) bos.CallResult) ([]tried, bos.Record) {
	t.Helper()
	now, on := noon, bos.PowerStateOn
	var sent []tried
	for range 1000 {
		d := Decide(r, Observation{Power: bos.PowerReading{State: on, Asked: now}}, p, now)
		r = d.Next
		if !r.Enabled {
			return sent, r
		}
		if d.Effect.Kind.PowerOp() != "" {
			sent = append(sent, tried{d.Effect.Kind, now.Sub(noon)})
			res := answer(len(sent), d.Effect.Kind)
			r = Settle(r, d.Effect, res, now)
			if d.Effect.Kind == bos.EffectPowerOffForceful && res.Outcome == bos.CallDone {
				on = bos.PowerStateOff
			}
			now = now.Add(time.Second)
			continue
		}
		if !d.Probe.After(now) {
			now = now.Add(time.Millisecond)
			continue
		}
		now = d.Probe
	}
	t.Fatal("it goes on without end")
	return nil, r
}

func TestAPassingRefusalOfAGracefulPowerOffIsAskedAgainSoftlyUntilItsTimeIsOver(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	for name, refusal := range map[string]bos.CallResult{
		"not ready":          {Outcome: bos.CallBusy, Cause: bos.CauseNotReady, Detail: "in POST"},
		"busy":               {Outcome: bos.CallBusy, Cause: bos.CauseBMCError, Detail: "503"},
		"refused wordlessly": {Outcome: bos.CallRefused, Cause: bos.CauseResetRefused, Detail: "400"},
		"come back late":     {Outcome: bos.CallBusy, Cause: bos.CauseBMCError, Detail: "503", RetryAfter: 2 * p.MaxPowerOffWait},
	} {
		t.Run(name, func(t *testing.T) {
			once, r := powerOffs(t, shuttingDown(), p, func(n int, _ bos.EffectKind) bos.CallResult {
				if n == 1 {
					return refusal
				}
				return bos.CallResult{}
			})
			if len(once) < 2 || once[1].kind != bos.EffectPowerOffGraceful || r.Status.StatusOverride == bos.StatusFailed {
				t.Errorf("refused once, it was sent %+v; %q", once, r.Error)
			}
			always, r := powerOffs(t, shuttingDown(), p, func(_ int, kind bos.EffectKind) bos.CallResult {
				if kind == bos.EffectPowerOffGraceful {
					return refusal
				}
				return bos.CallResult{}
			})
			last := always[len(always)-1]
			if len(always) < 3 || last.kind != bos.EffectPowerOffForceful || last.after < p.MaxPowerOffWait || r.Status.StatusOverride == bos.StatusFailed {
				t.Errorf("refused always, it was sent %+v; %q", always, r.Error)
			}
			for _, sent := range always[:len(always)-1] {
				if sent.kind != bos.EffectPowerOffGraceful {
					t.Errorf("force came %s after the first try", sent.after)
				}
			}
		})
	}
}

func TestForceFollowsAtOnceOnlyWhereAGracefulPowerOffIsNotSupported(t *testing.T) {
	sent, _ := powerOffs(t, shuttingDown(), bos.DefaultOptions().Policy(), func(_ int, kind bos.EffectKind) bos.CallResult {
		if kind == bos.EffectPowerOffGraceful {
			return bos.CallResult{Outcome: bos.CallUnsupported, Cause: bos.CauseResetRefused, Detail: "offers no GracefulShutdown"}
		}
		return bos.CallResult{}
	})
	if len(sent) != 2 || sent[1].kind != bos.EffectPowerOffForceful || sent[1].after > 10*time.Second {
		t.Errorf("sent %+v", sent)
	}
}

func TestAGracefulPowerOffThatIsNotTakenForWantOfAConnectionIsNotForced(t *testing.T) {
	sent, r := powerOffs(t, shuttingDown(), bos.DefaultOptions().Policy(), func(int, bos.EffectKind) bos.CallResult {
		return bos.CallResult{Outcome: bos.CallNotAttempted, Cause: bos.CauseBMCUnreachable, Detail: "no route"}
	})
	for _, one := range sent {
		if one.kind != bos.EffectPowerOffGraceful {
			t.Errorf("force was sent %s after the first try", one.after)
		}
	}
	if r.Status.StatusOverride != bos.StatusFailed {
		t.Errorf("it ended as %+v", r.Status)
	}
}

func TestAGracefulPowerOffOfUnknownOutcomeIsWaitedForAsAnAcceptedOneAndThenForced(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	answer := func(_ int, kind bos.EffectKind) bos.CallResult {
		if kind == bos.EffectPowerOffGraceful {
			return bos.CallResult{Outcome: bos.CallUnknown, Cause: bos.CauseResetUnconfirmed, Detail: "the BMC answered 500"}
		}
		return bos.CallResult{}
	}
	sent, r := powerOffs(t, shuttingDown(), p, answer)
	if len(sent) != 2 || sent[1].kind != bos.EffectPowerOffForceful || sent[1].after < p.MaxPowerOffWait || r.Status.StatusOverride == bos.StatusFailed || r.Error != "" {
		t.Errorf("sent %+v; %q", sent, r.Error)
	}
	d := Decide(shuttingDown(), Observation{Power: bos.PowerReading{State: bos.PowerStateOn, Asked: noon}}, p, noon)
	waiting := Settle(d.Next, d.Effect, answer(1, d.Effect.Kind), noon)
	waiting = Decide(waiting, Observation{Power: bos.PowerReading{State: bos.PowerStateOn, Asked: noon.Add(time.Second)}}, p, noon.Add(time.Second)).Next
	if !strings.Contains(waiting.Error, "the BMC answered 500") {
		t.Errorf("while it is waited for, its error is %q", waiting.Error)
	}
}

func TestAnAnswerOfWhichNothingIsKnownIsToldWhenTheAttemptsAreUsedUp(t *testing.T) {
	_, r := powerOffs(t, shuttingDown(), bos.DefaultOptions().Policy(), func(_ int, kind bos.EffectKind) bos.CallResult {
		return bos.CallResult{Outcome: bos.CallUnknown, Cause: bos.CauseResetUnconfirmed, Detail: "the BMC answered 500 to " + string(kind)}
	})
	if r.Work.Cause != bos.CauseResetUnconfirmed || !strings.Contains(r.Error, "answered 500 to "+string(bos.EffectPowerOffForceful)) || strings.Contains(r.Error, "never answered") {
		t.Errorf("failed with %q: %q", r.Work.Cause, r.Error)
	}
}

// TestTheGraceOfACallCountsFromWhenItsAnswerWasGivenUp: a BMC that is slow works on
// the first reset meanwhile.
func TestTheGraceOfACallCountsFromWhenItsAnswerWasGivenUp(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	unknown := bos.CallResult{Outcome: bos.CallUnknown, Cause: bos.CauseResetUnconfirmed, Detail: "no answer within 1m0s"}
	lost := noon.Add(time.Minute)
	for name, r := range map[string]bos.Record{
		"of a power-on":               poweredOn(),
		"of one that was sent again":  resent(noon.Add(-p.MaxPowerOnWait)),
		"of one that is sent a third": resent(noon),
	} {
		t.Run(name, func(t *testing.T) {
			r.Work.Flight.Kind, r.Work.Flight.At = bos.EffectPowerOn, noon
			r = Settle(r, bos.Effect{Kind: bos.EffectPowerOn}, unknown, lost)
			for _, after := range []time.Duration{0, p.ConfirmGrace / 2, p.ConfirmGrace - time.Millisecond} {
				now := lost.Add(after)
				d := Decide(r, Observation{Power: bos.PowerReading{State: bos.PowerStateOff, Asked: now}}, p, now)
				if d.Effect.Kind != bos.EffectNone {
					t.Fatalf("%s after the answer was given up: %s", after, d.Effect.Kind)
				}
				r = d.Next
			}
		})
	}
}

// resent is a node whose power-on of a time is being sent once more.
func resent(at time.Time) bos.Record {
	r := poweredOn()
	r.Work.Attempt.At, r.Work.Attempt.Resent = at, true
	return r
}
