package engine

import (
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// workloadGrid is what the times of questions to the workload manager and the health check
// are rounded up to: each is a command for many nodes.
const workloadGrid = 5 * time.Second

// probeWorkload asks the workload manager, probeHealth the health check.
func (e *Engine) probeWorkload(id string, n *node) {
	n.watch.workload.ask()
	e.step.out.WorkloadProbes = append(e.step.out.WorkloadProbes, id)
}

func (e *Engine) probeHealth(id string, n *node) {
	n.watch.health.ask()
	e.step.out.HealthProbes = append(e.step.out.HealthProbes, id)
}

// sightWorkload takes in what the workload manager and the health check say. What was
// asked before the node was armed, or before its drain was changed last, is of before.
func (e *Engine) sightWorkload(in Inputs) {
	for _, r := range in.Workloads {
		if n, ok := e.nodes[r.ID]; ok {
			n.watch.workload.out = false
			e.step.touched[r.ID] = true
			if !r.Asked.Before(n.since) && !r.Asked.Before(n.reordered) && !e.inFlight[r.ID].OfWorkload() {
				n.workload = r
			}
		}
	}
	for _, r := range in.Healths {
		if n, ok := e.nodes[r.ID]; ok {
			n.watch.health.out = false
			e.step.touched[r.ID] = true
			if !r.Asked.Before(n.since) {
				n.health = r
			}
		}
	}
}

// leftover is what is left with a workload manager of a node that is no longer in the work
// for which it was drained.
type leftover struct {
	// of is the session whose mark the drain has; none if there is no drain.
	of bos.SessionKey
	// booted says that this service did something to its power since.
	booted bool
	order  bos.Order
}

// leaves is what would be left of a node that is taken out of its work now.
func (n *node) leaves() leftover {
	left, work := n.left, &n.rec.Work
	if work.Drain.Ours && !work.Drain.Told {
		left.of = n.rec.Key()
	}
	left.booted = left.booted || work.Attempt.Kind != bos.EffectNone
	return left
}

// abandon has a node that somebody took out of its work, as by a cancellation, given back
// to its workload manager if this service had it drained, for this session or for one that
// had it before, and did nothing else to it yet. One that was rebooted stays drained, with
// a reason that says so. What is under way for the node is waited for. An engine that
// stops meanwhile leaves the drain, which names the session.
func (e *Engine) abandon(r bos.Record) {
	n, ok := e.nodes[r.ID]
	if !ok || !e.settings.Workload.On {
		return
	}
	left := n.leaves()
	if left.of.Name == "" {
		return
	}
	left.order = r.Order()
	e.left[r.ID] = left
	e.giveBackLeft(r.ID)
}

// giveBackLeft has what is left of a node given back, once nothing is under way for it.
func (e *Engine) giveBackLeft(id string) {
	left, ok := e.left[id]
	if !ok || e.inFlight[id] != bos.EffectNone {
		return
	}
	delete(e.left, id)
	mark := bos.DrainMark(left.of)
	effect := bos.Effect{Kind: bos.EffectReturn, Reason: mark}
	if left.booted {
		effect = bos.Effect{Kind: bos.EffectReword, Reason: mark + " taken out of its session while it was booted"}
	}
	e.inFlight[id] = effect.Kind
	e.step.effects[id] = decide.Wanted{Effect: effect, Session: left.of.Name}
	e.step.out.Orders[id] = left.order
}

// drains reports whether a node of a rollout waits for its jobs to end: that is no lack of
// progress.
func (e *Engine) drains(r *rollout) bool {
	if !e.settings.Workload.On {
		return false
	}
	for id := range r.of {
		if n := e.nodes[id]; n != nil && n.rec.Work.Drain.Waits() && !n.rec.Work.Queued() {
			return true
		}
	}
	return false
}

// noteWorkload writes that a node is rebooted although jobs run on it, or stays drained by
// somebody else.
func (e *Engine) noteWorkload(before, next bos.Record, seen bos.WorkloadReading) {
	if next.Work.Drain.Ready && !before.Work.Drain.Ready && seen.Jobs {
		e.tell(next, decide.ReasonJobsEnded, fmt.Sprintf("jobs still run on it at the end of workload.drain_deadline, and workload.not_idle is reboot (%s)", seen.Detail))
	}
}
