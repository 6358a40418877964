package engine_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

const hinted = "x1000c0s0b0n0"

// poweringOn is an engine whose one node was powered on and probed since, and
// the time at which that probe was answered: the node is still off.
func poweringOn(t *testing.T) (*engine.Engine, time.Time) {
	t.Helper()
	e := engine.New(engine.Settings{NoInventory: true})
	rec := armed(hinted)
	rec.Status = bos.ComponentStatus{Phase: bos.PhasePoweringOn}
	rec.LastAction.Action = bos.ActionPoweringOn
	rec.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOn, At: start.Add(-50 * time.Second)}
	e.Step(start, engine.Inputs{Records: []bos.Record{rec}})
	now := start.Add(10 * time.Millisecond)
	out := e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(hinted, bos.PowerStateOff, start)}})
	if len(out.Probes) != 0 || out.Wake.Sub(now) < 5*time.Second {
		t.Fatalf("probes %v, wake in %s: want a wait of some seconds", out.Probes, out.Wake.Sub(now))
	}
	return e, now
}

func TestAHintBringsTheProbeThatANodeWaitsFor(t *testing.T) {
	e, now := poweringOn(t)
	now = now.Add(time.Second)
	out := e.Step(now, engine.Inputs{Hints: []string{hinted}})
	if len(out.Probes) != 1 || len(out.Effects) != 0 || !engine.Empty(out.Commit) {
		t.Fatalf("probes %v, effects %v, commit %+v: want a probe and nothing else", out.Probes, out.Effects, out.Commit)
	}
}

func TestAHintThatComesWhileAProbeIsOutBringsAnotherOne(t *testing.T) {
	e, now := poweringOn(t)
	asked := now.Add(time.Second)
	if out := e.Step(asked, engine.Inputs{Hints: []string{hinted}}); len(out.Probes) != 1 {
		t.Fatalf("probes %v", out.Probes)
	}
	now = asked.Add(time.Second)
	if out := e.Step(now, engine.Inputs{Hints: []string{hinted}}); len(out.Probes) != 0 {
		t.Fatalf("probes %v: two at once", out.Probes)
	}
	out := e.Step(now.Add(time.Second), engine.Inputs{Readings: []bos.PowerReading{reading(hinted, bos.PowerStateOff, asked)}})
	if len(out.Probes) != 1 {
		t.Errorf("probes %v: the answer is from before the hint", out.Probes)
	}
}

func TestHintsInARowBringNoMoreProbesThanTheGapAllows(t *testing.T) {
	e, now := poweringOn(t)
	end := now.Add(5 * time.Second)
	probes := 0
	for asked := (time.Time{}); now.Before(end); now = now.Add(10 * time.Millisecond) {
		in := engine.Inputs{Hints: []string{hinted, hinted}}
		if !asked.IsZero() {
			in.Readings = []bos.PowerReading{reading(hinted, bos.PowerStateOff, asked)}
			asked = time.Time{}
		}
		if out := e.Step(now, in); len(out.Probes) > 0 {
			probes += len(out.Probes)
			asked = now
		}
	}
	if probes > 20 || probes < 10 {
		t.Errorf("%d probes in 5 s of hints, want at most four a second", probes)
	}
}

func TestAHintOfANodeThatWaitsForNothingIsDropped(t *testing.T) {
	e, now := poweringOn(t)
	out := e.Step(now, engine.Inputs{Hints: []string{"x9999c0s0b0n0"}})
	if len(out.Probes) != 0 || len(out.Effects) != 0 {
		t.Errorf("probes %v, effects %v for a node that is not in work", out.Probes, out.Effects)
	}
	// On and booting: its report comes by itself.
	asked := now.Add(15 * time.Second)
	e.Step(asked, engine.Inputs{})
	now = asked.Add(time.Second)
	e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(hinted, bos.PowerStateOn, asked)}})
	if out := e.Step(now.Add(time.Second), engine.Inputs{Hints: []string{hinted}}); len(out.Probes) != 0 {
		t.Errorf("probes %v at a node that boots", out.Probes)
	}
}
