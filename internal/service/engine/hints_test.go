package engine_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

const hinted = "x1000c0s0b0n0"

// poweringOn is an engine whose one node was powered on and looked at since, and
// the time at which that look was answered: the node is still off.
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
	if len(out.Looks) != 0 || out.Wake.Sub(now) < 5*time.Second {
		t.Fatalf("looks %v, wake in %s: want a wait of some seconds", out.Looks, out.Wake.Sub(now))
	}
	return e, now
}

func TestAHintBringsTheLookThatANodeWaitsFor(t *testing.T) {
	e, now := poweringOn(t)
	now = now.Add(time.Second)
	out := e.Step(now, engine.Inputs{Hints: []string{hinted}})
	if len(out.Looks) != 1 || len(out.Effects) != 0 || !engine.Empty(out.Commit) {
		t.Fatalf("looks %v, effects %v, commit %+v: want a look and nothing else", out.Looks, out.Effects, out.Commit)
	}
}

func TestAHintThatComesWhileALookIsOutBringsAnotherOne(t *testing.T) {
	e, now := poweringOn(t)
	asked := now.Add(time.Second)
	if out := e.Step(asked, engine.Inputs{Hints: []string{hinted}}); len(out.Looks) != 1 {
		t.Fatalf("looks %v", out.Looks)
	}
	now = asked.Add(time.Second)
	if out := e.Step(now, engine.Inputs{Hints: []string{hinted}}); len(out.Looks) != 0 {
		t.Fatalf("looks %v: two at once", out.Looks)
	}
	out := e.Step(now.Add(time.Second), engine.Inputs{Readings: []bos.PowerReading{reading(hinted, bos.PowerStateOff, asked)}})
	if len(out.Looks) != 1 {
		t.Errorf("looks %v: the answer is from before the hint", out.Looks)
	}
}

func TestHintsInARowBringNoMoreLooksThanTheGapAllows(t *testing.T) {
	e, now := poweringOn(t)
	end := now.Add(5 * time.Second)
	looks := 0
	for asked := (time.Time{}); now.Before(end); now = now.Add(10 * time.Millisecond) {
		in := engine.Inputs{Hints: []string{hinted, hinted}}
		if !asked.IsZero() {
			in.Readings = []bos.PowerReading{reading(hinted, bos.PowerStateOff, asked)}
			asked = time.Time{}
		}
		if out := e.Step(now, in); len(out.Looks) > 0 {
			looks += len(out.Looks)
			asked = now
		}
	}
	if looks > 20 || looks < 10 {
		t.Errorf("%d looks in 5 s of hints, want at most four a second", looks)
	}
}

func TestAHintOfANodeThatWaitsForNothingIsDropped(t *testing.T) {
	e, now := poweringOn(t)
	out := e.Step(now, engine.Inputs{Hints: []string{"x9999c0s0b0n0"}})
	if len(out.Looks) != 0 || len(out.Effects) != 0 {
		t.Errorf("looks %v, effects %v for a node that is not in work", out.Looks, out.Effects)
	}
	// On and booting: its report comes by itself.
	asked := now.Add(15 * time.Second)
	e.Step(asked, engine.Inputs{})
	now = asked.Add(time.Second)
	e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(hinted, bos.PowerStateOn, asked)}})
	if out := e.Step(now.Add(time.Second), engine.Inputs{Hints: []string{hinted}}); len(out.Looks) != 0 {
		t.Errorf("looks %v at a node that boots", out.Looks)
	}
}
