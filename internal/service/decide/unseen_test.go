package decide

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// leftBy is a node that another work takes over right after its BMC has accepted a power
// action: it runs what it shall, as far as anybody knows.
func leftBy(kind bos.EffectKind, goal bos.Goal) bos.Record {
	r := poweredOn()
	r.EventStats, r.Goal = bos.EventStats{}, bos.GoalBoot
	acted := act(r, kind, ReasonPowerOn, noon).Next
	acted = Settle(acted, bos.Effect{Kind: kind}, bos.CallResult{}, noon)
	acted.Goal, acted.Work = goal, acted.Rearmed()
	acted.ActualState.BootArtifacts = acted.DesiredState.BootArtifacts
	return acted
}

// told is what is decided on a node whose BMC tells its power.
func told(r bos.Record, state bos.PowerState, now time.Time) Decision {
	p := bos.DefaultOptions().Policy()
	return Decide(r, Observation{Power: bos.PowerReading{ID: r.ID, State: state, Asked: now}}, p, now)
}

// A BMC that has accepted a power action tells the power of before for a while. A work that
// takes the node over then would take it for where it shall be, and it would move from there
// a moment later: off, and coming on; booted, and going off.
func TestAWorkThatTakesANodeOverWaitsForThePowerActionOfTheOneBefore(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	for _, c := range []struct {
		name   string
		sent   bos.EffectKind
		goal   bos.Goal
		before bos.PowerState
		limit  time.Duration
		moved  Reason // once it shows, over the power that it then has
		over   Reason // once its time is over
	}{
		{"a shutdown after a power-on", bos.EffectPowerOn, bos.GoalOff, bos.PowerStateOff, p.MaxPowerOnWait, ReasonPowerOff, ReasonDone},
		{"a configuration after a power-on", bos.EffectPowerOn, bos.GoalConfigure, bos.PowerStateOff, p.MaxPowerOnWait, ReasonDone, ReasonExcluded},
		{"a boot after a graceful power-off", bos.EffectPowerOffGraceful, bos.GoalBoot, bos.PowerStateOn, p.MaxPowerOffWait, ReasonWriteBoot, ReasonDone},
		{"a boot after a forced power-off", bos.EffectPowerOffForceful, bos.GoalBoot, bos.PowerStateOn, p.MaxPowerOffWait, ReasonWriteBoot, ReasonDone},
		{"a configuration after a power-off", bos.EffectPowerOffForceful, bos.GoalConfigure, bos.PowerStateOn, p.MaxPowerOffWait, ReasonExcluded, ReasonDone},
	} {
		r := leftBy(c.sent, c.goal)
		for _, after := range []time.Duration{time.Second, c.limit / 2, c.limit - time.Second} {
			now := noon.Add(after)
			d := told(r, c.before, now)
			if d.Why != ReasonUnseenWait || !d.Next.Enabled || d.Effect.Kind != bos.EffectNone || !d.Probe.After(now) || d.Next.Error == "" || d.Next.Work.Waiting.For != bos.WaitUnseen {
				t.Errorf("%s, after %s: %s, %q, probed again at %s", c.name, after, d.Why, d.Next.Error, d.Probe.Sub(noon))
			}
			if r = d.Next; d.Probe.After(noon.Add(c.limit)) {
				t.Errorf("%s: looked at again %s after it was sent, its time is over after %s", c.name, d.Probe.Sub(noon), c.limit)
			}
		}
		if d := told(r, c.before, noon.Add(c.limit)); d.Why != c.over {
			t.Errorf("%s, once its time is over: %s, want %s", c.name, d.Why, c.over)
		}
		after := bos.PowerStateOn
		if c.before == bos.PowerStateOn {
			after = bos.PowerStateOff
		}
		d := told(r, after, noon.Add(c.limit-time.Second))
		if d.Why != c.moved || d.Next.Work.Waiting.For == bos.WaitUnseen {
			t.Errorf("%s, once it shows: %s, want %s; %+v", c.name, d.Why, c.moved, d.Next.Work.Waiting)
		}
	}
}

// What has shown, or is known not to have been begun, is waited for no more; and nobody
// waits where the node is to be moved all the same.
func TestNothingIsWaitedForThatCannotLeadANodeElsewhere(t *testing.T) {
	second := noon.Add(time.Second)
	shown := leftBy(bos.EffectPowerOn, bos.GoalBoot)
	shown.ActualState = bos.ActualState{}
	shown = told(shown, bos.PowerStateOn, second).Next
	shown.Goal, shown.Work = bos.GoalOff, shown.Rearmed()
	if d := told(shown, bos.PowerStateOff, noon.Add(2*time.Second)); d.Why != ReasonDone {
		t.Errorf("a node that was seen on and is off: %s", d.Why)
	}
	for _, outcome := range []bos.CallOutcome{bos.CallNotAttempted, bos.CallBusy, bos.CallRefused, bos.CallUnsupported} {
		r := poweredOn()
		r.EventStats, r.Goal = bos.EventStats{}, bos.GoalBoot
		r = act(r, bos.EffectPowerOn, ReasonPowerOn, noon).Next
		answer := bos.CallResult{Outcome: outcome, Cause: bos.CauseBMCError}
		before := Settle(r, bos.Effect{Kind: bos.EffectPowerOn}, answer, second) // and then taken over
		before.Goal, before.Work = bos.GoalOff, before.Rearmed()
		r.Goal, r.Work = bos.GoalOff, r.Rearmed()
		for when, r := range map[string]bos.Record{"before": before, "after": Settle(r, bos.Effect{Kind: bos.EffectPowerOn}, answer, second)} {
			if d := told(r, bos.PowerStateOff, noon.Add(2*time.Second)); d.Why != ReasonDone {
				t.Errorf("a power-on that was answered with %v %s it was taken over: %s", outcome, when, d.Why)
			}
		}
	}
	for _, c := range []struct {
		sent  bos.EffectKind
		goal  bos.Goal
		state bos.PowerState
	}{
		{bos.EffectPowerOn, bos.GoalBoot, bos.PowerStateOff},
		{bos.EffectPowerOffForceful, bos.GoalOff, bos.PowerStateOn},
		{bos.EffectPowerOffForceful, bos.GoalOff, bos.PowerStateOff},
	} {
		if d := told(leftBy(c.sent, c.goal), c.state, second); d.Why == ReasonUnseenWait {
			t.Errorf("%s to be %s, and %s: %s", c.sent, c.goal, c.state, d.Why)
		}
	}
}

// A repeat that was not made says nothing of the call before it, which was accepted.
func TestARepeatThatWasNotMadeLeavesTheCallBeforeToShow(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	half := p.MaxPowerOnWait / 2
	d := seen(ignored(bos.ActionPoweringOn), bos.PowerStateOff, half, Observation{})
	if d.Effect.Kind != bos.EffectPowerOn {
		t.Fatal(d.Why)
	}
	at := d.Next.Work.Unseen.At
	taken := d.Next
	taken.Goal, taken.Work = bos.GoalOff, taken.Rearmed()
	taken = Settle(taken, d.Effect, bos.CallResult{Outcome: bos.CallBusy, Cause: bos.CauseBMCError}, at.Add(time.Second))
	if d := told(taken, bos.PowerStateOff, at.Add(2*time.Second)); d.Why != ReasonUnseenWait {
		t.Errorf("%s, want it waited for", d.Why)
	}
}

// A brake judges nothing: a node that it keeps counts as done by a reading that was asked for
// once the time of what was sent before is over, and by none of before.
func TestABrakedNodeIsNotDoneByAReadingFromBeforeWhatWasSentHadItsTime(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	r := leftBy(bos.EffectPowerOn, bos.GoalOff)
	r.Held = bos.NewBrake("hold", "somebody", noon)
	over := noon.Add(p.MaxPowerOnWait)
	reading := bos.PowerReading{ID: r.ID, State: bos.PowerStateOff, Asked: over.Add(-5 * time.Second)}
	if d := Decide(r, Observation{Power: reading}, p, over.Add(time.Second)); d.Why == ReasonDone || !d.Next.Enabled {
		t.Errorf("read %s before its time is over: %s", over.Sub(reading.Asked), d.Why)
	}
	reading.Asked = over
	if d := Decide(r, Observation{Power: reading}, p, over.Add(time.Second)); d.Why != ReasonDone {
		t.Errorf("read when its time is over: %s", d.Why)
	}
}
