package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// idle is a component that is not in work and that is seen to all the same: its boot
// parameters are those of what is staged on it, or are to be, or its drain is to be ended.
type idle struct {
	rec bos.Record
	// again is when the next write of boot parameters may start after tries that failed.
	again time.Time
	tries int
	left  leftWatch
}

// tended reports whether a component is one while it is not in work.
func tended(r *bos.Record) bool { return r.Work.StagedBoot.Session != "" || r.Work.Left.Waits() }

// trackIdle takes over a record that is not in work.
func (e *Engine) trackIdle(r bos.Record) {
	if r.Enabled || !tended(&r) {
		delete(e.idle, r.ID)
		return
	}
	n, known := e.idle[r.ID]
	if !known {
		n = &idle{left: leftWatch{since: e.step.now}}
		e.idle[r.ID] = n
	} else if r.Revision < n.rec.Revision {
		return
	}
	n.rec = r
	e.step.touched[r.ID] = true
	e.wakes.set(r.ID, e.step.now) // also where this step has decided already
}

// decideIdle sees to a component that is not in work. A pause of the site keeps it as it
// keeps one that is.
func (e *Engine) decideIdle(id string) {
	n, ok := e.idle[id]
	if !ok || e.inFlight[id] != bos.EffectNone || e.site.On() {
		return
	}
	e.decideLeft(id, n)
	e.decideStaged(id, n)
	if e.idle[id] == n && e.inFlight[id] == bos.EffectNone {
		e.wakes.set(id, n.wake(e.step.now))
	}
}

// wake is when to look at it again without news, zero for never.
func (n *idle) wake(now time.Time) (at time.Time) {
	for _, t := range []time.Time{n.again, n.left.again} {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at
}

// writeIdle keeps the next record of such a component, to be committed with the pass.
func (e *Engine) writeIdle(n *idle, next bos.Record) {
	if next == n.rec {
		return
	}
	next = stamped(n.rec, next, e.step.times.Wall)
	next.Revision = n.rec.Revision
	if next.Session != n.rec.Session || next.StagedState.Session != n.rec.StagedState.Session {
		e.step.check[next.Session], e.step.check[n.rec.StagedState.Session] = true, true
	}
	n.rec = next
	e.step.idle[next.ID] = n
}

// settleIdle takes in the answer to a call for a component that is not in work.
func (e *Engine) settleIdle(r Result) {
	n, ok := e.idle[r.ID]
	if !ok {
		return
	}
	e.step.touched[r.ID] = true // it may have waited for the answer to another call
	switch {
	case r.Effect.Kind == bos.EffectWriteBoot:
		e.settleStaged(n, r)
	case r.Effect.Kind.OfWorkload():
		e.settleLeft(n, r)
	}
}
