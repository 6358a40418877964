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

// abandon has a node that somebody took out of its work, as by a cancellation, given back
// to its workload manager if this service had it drained and did nothing else to it yet. One
// that was rebooted stays drained, with a reason that says so. An engine that
// stops meanwhile leaves the drain, which names the session.
func (e *Engine) abandon(r bos.Record) {
	n, ok := e.nodes[r.ID]
	if !ok || !e.settings.Workload.On || !n.rec.Work.Drain.Ours || n.rec.Work.Drain.Told || e.inFlight[r.ID] != bos.EffectNone {
		return
	}
	mark := bos.DrainMark(n.rec.Key())
	effect := bos.Effect{Kind: bos.EffectReturn, Reason: mark}
	if n.rec.Work.Attempt.Kind != bos.EffectNone {
		effect = bos.Effect{Kind: bos.EffectReword, Reason: mark + " taken out of its session while it was booted"}
	}
	e.inFlight[r.ID] = effect.Kind
	e.step.effects[r.ID] = decide.Wanted{Effect: effect, Session: n.rec.Session}
	e.step.out.Orders[r.ID] = r.Order()
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
