package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// Clock measures waits. It runs with monotonic time, so that no step of the wall
// clock makes a wait longer or shorter, and it stands while the service is away:
// what a node did meanwhile could not be reported to anybody. Its times are near
// wall time and behind it by as long as the service was away in all. It reads no
// clock itself: who holds it says what monotonic time, since any moment, and the
// wall clock are.
type Clock struct {
	at   time.Time
	mono time.Duration
	// ahead is by how much the wall clock was ahead when it last stepped.
	ahead           time.Duration
	hearing, steady time.Time
}

// Times are what a step knows beside the time of its clock. The zero value is a
// wall clock that agrees with it and reports that were always taken.
type Times struct {
	// Wall is the time for people.
	Wall time.Time
	// Hearing is since when reports are taken without a break, by the clock.
	Hearing time.Time
	// Steady is since when the wall clock has not stepped, by the clock.
	Steady time.Time
}

// clockStep is how much the wall clock may move against monotonic time at once: more
// than it is slewed by, less than anything that is waited for.
const clockStep = time.Second

// Resume starts the clock, or starts it again after the service was away, at the
// time where it stood.
func (c *Clock) Resume(at time.Time, mono time.Duration, wall time.Time) {
	at = at.UTC().Round(0)
	*c = Clock{at: at, mono: mono, ahead: wall.Sub(at), hearing: at, steady: at}
}

// Now is the time, and what else a step is to know.
func (c *Clock) Now(mono time.Duration, wall time.Time) (time.Time, Times) {
	wall = wall.UTC().Round(0)
	c.at, c.mono = c.When(mono), mono
	ahead := wall.Sub(c.at)
	if moved := ahead - c.ahead; moved > clockStep || moved < -clockStep {
		c.steady = c.at
	}
	c.ahead = ahead
	return c.at, Times{Wall: wall, Hearing: c.hearing, Steady: c.steady}
}

// When is what the clock shows at a monotonic time.
func (c *Clock) When(mono time.Duration) time.Time { return c.at.Add(mono - c.mono) }

// lead is by how much a stored time of an action may be ahead of the clock that
// was stored before it.
const lead = time.Minute

// Resumed is where a clock goes on that was kept with the lease, for an engine
// that starts with these inputs: at that time, or at the action that was stored
// after it. Without one it starts with wall time.
func Resumed(kept time.Time, in Inputs, wall time.Time) time.Time {
	if kept.IsZero() {
		kept = wall
	}
	at := kept
	for _, r := range in.Records {
		if t := later(r.Work.Attempt.At, r.Work.Flight.At); t.After(at) && t.Sub(kept) <= lead {
			at = t
		}
	}
	return at
}

// present is what is remembered of a component, without times that the clock has
// not come to: what was stored by another clock is as if it had been just now.
func present(w bos.Work, now time.Time) bos.Work {
	for _, at := range []*time.Time{&w.Attempt.At, &w.Flight.At, &w.StoppedAt, &w.Admitted, &w.Unseen.At} {
		if at.After(now) {
			*at = now
		}
	}
	if w.BackOff.Until.Sub(now) > decide.LongestRetry {
		w.BackOff.Until = now
	}
	return w
}

// stamped is the next record with the time for people in place of the clock's,
// wherever it was dated anew.
func stamped(before, next bos.Record, wall time.Time) bos.Record {
	at := bos.At(wall)
	for _, stamp := range []struct {
		was bos.Time
		is  *bos.Time
	}{
		{before.LastAction.LastUpdated, &next.LastAction.LastUpdated},
		{before.ActualState.LastUpdated, &next.ActualState.LastUpdated},
		{before.DesiredState.LastUpdated, &next.DesiredState.LastUpdated},
	} {
		if *stamp.is != stamp.was {
			*stamp.is = at
		}
	}
	return next
}
