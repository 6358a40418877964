package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// booting is an engine whose one node was powered on a second after it was armed, and
// is on; and the time.
func booting(t *testing.T, s engine.Settings) (*engine.Engine, bos.Record, time.Time) {
	t.Helper()
	return bootingAfter(t, s, nil)
}

// bootingAfter is that of a node that fetched scripts before it was powered on.
func bootingAfter(t *testing.T, s engine.Settings, before []bos.ScriptFetch) (*engine.Engine, bos.Record, time.Time) {
	t.Helper()
	s.NoInventory = true
	e := engine.New(s)
	rec := armed(hinted)
	rec.DesiredState.BSSToken = "t"
	out := e.Step(start, engine.Inputs{Records: []bos.Record{rec}})
	if len(out.Effects) != 1 {
		t.Fatalf("effects %v", out.Effects)
	}
	e.Step(start, engine.Inputs{Results: []engine.Result{{Effect: out.Effects[0].Effect, Token: "t", CallResult: bos.CallResult{ID: hinted}}}})
	e.Step(start.Add(time.Millisecond), engine.Inputs{Scripts: before})
	rec.Revision++
	rec.Status = bos.ComponentStatus{Phase: bos.PhasePoweringOn}
	rec.LastAction.Action = bos.ActionPoweringOn
	rec.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOn, At: start.Add(time.Second)}
	rec.EventStats.PowerOnAttempts = 3
	now := start.Add(5 * time.Second)
	e.Step(now, engine.Inputs{Records: []bos.Record{rec}})
	e.Step(now.Add(time.Second), engine.Inputs{Readings: []bos.PowerReading{reading(hinted, bos.PowerStateOn, now)}})
	return e, rec, now.Add(time.Second)
}

// failedWith is the error of the node when its time is up.
func failedWith(t *testing.T, e *engine.Engine, state bos.PowerState, now time.Time) bos.Record {
	t.Helper()
	now = now.Add(time.Hour)
	e.Step(now, engine.Inputs{})
	out := e.Step(now.Add(time.Second), engine.Inputs{Readings: []bos.PowerReading{reading(hinted, state, now)}})
	if len(out.Commit.Components) != 1 {
		t.Fatalf("the commit is %+v", out.Commit)
	}
	return out.Commit.Components[0]
}

func TestWhatANodeFetchedTellsWhyItDidNotReport(t *testing.T) {
	give := func(times int, again bool) []bos.ScriptFetch {
		return []bos.ScriptFetch{{Host: hinted, Token: "t"}, {Host: hinted, Token: "t", Again: again}, {Host: "x9999c0s0b0n0", Token: "t"}}[:times]
	}
	for name, tc := range map[string]struct {
		scripts  []bos.ScriptFetch
		scripted bool
		want     bos.Cause
	}{
		"nothing, and it would be known":     {nil, true, bos.CauseNoBootScript},
		"nothing, and it would not be known": {nil, false, bos.CauseBootTimeout},
		"its script":                         {give(1, false), true, bos.CauseNoReport},
		"its script twice":                   {give(3, false), true, bos.CauseBootRestarts},
	} {
		e, _, now := booting(t, engine.Settings{Scripted: tc.scripted})
		e.Step(now, engine.Inputs{Scripts: tc.scripts})
		if r := failedWith(t, e, bos.PowerStateOn, now); r.Work.Cause != tc.want {
			t.Errorf("%s: %q, %q; want %q", name, r.Work.Cause, r.Error, tc.want)
		}
	}
}

func TestThatANodeCannotLoadItsImageIsStoredAtOnceAndOnce(t *testing.T) {
	e, _, now := booting(t, engine.Settings{Scripted: true})
	again := []bos.ScriptFetch{{Host: hinted, Token: "t", Again: true}}
	if out := e.Step(now.Add(time.Second), engine.Inputs{Scripts: again}); len(out.Commit.Components) != 1 || !strings.Contains(out.Commit.Components[0].Error, "image store") {
		t.Fatalf("the commit is %+v", out.Commit)
	}
	for i := range 5 {
		if out := e.Step(now.Add(time.Duration(2+i)*time.Second), engine.Inputs{Scripts: again}); !engine.Empty(out.Commit) {
			t.Errorf("fetch %d brings the commit %+v", i, out.Commit)
		}
	}
}

// A node that starts anew again and again, as after a kernel panic, fetches the script
// of its next boot before it is powered off for that.
func TestAFetchBeforeTheNodeWasPoweredOnIsNoneOfItsBoot(t *testing.T) {
	once := []bos.ScriptFetch{{Host: hinted, Token: "t"}}
	before := []bos.ScriptFetch{{Host: hinted, Token: "t"}, {Host: hinted, Token: "t"}, {Host: hinted, Token: "t", Again: true}}
	e, _, now := bootingAfter(t, engine.Settings{Scripted: true}, before)
	e.Step(now, engine.Inputs{Scripts: once})
	if r := failedWith(t, e, bos.PowerStateOn, now); r.Work.Cause != bos.CauseNoReport {
		t.Errorf("it fetched its script once: %q, %q", r.Work.Cause, r.Error)
	}
	e, _, now = bootingAfter(t, engine.Settings{Scripted: true}, before)
	if r := failedWith(t, e, bos.PowerStateOn, now); r.Work.Cause != bos.CauseBootTimeout && r.Work.Cause != bos.CauseNoBootScript {
		t.Errorf("it fetched nothing: %q, %q", r.Work.Cause, r.Error)
	}
}

// TestAnEngineThatStartedLaterKnowsNothingOfFetches: what it does not know it does not
// say.
func TestAnEngineThatStartedLaterKnowsNothingOfFetches(t *testing.T) {
	_, rec, now := booting(t, engine.Settings{Scripted: true})
	e := engine.New(engine.Settings{NoInventory: true, Scripted: true})
	e.Step(now, engine.Inputs{Records: []bos.Record{rec}})
	if r := failedWith(t, e, bos.PowerStateOn, now); r.Work.Cause != bos.CauseBootTimeout {
		t.Errorf("%q, %q", r.Work.Cause, r.Error)
	}
}

func TestANodeThatWasOnAndIsOffHasLostItsPower(t *testing.T) {
	e, _, now := booting(t, engine.Settings{})
	if r := failedWith(t, e, bos.PowerStateOff, now); r.Work.Cause != bos.CausePowerLost {
		t.Errorf("%q, %q", r.Work.Cause, r.Error)
	}
}
