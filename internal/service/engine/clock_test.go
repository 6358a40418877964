package engine_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

func TestAClockRunsWithMonotonicTimeWhateverTheWallClockDoes(t *testing.T) {
	var c engine.Clock
	c.Resume(start, time.Hour, start.Add(time.Minute))
	for after, skew := range map[time.Duration]time.Duration{time.Second: 0, time.Minute: 24 * time.Hour, time.Hour: -24 * time.Hour} {
		wall := start.Add(time.Minute + after + skew)
		now, times := c.Now(time.Hour+after, wall)
		if !now.Equal(start.Add(after)) || !times.Wall.Equal(wall) || !times.Hearing.Equal(start) {
			t.Errorf("after %s: %s, %+v", after, now, times)
		}
	}
	if got := c.When(time.Hour - time.Second); !got.Equal(start.Add(-time.Second)) {
		t.Errorf("a second before it was started it was %s", got)
	}
}

func TestAClockKnowsSinceWhenTheWallClockHasNotStepped(t *testing.T) {
	var c engine.Clock
	c.Resume(start, 0, start)
	skew, steady := time.Duration(0), start
	for i, by := range []time.Duration{0, time.Second / 2, time.Second / 2, time.Second / 2, time.Hour, 0, -time.Hour, -time.Second / 2} {
		skew += by
		mono := time.Duration(i) * time.Minute
		now, times := c.Now(mono, start.Add(mono+skew))
		if by.Abs() > time.Second {
			steady = now
		}
		if !times.Steady.Equal(steady) {
			t.Errorf("step %d by %s: steady since %s, want %s", i, by, times.Steady, steady)
		}
	}
}

func TestAClockGoesOnWhereItStoodAndWithoutOneAtWallTime(t *testing.T) {
	at := func(d time.Duration) engine.Inputs {
		return engine.Inputs{Records: []bos.Record{armed("x1000c0s0b0n0"), poweringOff("x1000c0s1b0n0", start.Add(d))}}
	}
	wall := start.Add(time.Hour)
	for _, c := range []struct {
		kept time.Time
		in   engine.Inputs
		want time.Time
	}{
		{kept: start, in: at(-time.Hour), want: start},
		{kept: start, in: at(2 * time.Second), want: start.Add(2 * time.Second)},
		{kept: start, in: at(24 * time.Hour), want: start},
		{in: at(0), want: wall},
	} {
		if got := engine.Resumed(c.kept, c.in, wall); !got.Equal(c.want) {
			t.Errorf("kept %s: goes on at %s, want %s", c.kept, got, c.want)
		}
	}
}

func TestWhatWasStoredByAClockAheadIsAsIfItHadBeenNow(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	rec := poweringOff(id, start.Add(24*time.Hour))
	rec.Work.Flight.At, rec.Work.BackOff.Until = rec.Work.Attempt.At, start.Add(time.Hour)
	out := e.Step(start, engine.Inputs{Records: []bos.Record{rec}})
	if len(out.Probes) != 1 {
		t.Fatalf("probes %v", out.Probes)
	}
	now := start.Add(time.Second)
	out = e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, now)}})
	if len(out.Commit.Components) != 1 || out.Commit.Components[0].Enabled {
		t.Errorf("written %+v, want the node done: it is off", out.Commit.Components)
	}
}

// TestPeopleReadWallTime: records and history are dated by the wall clock, waits
// are measured by the other.
func TestPeopleReadWallTime(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	rec := armed(id)
	rec.Goal, rec.DesiredState = bos.GoalOff, bos.DesiredState{}
	wall := start.Add(5 * time.Hour)
	e.Step(start, engine.Inputs{Records: []bos.Record{rec}, Times: engine.Times{Wall: wall}})
	now := start.Add(time.Second)
	out := e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOn, now)}, Times: engine.Times{Wall: wall}})
	if len(out.Commit.Components) != 1 || len(out.Commit.Events) != 1 {
		t.Fatalf("commit %+v", out.Commit)
	}
	r := out.Commit.Components[0]
	if !r.Work.Attempt.At.Equal(now) || !r.LastAction.LastUpdated.Equal(wall) || !out.Commit.Events[0].Time.Equal(wall) {
		t.Errorf("the action is at %s, dated %s and %s, want %s by the clock and %s for people",
			r.Work.Attempt.At, r.LastAction.LastUpdated, out.Commit.Events[0].Time, now, wall)
	}
}

func TestNothingIsCleanedBeforeNodesCouldConfirmWhatTheyRun(t *testing.T) {
	options := bos.DefaultOptions()
	for name, c := range map[string]struct {
		times engine.Times
		want  bool
	}{
		"the service has just come back":     {times: engine.Times{Hearing: start.Add(-time.Minute)}},
		"the wall clock has just stepped":    {times: engine.Times{Steady: start.Add(-time.Minute)}},
		"both have been good for long":       {times: engine.Times{Hearing: start.Add(-5 * time.Hour), Steady: start.Add(-4 * time.Hour)}, want: true},
		"for no less than the time to live":  {times: engine.Times{Hearing: start.Add(-4*time.Hour + 1)}},
		"nothing is known of either's being": {want: true},
	} {
		e := engine.New(engine.Settings{NoInventory: true})
		c.times.Wall = start.Add(8 * 24 * time.Hour)
		out := e.Step(start, engine.Inputs{Options: &options, Times: c.times})
		if got := out.Clean != nil && !out.Clean.Actual.IsZero(); got != c.want {
			t.Errorf("%s: cleans %+v", name, out.Clean)
		}
	}
}
