package decide

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// notSent is what comes of a call that this service did not make.
var notSent = bos.CallResult{Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted}

// keptBackInTime says what a node that waits for a call which this service did not make
// must be like.
func keptBackInTime(t *testing.T, r bos.Record, now time.Time) {
	t.Helper()
	if r.Work.Cause != bos.CauseNone || r.Work.BackOff.Setbacks != 0 || r.Work.BackOff.PutOff != bos.CauseNone || r.Work.Patience != (bos.Patience{}) {
		t.Errorf("somebody is blamed for it: %+v", r.Work)
	}
	if r.Work.Waiting.For != bos.WaitWithheld || r.Work.Flight.Kind != bos.EffectNone || r.Error == "" {
		t.Errorf("it waits as %+v, with %s under way and %q", r.Work.Waiting, r.Work.Flight.Kind, r.Error)
	}
	if wait := r.Work.BackOff.Until.Sub(now); wait <= 0 || wait > 5*time.Second {
		t.Errorf("it is decided on anew after %s", wait)
	}
}

func TestACallThatThisServiceDidNotMakeIsNobodysFault(t *testing.T) {
	for kind, goal := range map[bos.EffectKind]bos.Goal{
		bos.EffectPowerOn: bos.GoalBoot, bos.EffectPowerOffGraceful: bos.GoalOff, bos.EffectPowerOffForceful: bos.GoalOff,
	} {
		r := poweredOn()
		r.Goal, r.EventStats = goal, bos.EventStats{}
		acted := act(r, kind, ReasonPowerOn, noon).Next
		acted.EventStats = bos.EventStats{PowerOnAttempts: 1, PowerOffGracefulAttempts: 1, PowerOffForcefulAttempts: 1}
		next := Settle(acted, bos.Effect{Kind: kind}, notSent, noon)
		keptBackInTime(t, next, noon)
		stats := next.EventStats
		if stats.PowerOnAttempts+stats.PowerOffGracefulAttempts+stats.PowerOffForcefulAttempts != 2 {
			t.Errorf("%s: attempts %+v, want its own given back", kind, stats)
		}
	}
}

func TestBootParametersAndAConfigurationThatWereNotSentAreNobodysFault(t *testing.T) {
	r := poweredOn()
	r.Work.Attempt, r.LastAction, r.EventStats = bos.Attempt{}, bos.LastAction{}, bos.EventStats{}
	r.DesiredState.Configuration = "c"
	next := SettleBoot(r, r.DesiredState.BootArtifacts, "", notSent, noon)
	keptBackInTime(t, next, noon)
	keptBackInTime(t, SettleConfigure(r, bos.ConfigurationTarget{Name: "c", Clear: true}, notSent, noon), noon)

	p := bos.DefaultOptions().Policy()
	off := Observation{Power: bos.PowerReading{ID: r.ID, State: bos.PowerStateOff, Asked: noon}}
	if d := Decide(next, off, p, noon); d.Effect.Kind != bos.EffectNone {
		t.Errorf("%s at once, and what kept it may still do so", d.Effect.Kind)
	}
	later := next.Work.BackOff.Until
	off.Power.Asked = later
	d := Decide(next, off, p, later)
	if d.Effect.Kind != bos.EffectWriteBoot {
		t.Fatalf("%s, want the boot parameters", d.Effect.Kind)
	}
	if stored := SettleBoot(d.Next, r.DesiredState.BootArtifacts, "t", bos.CallResult{}, later); stored.Error != "" || stored.Work.Waiting.For != bos.WaitNone {
		t.Errorf("it is made, and still said not to be: %q, %+v", stored.Error, stored.Work.Waiting)
	}
}

func TestARepeatThatThisServiceDidNotMakeIsMadeAMomentLater(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	r := ignored(bos.ActionPoweringOn)
	half := p.MaxPowerOnWait / 2
	d := seen(r, bos.PowerStateOff, half, Observation{})
	at := r.Work.Attempt.At.Add(half)
	next := Settle(d.Next, d.Effect, notSent, at)
	keptBackInTime(t, next, at)
	if now := seen(next, bos.PowerStateOff, half, Observation{}); now.Effect.Kind != bos.EffectNone || now.Probe.IsZero() {
		t.Errorf("%+v at once", now)
	}
	again := seen(next, bos.PowerStateOff, half+5*time.Second, Observation{})
	if again.Effect.Kind != bos.EffectPowerOn || again.Next.EventStats != r.EventStats || again.Next.Error != "" || again.Next.Work.Waiting.For != bos.WaitNone {
		t.Errorf("%+v, want it sent again within its attempt, and nothing waited for", again)
	}
}
