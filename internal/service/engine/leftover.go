package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// leftWatch is what is known of a drain that is left, beside what is stored.
type leftWatch struct {
	// since is when it was first seen, or its last call was answered: what the manager was
	// asked before is of before.
	since time.Time
	// seen is what the manager said since.
	seen  bos.WorkloadReading
	probe question
	// again is when to go on after a try that failed, next when the next call may start.
	again, next time.Time
}

// decideLeft sees to the drain that is left of a component.
func (e *Engine) decideLeft(id string, n *idle) {
	now, watch := e.step.now, &n.left
	if !n.rec.Work.Left.Waits() || watch.probe.out || now.Before(watch.again) {
		return
	}
	d := decide.LeftDrain(n.rec, watch.seen, e.policy.Workload, now)
	if d.Effect.Kind != bos.EffectNone && now.Before(watch.next) {
		watch.again, watch.seen = watch.next, bos.WorkloadReading{} // it is asked again then
		return
	}
	switch {
	case d.Effect.Kind != bos.EffectNone:
		e.inFlight[id] = d.Effect.Kind
		e.step.effects[id] = decide.Wanted{Effect: d.Effect, Session: n.rec.Work.Left.Session}
		e.step.out.Orders[id] = d.Next.Order()
	case d.ProbeWorkload.After(now):
		watch.again, watch.seen = d.ProbeWorkload, bos.WorkloadReading{}
	case !d.ProbeWorkload.IsZero():
		watch.probe.ask()
		e.step.out.WorkloadProbes = append(e.step.out.WorkloadProbes, id)
	}
	e.noteLeft(n.rec, d)
	e.writeIdle(n, d.Next)
}

// sightLeft takes in what the workload manager says of a component that is not in work.
func (e *Engine) sightLeft(n *idle, r bos.WorkloadReading) {
	n.left.probe.out = false
	e.step.touched[r.ID] = true
	if !r.Asked.Before(n.left.since) && !e.inFlight[r.ID].OfWorkload() {
		n.left.seen = r
	}
}

// settleLeft takes in how a call to the workload manager went. One that was made while the
// component was in work says nothing of what is left.
func (e *Engine) settleLeft(n *idle, r Result) {
	watch := &n.left
	watch.seen, watch.since = bos.WorkloadReading{}, e.step.now
	if n.rec.Work.Left.Tries == 0 {
		return
	}
	d := decide.SettleLeft(n.rec, r.Effect, r.CallResult)
	watch.next = e.step.now.Add(decide.LeftRetry(n.rec.Work.Left.Tries))
	if r.Outcome != bos.CallDone {
		watch.again = watch.next
	}
	e.noteLeft(n.rec, d)
	e.writeIdle(n, d.Next)
}

// noteLeft writes what became of a drain that is left.
func (e *Engine) noteLeft(r bos.Record, d decide.Decision) {
	if d.Why == "" {
		return
	}
	key := r.Work.Left.Key()
	e.step.out.Commit.Events = append(e.step.out.Commit.Events, bos.Event{
		Time: e.step.times.Wall, Component: r.ID, Session: key.Name, Tenant: key.Tenant, Kind: string(d.Why), Detail: d.Because,
	})
}
