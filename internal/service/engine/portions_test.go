package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

func TestALargeRoomIsDecidedOnInPortionsEachNodeOnceAndInTurn(t *testing.T) {
	const nodes, portion = 25, 10
	e := engine.New(engine.Settings{NoInventory: true, Portion: portion})
	in := engine.Inputs{}
	var ids []string
	for i := range nodes {
		ids = append(ids, fmt.Sprintf("x1000c0s%02db0n0", i))
		in.Records = append(in.Records, armed(ids[i]))
	}
	var probed []string
	for step := range 3 {
		out := e.Step(start, in)
		if left := nodes - (step+1)*portion; out.More != (left > 0) || out.More != out.Wake.Equal(start) {
			t.Fatalf("step %d: more %t, wake %s after %s, with %d nodes left", step, out.More, out.Wake, start, left)
		}
		if step == 0 { // who comes later waits behind those that wait already
			in = engine.Inputs{Records: []bos.Record{armed("x0c0s0b0n0")}, Deleted: []string{ids[12]}}
		} else {
			in = engine.Inputs{}
		}
		probed = append(probed, out.Probes...)
	}
	want := append(slices.Delete(slices.Clone(ids), 12, 13), "x0c0s0b0n0")
	if !slices.Equal(probed, want) {
		t.Errorf("probed were\n%v, want\n%v", probed, want)
	}
}

// TestANodeIsDecidedOnAgainAfterItsTurnThoughOthersStillWait: that it was decided on once
// must not keep what comes of it out of the line.
func TestANodeIsDecidedOnAgainAfterItsTurnThoughOthersStillWait(t *testing.T) {
	ids := []string{"x1000c0s0b0n0", "x1000c0s1b0n0", "x1000c0s2b0n0"}
	e := engine.New(engine.Settings{NoInventory: true, Portion: 1})
	in := engine.Inputs{}
	for _, id := range ids {
		r := armed(id)
		r.Goal, r.DesiredState = bos.GoalOff, bos.DesiredState{}
		in.Records = append(in.Records, r)
	}
	e.Step(start, in)
	out := e.Step(start, engine.Inputs{Readings: []bos.PowerReading{reading(ids[0], bos.PowerStateOn, start)}})
	for range 2 {
		if !out.More {
			t.Fatal("nobody is left to be decided on, though the first node has answered since its turn")
		}
		out = e.Step(start, engine.Inputs{Committed: &bos.Committed{Revision: 2}})
	}
	if len(out.Effects) != 1 || !slices.Equal(out.Effects[0].IDs, ids[:1]) || out.More {
		t.Errorf("effects %v, more %t, want the power-off of %s and nobody left", out.Effects, out.More, ids[0])
	}
}

// TestANodeThatWaitsForItsTurnTakesOneHoweverOftenSomethingHappensToIt, as the others
// wait for each.
func TestANodeThatWaitsForItsTurnTakesOneHoweverOftenSomethingHappensToIt(t *testing.T) {
	ids := []string{"x1000c0s0b0n0", "x1000c0s1b0n0", "x1000c0s2b0n0"}
	e := engine.New(engine.Settings{NoInventory: true, Portion: 1})
	in := engine.Inputs{}
	for _, id := range ids {
		in.Records = append(in.Records, armed(id))
	}
	e.Step(start, in)
	last := armed(ids[2])
	last.Revision++
	if out := e.Step(start, engine.Inputs{Records: []bos.Record{last}}); !out.More {
		t.Fatal("the last node is left, and the step says that nobody is")
	}
	if out := e.Step(start, engine.Inputs{}); out.More || !slices.Equal(out.Probes, ids[2:]) {
		t.Errorf("probes %v, more %t, want the last node, once", out.Probes, out.More)
	}
}

// TestWhatOneStepDidNotDecideIsWrittenOnce: the boot service and power control answer
// for a node before its turn comes.
func TestWhatOneStepDidNotDecideIsWrittenOnce(t *testing.T) {
	const first, second = "x1000c0s0b0n0", "x1000c0s1b0n0"
	e := engine.New(engine.Settings{NoInventory: true, Portion: 1})
	e.Step(start, engine.Inputs{Records: []bos.Record{armed(first), armed(second)}})
	out := e.Step(start, engine.Inputs{})
	if len(out.Effects) != 1 || out.More {
		t.Fatalf("effects %v, more %t, want the second node's boot parameters", out.Effects, out.More)
	}
	in := engine.Inputs{}
	for _, id := range []string{first, second} {
		in.Readings = append(in.Readings, reading(id, bos.PowerStateOff, start))
		in.Results = append(in.Results, engine.Result{Effect: out.Effects[0].Effect, Token: "t", CallResult: bos.CallResult{ID: id}})
	}
	for range 2 {
		out = e.Step(start, in)
		if len(out.Commit.Components) != 1 || len(out.Effects) != 1 || out.Effects[0].Effect.Kind != bos.EffectPowerOn {
			t.Fatalf("commit %+v, effects %v, want one node with its boot parameters and its power-on", out.Commit.Components, out.Effects)
		}
		in = engine.Inputs{Committed: &bos.Committed{Revision: 2}}
	}
	if out.More {
		t.Error("more is to be decided on")
	}
}

func TestBootParametersThatWaitForADecisionAreWrittenByAServiceThatStops(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	out := e.Step(start, engine.Inputs{Records: []bos.Record{armed(id)}})
	effect := out.Effects[0].Effect
	e.Step(start, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, start)}})
	out = e.StepToStop(start, engine.Inputs{Results: []engine.Result{{Effect: effect, Token: "t", CallResult: bos.CallResult{ID: id}}}})
	if len(out.Commit.Components) != 1 || out.Commit.Components[0].Work.Prepared.Boot == "" {
		t.Errorf("written %+v, want what the boot service has", out.Commit.Components)
	}
}

// TestWhatWasAnsweredInEarlierStepsIsWrittenByAServiceThatStops: the nodes were answered
// for and their turn has not come, or what the answer says was to travel with their next
// write.
func TestWhatWasAnsweredInEarlierStepsIsWrittenByAServiceThatStops(t *testing.T) {
	ids := []string{"x1000c0s0b0n0", "x1000c0s1b0n0", "x1000c0s2b0n0"}
	answers := func(outs ...engine.Outputs) (in engine.Inputs) {
		for _, out := range outs {
			for _, b := range out.Effects {
				for _, id := range b.IDs {
					in.Results = append(in.Results, engine.Result{Effect: b.Effect, Token: "t", CallResult: bos.CallResult{ID: id}})
				}
			}
		}
		return in
	}
	for _, probed := range []bool{false, true} {
		e := engine.New(engine.Settings{NoInventory: true, Portion: 1})
		var outs []engine.Outputs
		in := engine.Inputs{}
		for _, id := range ids {
			in.Records = append(in.Records, armed(id))
		}
		for range ids {
			outs = append(outs, e.Step(start, in))
			in = engine.Inputs{}
		}
		in = answers(outs...)
		for _, id := range ids {
			if probed {
				in.Readings = append(in.Readings, reading(id, bos.PowerStateOff, start))
			}
		}
		out := e.Step(start, in)
		in = engine.Inputs{}
		if len(out.Commit.Components) > 0 {
			in = answers(out) // the power-on was accepted, which is not written either
			in.Committed = &bos.Committed{Revision: 2}
			out = e.Step(start, in)
			in = answers(out)
			in.Committed = &bos.Committed{Revision: 3}
		}
		out = e.StepToStop(start, in)
		if len(out.Commit.Components) != len(ids) {
			t.Fatalf("probed %t: written %d nodes, want all %d", probed, len(out.Commit.Components), len(ids))
		}
		for _, r := range out.Commit.Components {
			if r.Work.Prepared.Boot == "" && r.Work.Attempt.Prepared.Boot == "" || r.Work.Flight.Kind != bos.EffectNone {
				t.Errorf("probed %t: written %+v, want what the boot service has and no call under way", probed, r.Work)
			}
		}
	}
}

// TestACallThatWasNotMadeForNoBrakeIsDecidedOnAnewAndBlamesNobody: its order was gone, or
// somebody else might have had the lease.
func TestACallThatWasNotMadeForNoBrakeIsDecidedOnAnewAndBlamesNobody(t *testing.T) {
	const id = "x1000c0s0b0n0"
	for _, kind := range []bos.EffectKind{bos.EffectWriteBoot, bos.EffectPowerOn} {
		e := engine.New(engine.Settings{NoInventory: true})
		rec := armed(id)
		if kind == bos.EffectPowerOn {
			rec.Work.Prepared.Boot = bos.PreparedBoot(rec.DesiredState.BootArtifacts)
		}
		in := engine.Inputs{Records: []bos.Record{rec}, Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, start)}}
		out := e.Step(start, in)
		if len(out.Effects) != 1 || out.Effects[0].Effect.Kind != kind {
			t.Fatalf("effects %v, want %s", out.Effects, kind)
		}
		withheld := bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted}
		in = engine.Inputs{Results: []engine.Result{{Effect: out.Effects[0].Effect, Withheld: true, CallResult: withheld}}}
		if len(out.Commit.Components) > 0 {
			in.Committed = &bos.Committed{Revision: 2}
		}
		out = e.Step(start, in)
		if len(out.Effects) > 0 || len(out.Commit.Components) != 1 {
			t.Fatalf("effects %v, written %v, want the node to wait a moment", out.Effects, out.Commit.Components)
		}
		if r := out.Commit.Components[0]; r.Work.Cause != bos.CauseNone || r.Work.Waiting.For != bos.WaitWithheld || r.EventStats != (bos.EventStats{}) {
			t.Errorf("%s: written %+v, %+v", kind, r.Work, r.EventStats)
		}
		now := out.Wake
		out = e.Step(now, engine.Inputs{Committed: &bos.Committed{Revision: 3}, Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, now)}})
		if len(out.Effects) != 1 || out.Effects[0].Effect.Kind != kind || now.Sub(start) > 5*time.Second {
			t.Errorf("effects %v after %s, want %s in a moment", out.Effects, now.Sub(start), kind)
		}
	}
}

func TestACallWithheldByABrakeThatIsToldWithItsAnswerIsAsIfItHadNotBeenDecided(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	out := e.Step(start, engine.Inputs{Records: []bos.Record{armed(id)}})
	in := engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, start)}}
	in.Results = []engine.Result{{Effect: out.Effects[0].Effect, Token: "t", CallResult: bos.CallResult{ID: id}}}
	out = e.Step(start, in)
	if len(out.Effects) != 1 || out.Effects[0].Effect.Kind != bos.EffectPowerOn {
		t.Fatalf("effects %v, want the power-on", out.Effects)
	}
	out = e.Step(start, engine.Inputs{
		Committed: &bos.Committed{Revision: 2},
		SitePause: &bos.SitePause{Brake: bos.NewBrake("work on the cooling", "ops", start)},
		Results: []engine.Result{{
			Effect: out.Effects[0].Effect, Withheld: true,
			CallResult: bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted},
		}},
	})
	if len(out.Commit.Components) != 1 {
		t.Fatalf("written %v, want the node", out.Commit.Components)
	}
	r := out.Commit.Components[0]
	if r.EventStats.PowerOnAttempts != 0 || r.Work.BackOff.Setbacks != 0 || r.Work.Cause != bos.CauseNone {
		t.Errorf("attempts %d, setbacks %d, cause %q: nobody was asked", r.EventStats.PowerOnAttempts, r.Work.BackOff.Setbacks, r.Work.Cause)
	}
}

// TestAConfigurationThatIsPreparedIsWrittenWithThePowerOnItIsFor: not for itself where
// the node's turn comes with a later step, and by a service that stops before that.
func TestAConfigurationThatIsPreparedIsWrittenWithThePowerOnItIsFor(t *testing.T) {
	ids := []string{"x1000c0s0b0n0", "x1000c0s1b0n0"}
	for _, stops := range []bool{false, true} {
		e := engine.New(engine.Settings{NoInventory: true, Configures: true, Portion: 1})
		in := engine.Inputs{}
		for _, id := range ids {
			r := armed(id)
			r.Work.Prepared.Boot = bos.PreparedBoot(r.DesiredState.BootArtifacts)
			in.Records = append(in.Records, r)
			in.Readings = append(in.Readings, reading(id, bos.PowerStateOff, start))
		}
		var results []engine.Result
		for range ids {
			out := e.Step(start, in)
			in = engine.Inputs{}
			if len(out.Effects) != 1 || out.Effects[0].Effect.Kind != bos.EffectConfigure {
				t.Fatalf("effects %v, want the configuration", out.Effects)
			}
			if len(out.Commit.Components) > 0 {
				in.Committed = &bos.Committed{Revision: 2}
			}
			for _, id := range out.Effects[0].IDs {
				results = append(results, engine.Result{Effect: out.Effects[0].Effect, CallResult: bos.CallResult{ID: id}})
			}
		}
		in.Results = results
		out := e.Step(start, in)
		if len(out.Commit.Components) != 1 || len(out.Effects) != 1 || out.Effects[0].Effect.Kind != bos.EffectPowerOn {
			t.Fatalf("commits %+v, effects %v, want one node with its power-on", out.Commit.Components, out.Effects)
		}
		in = engine.Inputs{Committed: &bos.Committed{Revision: 3}}
		if stops {
			out = e.StepToStop(start, in)
			if len(out.Commit.Components) != 1 || !out.Commit.Components[0].ConfigurationPrepared() {
				t.Errorf("a service that stops writes %+v, want what the configuration service has", out.Commit.Components)
			}
			continue
		}
		out = e.Step(start, in)
		if len(out.Commit.Components) != 1 || len(out.Effects) != 1 || out.Effects[0].Effect.Kind != bos.EffectPowerOn {
			t.Errorf("commits %+v, effects %v, want the other node with its power-on", out.Commit.Components, out.Effects)
		}
	}
}
