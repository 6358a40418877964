package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// poweringOff is a node whose graceful power-off was asked for at a time.
func poweringOff(id string, at time.Time) bos.Record {
	r := armed(id)
	r.Goal, r.DesiredState = bos.GoalOff, bos.DesiredState{}
	r.Status = bos.ComponentStatus{Phase: bos.PhasePoweringOff}
	r.LastAction = bos.LastAction{Action: bos.ActionPowerOffGraceful, LastUpdated: bos.At(at)}
	r.EventStats.PowerOffGracefulAttempts = 1
	r.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOffGraceful, At: at}
	return r
}

func TestANodeIsProbedWhenOthersWereDone(t *testing.T) {
	const quick, late = "x1000c0s0b0n0", "x1000c0s1b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	e.Step(start, engine.Inputs{Records: []bos.Record{poweringOff(quick, start)}})
	const took = 8 * time.Second
	e.Step(start.Add(took), engine.Inputs{Readings: []bos.PowerReading{reading(quick, bos.PowerStateOff, start.Add(took))}})

	begun := start.Add(time.Minute)
	e.Step(begun, engine.Inputs{Records: []bos.Record{poweringOff(late, begun)}})
	out := e.Step(begun, engine.Inputs{Readings: []bos.PowerReading{reading(late, bos.PowerStateOn, begun)}})
	probes := 0
	for now := begun; now.Before(begun.Add(took)); {
		now = out.Wake
		out = e.Step(now, engine.Inputs{})
		if len(out.Probes) == 0 {
			continue
		}
		probes++
		if probes == 1 && now.Sub(begun) < took*9/10 {
			t.Errorf("probed after %s, and the quickest needed %s", now.Sub(begun), took)
		}
		out = e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(late, bos.PowerStateOn, now)}})
		if wait := out.Wake.Sub(now); wait > took/10 {
			t.Errorf("the next probe comes %s later, although any moment may show the change", wait)
		}
	}
	if probes == 0 || probes > 4 {
		t.Errorf("%d probes until the time that others needed, want few", probes)
	}
}

func TestAnAcceptedPowerActionIsNotWrittenForItself(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	rec := armed(id)
	rec.Goal, rec.DesiredState = bos.GoalOff, bos.DesiredState{}
	e.Step(start, engine.Inputs{Records: []bos.Record{rec}})
	now := start.Add(time.Second)
	out := e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOn, start)}})
	if len(out.Effects) != 1 || out.Effects[0].Effect.Kind != bos.EffectPowerOffGraceful {
		t.Fatalf("effects %v, want the power-off", out.Effects)
	}
	stored := out.Commit.Components[0]
	stored.Revision++
	effect := out.Effects[0].Effect
	out = e.Step(now, engine.Inputs{Results: []engine.Result{{Effect: effect, CallResult: bos.CallResult{ID: id}}}})
	if len(out.Commit.Components) != 0 {
		t.Errorf("written %+v: that a call was accepted can wait for the next write", out.Commit.Components)
	}
	// Somebody else writes the record as it is stored, with the mark of the
	// flight, and it is off at the next probe: that is not a call to confirm.
	stored.Revision++
	e.Step(now, engine.Inputs{Records: []bos.Record{stored}})
	now = now.Add(time.Second)
	out = e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, now)}})
	if len(out.Commit.Components) != 1 || out.Commit.Components[0].Enabled || out.Commit.Components[0].Work.Flight.Kind != bos.EffectNone {
		t.Errorf("written %+v, want the node done", out.Commit.Components)
	}
}

func TestPowerThatIsChangingIsWaitedForAndHoldsNobody(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	e.Step(start, engine.Inputs{Records: []bos.Record{poweringOff(id, start)}})
	now := start.Add(time.Second)
	out := e.Step(now, engine.Inputs{Readings: []bos.PowerReading{{ID: id, Symptom: bos.SymptomChanging, Asked: now}}})
	if len(out.Commit.Components) != 0 || len(out.Effects) != 0 {
		t.Errorf("written %+v, effects %v: nothing is wrong and nothing is known", out.Commit.Components, out.Effects)
	}
	if wait := out.Wake.Sub(now); wait <= 0 || wait > time.Second {
		t.Errorf("the next probe comes after %s, want soon", wait)
	}
	// Beyond the time that a power-off may take it is no longer a change.
	now = start.Add(time.Hour)
	out = e.Step(now, engine.Inputs{Readings: []bos.PowerReading{{ID: id, Symptom: bos.SymptomChanging, Asked: now}}})
	if len(out.Effects) != 0 || len(out.Commit.Components) != 1 || out.Commit.Components[0].Status.StatusOverride != bos.StatusOnHold {
		t.Errorf("written %+v, effects %v, want it on hold", out.Commit.Components, out.Effects)
	}
}

func TestWhatACallWaitedForItsTurnIsNotThePaceOfPower(t *testing.T) {
	const busy, quiet = "x1000c0s0b0n0", "x1000c0s1b0n0"
	const queued, took = time.Minute, 2 * time.Second
	e := engine.New(engine.Settings{NoInventory: true})
	// off asks for a node to be powered off, has that accepted after a wait, and
	// returns when it is probed for the first time.
	off := func(id string, at time.Time, wait time.Duration) time.Time {
		rec := armed(id)
		rec.Goal, rec.DesiredState = bos.GoalOff, bos.DesiredState{}
		e.Step(at, engine.Inputs{Records: []bos.Record{rec}})
		out := e.Step(at, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOn, at)}})
		at = at.Add(wait)
		out = e.Step(at, engine.Inputs{Results: []engine.Result{{Effect: out.Effects[0].Effect, CallResult: bos.CallResult{ID: id}}}})
		for len(out.Probes) == 0 {
			at = out.Wake
			out = e.Step(at, engine.Inputs{})
		}
		return at
	}
	off(busy, start, queued)
	shows := start.Add(queued + took)
	e.Step(shows, engine.Inputs{Readings: []bos.PowerReading{reading(busy, bos.PowerStateOff, shows)}})

	begun := start.Add(time.Hour)
	if first := off(quiet, begun, 0).Sub(begun); first < took/2 || first > took*5/4 {
		t.Errorf("first probed after %s; power took %s", first, took)
	}
}

// powerOffs lets an engine that knows no pace wait for the power-off of so many
// nodes, which takes as long as takes says by their place, and returns for each
// how often it was probed until it was found off and when that was.
func powerOffs(nodes int, takes func(i int) time.Duration) (probes []int, found []time.Duration) {
	place := make(map[string]int, nodes)
	in := engine.Inputs{}
	for i := range nodes {
		id := fmt.Sprintf("x1000c0s%db0n0", i)
		place[id] = i
		in.Records = append(in.Records, poweringOff(id, start))
	}
	probes, found = make([]int, nodes), make([]time.Duration, nodes)
	e := engine.New(engine.Settings{NoInventory: true})
	left := nodes
	for now := start; left > 0; {
		out := e.Step(now, in)
		in = engine.Inputs{}
		for _, id := range out.Probes {
			i, state := place[id], bos.PowerStateOn
			probes[i]++
			if now.Sub(start) >= takes(i) {
				state = bos.PowerStateOff
				found[i] = now.Sub(start)
				left--
			}
			in.Readings = append(in.Readings, reading(id, state, now))
		}
		if in.Empty() {
			now = out.Wake
		}
	}
	return probes, found
}

func TestFewNodesAreProbedToLearnWhatAllWaitFor(t *testing.T) {
	const nodes, took = 200, 9 * time.Second
	probes, found := powerOffs(nodes, func(int) time.Duration { return took })
	often := 0
	for _, n := range probes {
		if n > 3 {
			often++
		}
	}
	if often == 0 || often > nodes/20 {
		t.Errorf("%d of %d nodes were probed often, want a few", often, nodes)
	}
	if last := slices.Max(found); last > took*3/2 {
		t.Errorf("the last was found off after %s, and it took %s", last, took)
	}
}

func TestNobodyWaitsForNodesThatShowNothing(t *testing.T) {
	const nodes = 50
	takes := func(i int) time.Duration {
		if i < 10 {
			return time.Minute
		}
		return time.Second
	}
	_, found := powerOffs(nodes, takes)
	for i, at := range found {
		if polling := bos.DefaultOptions().Policy().Polling; takes(i) < polling && at > polling+time.Second {
			t.Errorf("node %d was off after %s and found so after %s; the first nodes take a minute", i, takes(i), at)
		}
	}
}

// powerOn lets an engine wait for the power-on of so many nodes from a time on,
// which takes each as long, and returns when it had found all of them on.
func powerOn(e *engine.Engine, nodes int, from time.Time, takes func(i int) time.Duration) time.Time {
	at, _ := powerOnProbed(e, nodes, from, takes)
	return at
}

// powerOnProbed is powerOn, and says how many probes it took after the first of each node.
// Power that changes is said to be changing.
func powerOnProbed(e *engine.Engine, nodes int, from time.Time, takes func(i int) time.Duration) (at time.Time, probes int) {
	place := make(map[string]int, nodes)
	in := engine.Inputs{}
	for i := range nodes {
		r := armed(fmt.Sprintf("x1000c0s%db0n0", i))
		r.Status = bos.ComponentStatus{Phase: bos.PhasePoweringOn}
		r.LastAction = bos.LastAction{Action: bos.ActionPoweringOn, LastUpdated: bos.At(from)}
		r.EventStats.PowerOnAttempts = 1
		r.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOn, At: from}
		place[r.ID] = i
		in.Records = append(in.Records, r)
	}
	left := nodes
	for now := from; ; {
		out := e.Step(now, in)
		in = engine.Inputs{}
		probes += len(out.Probes)
		for _, id := range out.Probes {
			r := bos.PowerReading{ID: id, Symptom: bos.SymptomChanging, Asked: now}
			if now.Sub(from) >= takes(place[id]) {
				r = reading(id, bos.PowerStateOn, now)
				left--
			}
			in.Readings = append(in.Readings, r)
		}
		switch {
		case left <= 0:
			e.Step(now, in)
			e.Step(now, engine.Inputs{Deleted: slices.Sorted(maps.Keys(place))})
			return now, probes - nodes
		case in.Empty():
			now = out.Wake
		}
	}
}

func TestTheHundredthPowerOnIsFoundAsSoonAsTheFirst(t *testing.T) {
	for _, nodes := range []int{4, 64, 500} {
		takes := func(i int) time.Duration { return time.Second + time.Duration(i%10)*20*time.Millisecond }
		e := engine.New(engine.Settings{NoInventory: true})
		at := start
		var second time.Duration
		for round := range 100 {
			took := powerOn(e, nodes, at, takes).Sub(at)
			if round == 1 { // the first one to know a pace
				second = took
			}
			if round > 1 && took > second+second/10 {
				t.Fatalf("%d nodes: all on after %s in round %d, %s in the second", nodes, took, round+1, second)
			}
			at = at.Add(time.Minute)
		}
	}
}

// TestNodesThatChangeAtTheSameTimeAreFoundSoonAfter: the scouts agree on it, so no time is
// left for late ones, and each wave finds it out more exactly.
func TestNodesThatChangeAtTheSameTimeAreFoundSoonAfter(t *testing.T) {
	for _, takes := range []time.Duration{1030 * time.Millisecond, 4 * time.Second, 9 * time.Second} {
		const nodes = 500
		e := engine.New(engine.Settings{NoInventory: true})
		at := start
		for wave := range 40 {
			all, probes := powerOnProbed(e, nodes, at, func(int) time.Duration { return takes })
			late := all.Sub(at) - takes
			most := takes / 4 // what scouts tell
			if wave > 5 {
				most = takes/16 + 100*time.Millisecond
			}
			if late > most {
				t.Errorf("%s, wave %d: found %s late, want at most %s", takes, wave, late, most)
			}
			if wave > 5 && probes > 2*nodes { // one more where a shorter pace is tried
				t.Errorf("%s, wave %d: %d probes of %d nodes", takes, wave, probes, nodes)
			}
			at = at.Add(time.Hour)
		}
	}
}

// TestScoutsOfWhichOneDisagreesLeaveTimeForLateNodes: that most of them changed at the
// same probe does not say that all nodes do.
func TestScoutsOfWhichOneDisagreesLeaveTimeForLateNodes(t *testing.T) {
	const took = 8 * time.Second
	scouts := []string{"x1000c0s0b0n0", "x1000c0s1b0n0", "x1000c0s2b0n0", "x1000c0s3b0n0"}
	// next is when a node is probed that is powered off after the scouts, of which
	// so many were off by then.
	next := func(off int) time.Duration {
		e := engine.New(engine.Settings{NoInventory: true})
		in := engine.Inputs{}
		for _, id := range scouts {
			in.Records = append(in.Records, poweringOff(id, start))
		}
		e.Step(start, in)
		in = engine.Inputs{}
		for i, id := range scouts {
			is := reading(id, bos.PowerStateOff, start.Add(took))
			if i >= off {
				is.State = bos.PowerStateOn
			}
			in.Readings = append(in.Readings, is)
		}
		e.Step(start.Add(took), in)
		e.Step(start.Add(took), engine.Inputs{Deleted: scouts})
		const late = "x1000c0s4b0n0"
		begun := start.Add(time.Hour)
		e.Step(begun, engine.Inputs{Records: []bos.Record{poweringOff(late, begun)}})
		return e.Step(begun, engine.Inputs{Readings: []bos.PowerReading{reading(late, bos.PowerStateOn, begun)}}).Wake.Sub(begun)
	}
	if at := next(len(scouts)); at > took+took/16 {
		t.Errorf("all scouts were off after %s, and a node is probed after %s", took, at)
	}
	if at := next(len(scouts) - 1); at < took+took/8 {
		t.Errorf("one scout of %d was not off after %s, and a node is probed after %s, want it given more time", len(scouts), took, at)
	}
}

// TestNodesThatDifferAreProbedWhenMostHaveChanged: nobody is probed again and again to
// find out when the first does.
func TestNodesThatDifferAreProbedWhenMostHaveChanged(t *testing.T) {
	const nodes = 500
	takes := func(i int) time.Duration { return 900*time.Millisecond + time.Duration(i%200)*time.Millisecond }
	e := engine.New(engine.Settings{NoInventory: true})
	at := start
	for wave := range 60 {
		all, probes := powerOnProbed(e, nodes, at, takes)
		if took := all.Sub(at); wave > 0 && took > 1400*time.Millisecond {
			t.Errorf("wave %d: all on after %s, and the slowest needed 1.1 s", wave, took)
		}
		if wave > 0 && probes > nodes*6/5 {
			t.Errorf("wave %d: %d probes of %d nodes", wave, probes, nodes)
		}
		at = at.Add(time.Hour)
	}
}

func TestNodesThatNoLongerChangeAtTheSameTimeAreWaitedForAgain(t *testing.T) {
	const nodes = 500
	e := engine.New(engine.Settings{NoInventory: true})
	at := start
	for range 10 {
		powerOn(e, nodes, at, func(int) time.Duration { return time.Second })
		at = at.Add(time.Hour)
	}
	var probes int
	for range 10 {
		_, probes = powerOnProbed(e, nodes, at, func(i int) time.Duration { return time.Second + time.Duration(i)*time.Millisecond })
		at = at.Add(time.Hour)
	}
	if probes > nodes*13/10 {
		t.Errorf("%d probes of %d nodes that differ since ten waves", probes, nodes)
	}
}

func TestAPaceThatWasSlowOnceIsForgotten(t *testing.T) {
	e := engine.New(engine.Settings{NoInventory: true})
	at := start
	for range 20 {
		powerOn(e, 200, at, func(int) time.Duration { return 8 * time.Second })
		at = at.Add(time.Minute)
	}
	var took time.Duration
	for range 40 {
		took = powerOn(e, 200, at, func(int) time.Duration { return time.Second }).Sub(at)
		at = at.Add(time.Minute)
	}
	if took > 3*time.Second {
		t.Errorf("power takes a second, and is still found after %s", took)
	}
}

func TestANodeThatReportsWhileItsPowerIsWaitedForIsProbedAtOnce(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	powerOn(e, 64, start, func(int) time.Duration { return 8 * time.Second })
	at := start.Add(time.Hour)
	r := armed(id)
	r.Status = bos.ComponentStatus{Phase: bos.PhasePoweringOn}
	r.LastAction = bos.LastAction{Action: bos.ActionPoweringOn, LastUpdated: bos.At(at)}
	r.EventStats.PowerOnAttempts = 1
	r.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOn, At: at}
	e.Step(at, engine.Inputs{Records: []bos.Record{r}})
	e.Step(at, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, at)}})
	now := at.Add(time.Second)
	reported := report(r, r.DesiredState.BootArtifacts, now)
	reported.Revision++
	if out := e.Step(now, engine.Inputs{Records: []bos.Record{reported}}); len(out.Probes) != 1 {
		t.Errorf("probes %v, next step at %s: who reports a boot is on", out.Probes, out.Wake)
	}
}

// report is a record after its node reported what it booted.
func report(r bos.Record, booted bos.BootArtifacts, now time.Time) bos.Record {
	token := "t"
	bos.ComponentPatch{ActualState: &bos.ActualPatch{BSSToken: &token}}.Apply(&r, &booted, now)
	return r
}
