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
		} else if n, ok := e.idle[r.ID]; ok {
			e.sightLeft(n, r)
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
