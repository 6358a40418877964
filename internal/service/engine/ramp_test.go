package engine_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// limited drives nodes that are off through an engine with power limits. Calls
// take their time, and what reaches the BMCs is noted.
type limited struct {
	t      *rapid.T
	engine *engine.Engine
	limits bos.PowerLimits
	now    time.Time
	// queue is what comes in, by time.
	queue  map[time.Time]*engine.Inputs
	on     map[string]bool
	starts []time.Time
	where  []string
}

func (l *limited) put(at time.Time) *engine.Inputs {
	if l.queue[at] == nil {
		l.queue[at] = &engine.Inputs{}
	}
	return l.queue[at]
}

func (l *limited) carryOut(out engine.Outputs) {
	asked := l.now
	for _, id := range out.Probes {
		state := map[bool]bos.PowerState{true: bos.PowerStateOn, false: bos.PowerStateOff}[l.on[id]]
		in := l.put(l.now.Add(10 * time.Millisecond))
		in.Readings = append(in.Readings, reading(id, state, asked))
	}
	for _, b := range out.Effects {
		for _, id := range b.IDs {
			reaches := l.now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(l.t, "delay")) * time.Millisecond)
			answers := reaches.Add(time.Duration(rapid.IntRange(0, 2000).Draw(l.t, "answer")) * time.Millisecond)
			if b.Effect.Kind == bos.EffectPowerOn {
				l.starts, l.where = append(l.starts, reaches), append(l.where, bos.CabinetOf(id))
				l.on[id] = true
			}
			in := l.put(answers)
			in.Results = append(in.Results, engine.Result{Effect: b.Effect, Token: "t", CallResult: bos.CallResult{ID: id}})
		}
	}
}

// run steps until all nodes have power or the time is up.
func (l *limited) run(until time.Time, nodes int) {
	for len(l.on) < nodes && l.now.Before(until) {
		var next time.Time
		for at := range l.queue {
			if next.IsZero() || at.Before(next) {
				next = at
			}
		}
		in := engine.Inputs{}
		if put := l.queue[next]; put != nil {
			in = *put
			delete(l.queue, next)
			l.now = next
		}
		out := l.engine.Step(l.now, in)
		l.carryOut(out)
		if !out.Wake.IsZero() {
			l.put(latest(out.Wake, l.now.Add(time.Millisecond)))
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func TestNeverMoreThanTheLimitsStartInAnyWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := bos.PowerLimits{
			Window: 10 * time.Second, Starts: rapid.IntRange(1, 6).Draw(t, "starts"), CabinetStarts: rapid.IntRange(0, 3).Draw(t, "cabinet"),
		}
		nodes := rapid.IntRange(1, 24).Draw(t, "nodes")
		l := &limited{
			t: t, engine: engine.New(engine.Settings{NoInventory: true, Limits: limits}), limits: limits,
			now: start, queue: make(map[time.Time]*engine.Inputs), on: make(map[string]bool),
		}
		for i := range nodes {
			l.put(start).Records = append(l.put(start).Records, armed(fmt.Sprintf("x%dc0s%db0n0", 1000+i%3, i)))
		}
		l.run(start.Add(time.Hour), nodes)
		if len(l.on) < nodes {
			t.Fatalf("%d of %d nodes got power in an hour", len(l.on), nodes)
		}
		for i, at := range l.starts {
			all, here := 0, 0
			for j, other := range l.starts {
				if !other.Before(at) && other.Sub(at) < limits.Window {
					all++
					if l.where[i] == l.where[j] {
						here++
					}
				}
			}
			if all > limits.Starts || limits.CabinetStarts > 0 && here > limits.CabinetStarts {
				t.Fatalf("%d starts in the %s from %s on, %d of them in %s; limits %+v", all, limits.Window, at.Sub(start), here, l.where[i], limits)
			}
		}
	})
}

func TestAfterARestartNothingStartsForAWindowIfSomethingStartedBefore(t *testing.T) {
	limits := bos.PowerLimits{Window: 10 * time.Second, Starts: 1}
	for name, c := range map[string]struct {
		acted, want bool
	}{
		"nothing ever": {false, true}, "something": {true, false},
	} {
		const id = "x1000c0s0b0n0"
		rec := armed(id)
		rec.Work.Prepared = bos.Prepared{Boot: bos.PreparedBoot(rec.DesiredState.BootArtifacts)}
		e := engine.New(engine.Settings{NoInventory: true, Limits: limits})
		e.Step(start, engine.Inputs{Records: []bos.Record{rec}, Acted: c.acted})
		now := start.Add(time.Second)
		out := e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, start)}})
		if got := len(out.Effects) == 1; got != c.want {
			t.Errorf("%s: effects %v", name, out.Effects)
		}
		if c.want {
			continue
		}
		if want := start.Add(limits.Window); !out.Wake.Equal(want) {
			t.Errorf("%s: wake at %s, want %s", name, out.Wake, want)
		}
		if out = e.Step(out.Wake, engine.Inputs{}); len(out.Effects) != 1 {
			t.Errorf("%s: effects %v after the window", name, out.Effects)
		}
	}
}
