package decide

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// ignored is a node after an accepted power action that does not show.
func ignored(action bos.Action) bos.Record {
	r := poweredOn()
	calledFor(&r, action, r.Work.Attempt.At)
	if action != bos.ActionPoweringOn {
		r.Goal, r.DesiredState.BootArtifacts = bos.GoalOff, bos.BootArtifacts{}
		r.EventStats = bos.EventStats{PowerOffForcefulAttempts: 1, PowerOffGracefulAttempts: 1}
	}
	return r
}

// seen decides on a node whose power is probed some time after its action.
func seen(r bos.Record, state bos.PowerState, after time.Duration, o Observation) Decision {
	now := r.Work.Attempt.At.Add(after)
	o.Power = bos.PowerReading{ID: r.ID, State: state, Asked: now}
	return Decide(r, o, bos.DefaultOptions().Policy(), now)
}

func TestAnActionThatDoesNotShowIsSentOnceMoreHalfWayInTheSameAttempt(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	for action, c := range map[bos.Action]struct {
		state bos.PowerState
		wait  time.Duration
		again bos.EffectKind
		why   Reason
	}{
		bos.ActionPoweringOn:       {bos.PowerStateOff, p.MaxPowerOnWait, bos.EffectPowerOn, ReasonPowerOnAgain},
		bos.ActionPowerOffForceful: {bos.PowerStateOn, p.MaxPowerOffWait, bos.EffectPowerOffForceful, ReasonPowerOffForceAgain},
	} {
		t.Run(string(action), func(t *testing.T) {
			r := ignored(action)
			early := seen(r, c.state, c.wait/2-time.Millisecond, Observation{})
			if early.Effect.Kind != bos.EffectNone || !early.Probe.Equal(r.Work.Attempt.At.Add(c.wait/2)) {
				t.Errorf("before half of its time: %s, a probe at %s; want one half-way and no action", early.Effect.Kind, early.Probe)
			}
			d := seen(r, c.state, c.wait/2, Observation{})
			if d.Effect.Kind != c.again || d.Why != c.why || d.Next.EventStats != r.EventStats || !d.Next.Work.Attempt.At.Equal(r.Work.Attempt.At) {
				t.Fatalf("half-way: %+v; want %s as part of the same attempt", d, c.again)
			}
			for _, res := range []bos.CallResult{{}, {Outcome: bos.CallRefused}, {Outcome: bos.CallBusy}, {Outcome: bos.CallUnknown}, {Outcome: bos.CallNotAttempted, Cause: bos.CauseBMCUnreachable}, {Outcome: bos.CallUnsupported}} {
				after := Settle(d.Next, d.Effect, res, d.Next.Work.Flight.At.Add(time.Second))
				// Where nobody said what became of it, the grace counts from here.
				flying := res.Outcome == bos.CallUnknown
				if (after.Work.Flight.Kind != bos.EffectNone) != flying || after.LastAction.Failed || after.EventStats != r.EventStats {
					t.Errorf("answered with outcome %v: %+v; want a wait until the deadline", res.Outcome, after)
				}
				if w := seen(after, c.state, c.wait-time.Second, Observation{}); w.Effect.Kind != bos.EffectNone || !w.Next.Enabled {
					t.Errorf("sent a third time: %+v", w)
				}
				if w := seen(after, c.state, c.wait, Observation{}); w.Effect.Kind == bos.EffectNone || w.Why == c.why {
					t.Errorf("after its time: %+v; want the next attempt", w)
				}
			}
		})
	}
}

func TestAServiceThatStopsWhileItSendsAgainGivesNoAttemptBack(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	d := seen(ignored(bos.ActionPoweringOn), bos.PowerStateOff, p.MaxPowerOnWait/2, Observation{})
	after := seen(d.Next, bos.PowerStateOff, p.MaxPowerOnWait/2+p.ConfirmGrace, Observation{})
	if r := after.Next; r.Work.Misses.Lost != 0 || r.Work.Flight.Kind != bos.EffectNone || r.LastAction.Failed || after.Effect.Kind != bos.EffectNone {
		t.Errorf("%+v; want its attempt to wait on", after)
	}
}

func TestAGracefulShutdownIsNotSentAgain(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	if d := seen(ignored(bos.ActionPowerOffGraceful), bos.PowerStateOn, p.MaxPowerOffWait-time.Second, Observation{}); d.Effect.Kind != bos.EffectNone {
		t.Errorf("%+v", d)
	}
}

func TestPowerLimitsThatAreUsedUpKeepAnActionFromBeingSentAgain(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	d := seen(ignored(bos.ActionPoweringOn), bos.PowerStateOff, p.MaxPowerOnWait/2, Observation{Gate: Gate{FullOn: true}})
	if d.Effect.Kind != bos.EffectNone || d.Next.Work.Attempt.Resent {
		t.Errorf("%+v; want a wait", d)
	}
	// It takes its place in the line, and is not shown as a node with nothing sent.
	if d.Why != ReasonRampWait || d.Probe.IsZero() || d.Next.Work.Waiting.For != bos.WaitNone {
		t.Errorf("%+v; want a place among those that wait for their turn", d)
	}
	for name, o := range map[string]Observation{
		"a back-off":      {},
		"a paused site":   {Gate: Gate{Site: bos.Brake{Reason: "a leak", Since: noon}}},
		"no more waiting": {Gate: Gate{FullOn: true}},
	} {
		r, after := ignored(bos.ActionPoweringOn), p.MaxPowerOnWait/2
		switch name {
		case "a back-off":
			r.Work.BackOff.Until = noon.Add(24 * time.Hour)
		case "no more waiting":
			after = p.MaxPowerOnWait - time.Nanosecond
			r.Work.Attempt.Resent = true
		}
		if d := seen(r, bos.PowerStateOff, after, o); d.Why == ReasonRampWait {
			t.Errorf("%s: it stands in a line for nothing", name)
		}
	}
}
