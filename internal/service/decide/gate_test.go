package decide

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// brakes are the ways in which somebody keeps a node from being acted on.
var brakes = map[bos.WaitReason]func(r *bos.Record, g *Gate){
	bos.WaitSitePaused:    func(_ *bos.Record, g *Gate) { g.Site = bos.NewBrake("a leak", "ops", noon) },
	bos.WaitSessionPaused: func(_ *bos.Record, g *Gate) { g.Session = bos.NewBrake("a leak", "ops", noon) },
	bos.WaitHeld:          func(r *bos.Record, _ *Gate) { r.Held = bos.NewBrake("a leak", "ops", noon) },
	bos.WaitRollout:       func(_ *bos.Record, g *Gate) { g.Queue = "a leak" },
}

func TestNothingIsBegunOrJudgedWhileABrakeIsOn(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	rapid.Check(t, func(t *rapid.T) {
		r, o := drawRecord(t), drawObservation(t)
		p.Configures = rapid.Bool().Draw(t, "configures")
		why := rapid.SampledFrom([]bos.WaitReason{bos.WaitSitePaused, bos.WaitSessionPaused, bos.WaitHeld, bos.WaitRollout}).Draw(t, "brake")
		brakes[why](&r, &o.Gate)
		d := Decide(r, o, p, noon)
		if d.Effect.Kind != bos.EffectNone {
			t.Fatalf("%s although %s", d.Effect.Kind, why)
		}
		if d.Next.Held != r.Held {
			t.Fatal("the hold is lost")
		}
		if !r.Enabled || d.Why == ReasonDone || d.Why == ReasonAlreadyFailed {
			return
		}
		if !d.Next.Enabled || d.Next.EventStats != r.EventStats || d.Next.LastAction != r.LastAction || d.Next.Work.Patience.Silent != r.Work.Patience.Silent || d.Next.Work.Patience.Missing != r.Work.Patience.Missing {
			t.Fatalf("judged although %s: %+v", why, d.Next)
		}
		if d.Probe.IsZero() {
			t.Fatal("it is probed no more")
		}
		if d.Next.Work.Waiting.For != why || d.Next.Work.Waiting.Detail != "a leak" || !strings.Contains(d.Next.Error, "a leak") && d.Next.Work.WaitInError {
			t.Fatalf("it shows %+v, %q; want %s with its reason", d.Next.Work.Waiting, d.Next.Error, why)
		}
	})
}

func TestWhatANodeWaitsForHasWaitedForAsLongAsWhenItWasStopped(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	for name, c := range map[string]struct {
		action bos.Action
		state  bos.PowerState
		wait   time.Duration
	}{
		"a power-on":         {bos.ActionPoweringOn, bos.PowerStateOff, p.MaxPowerOnWait},
		"a boot":             {bos.ActionPoweringOn, bos.PowerStateOn, p.MaxBootWait},
		"a graceful off":     {bos.ActionPowerOffGraceful, bos.PowerStateOn, p.MaxPowerOffWait},
		"a power-off":        {bos.ActionPowerOffForceful, bos.PowerStateOn, p.MaxPowerOffWait},
		"an unanswered call": {bos.ActionPoweringOn, bos.PowerStateOff, p.ConfirmGrace},
	} {
		t.Run(name, func(t *testing.T) {
			r := ignored(c.action)
			r.Work.Attempt.Resent = true // the one repeat is another matter
			if name == "an unanswered call" {
				r.Work.Attempt.Resent = false
				r.Work.Flight.Kind, r.Work.Flight.Unanswered, r.Work.Flight.At = bos.EffectPowerOn, true, r.Work.Attempt.At
			}
			sent := r.Work.Attempt.At
			probe := func(at time.Time, g Gate) Observation {
				return Observation{Power: bos.PowerReading{ID: r.ID, State: c.state, Asked: at}, Gate: g}
			}
			at := sent.Add(c.wait / 2)
			g := Gate{Site: bos.NewBrake("", "", at)}
			stopped := Decide(r, probe(at, g), p, at).Next
			for range 30 { // a weekend
				at = at.Add(2 * time.Hour)
				stopped = Decide(stopped, probe(at, g), p, at).Next
			}
			for after, acts := range map[time.Duration]bool{c.wait/2 - time.Second: false, c.wait / 2: true} {
				d := Decide(stopped, probe(at, Gate{}), p, at) // let go
				then := at.Add(after)
				d = Decide(d.Next, probe(then, Gate{}), p, then)
				judged := d.Next.LastAction.Failed || d.Effect.Kind != bos.EffectNone
				if judged != acts {
					t.Errorf("%s after it was let go: judged %t, want %t (%s %+v)", after, judged, acts, d.Why, d.Next)
				}
				if d.Next.Work.Waiting.For.AtGate() || strings.Contains(d.Next.Error, "paused") {
					t.Errorf("it still shows %q, %q", d.Next.Work.Waiting.For, d.Next.Error)
				}
			}
		})
	}
}

func TestANodeThatIsDoneEndsAlsoWhileABrakeIsOn(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	r := poweredOn()
	r.ActualState.BootArtifacts = r.DesiredState.BootArtifacts
	r.Held = bos.NewBrake("board out", "", noon)
	now := r.Work.Attempt.At.Add(time.Hour)
	d := Decide(r, Observation{Power: bos.PowerReading{State: bos.PowerStateOn, Asked: now}}, p, now)
	if d.Why != ReasonDone || d.Next.Enabled || !d.Next.Held.On() {
		t.Errorf("%s %+v, want it done, and held as before", d.Why, d.Next)
	}
}

func TestACallThatABrakeStoppedIsAsIfItHadNotBeenDecided(t *testing.T) {
	r := poweredOn()
	r.EventStats.PowerOnAttempts, r.Work.Flight.Kind = 1, bos.EffectPowerOn
	r.Work.Attempt.Prepared = bos.Prepared{Boot: "b"}
	next := Withhold(r, bos.EffectPowerOn)
	if next.EventStats.PowerOnAttempts != 0 || next.Work.Flight.Kind != bos.EffectNone || next.Work.Prepared.Boot != "b" || next.Work.Cause != r.Work.Cause || !next.Work.BackOff.Until.Equal(r.Work.BackOff.Until) {
		t.Errorf("it is %+v", next)
	}
	again := r
	again.Work.Attempt.Resent, again.EventStats.PowerOnAttempts = true, 1
	if next = Withhold(again, bos.EffectPowerOn); next.EventStats.PowerOnAttempts != 1 || next.LastAction.Failed || next.Work.Attempt.Resent {
		t.Errorf("the repeat that was not sent left %+v", next)
	}
}

func TestEachReasonToWaitHasASentence(t *testing.T) {
	gate := 0
	for _, r := range bos.WaitReasons() {
		if r.Sentence() == "" {
			t.Errorf("%s has no sentence", r)
		}
		if r.AtGate() {
			gate++
		}
	}
	if gate != 6 || bos.WaitNone.AtGate() {
		t.Errorf("%d of %v are of the gate", gate, bos.WaitReasons())
	}
}

func TestAHeldNodeIsLeftOutOfASessionAndItsPreviewWithTheReason(t *testing.T) {
	inv := bos.Inventory{Nodes: []bos.Node{{ID: "x1c0s0b0n0", Role: "Compute", Enabled: true}, {ID: "x1c0s1b0n0", Role: "Compute"}}}
	req := Request{
		Reach:     bos.WholeSite(),
		Operation: bos.OperationShutdown, IncludeDisabled: true,
		Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"a": {NodeRolesGroups: []string{"Compute"}}}},
	}
	free, err := Select(req, inv)
	if err != nil {
		t.Fatal(err)
	}
	req.Held = map[string]string{"x1c0s1b0n0": "board out"}
	sel, err := Select(req, inv)
	if err != nil {
		t.Fatal(err)
	}
	if got := sel.Nodes(); len(got) != 1 || got[0] != "x1c0s0b0n0" {
		t.Errorf("selected are %q", got)
	}
	if len(sel.Skipped) != 1 || sel.Skipped[0].Reason != "held: board out" {
		t.Errorf("left out are %+v", sel.Skipped)
	}
	before, after := MakePreview(req, free, nil, bos.DefaultOptions(), noon, 0), MakePreview(req, sel, nil, bos.DefaultOptions(), noon, 0)
	if before.Pin == after.Pin || !strings.Contains(PreviewDiff(before, after), "removed: x1c0s1b0n0") {
		t.Errorf("the pin does not show the hold: %q", PreviewDiff(before, after))
	}
}

func TestANodeThatIsHeldBetweenSelectionAndSetupIsNotArmed(t *testing.T) {
	nodes := func() []bos.Record {
		return []bos.Record{
			{Component: bos.Component{ID: "x1c0s0b0n0"}},
			{Component: bos.Component{ID: "x1c0s1b0n0"}, Held: bos.NewBrake("board out", "", noon)},
		}
	}
	s := bos.SessionRecord{Session: bos.Session{Name: "s", Operation: bos.OperationShutdown}}
	sel := Selection{BootSets: []SelectedSet{{"a", []string{"x1c0s0b0n0", "x1c0s1b0n0"}}}}
	plan, err := PlanSetup(s, sel, nil, bos.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	list := nodes()
	result, err := plan.Arm(list, noon)
	if err != nil || strings.Join(result.Nodes, ",") != "x1c0s0b0n0" || list[1].Enabled || !strings.Contains(strings.Join(result.Warnings, ";"), "x1c0s1b0n0: held") {
		t.Errorf("armed are %q, the held one is %+v (%v)", result.Nodes, list[1], err)
	}
	s.Pin = "reviewed"
	if plan, err = PlanSetup(s, sel, nil, bos.DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	list = nodes()
	if _, err := plan.Arm(list, noon); err == nil || list[0].Enabled {
		t.Errorf("a plan that was reviewed is carried out without a node that is held since (%v)", err)
	}
}
