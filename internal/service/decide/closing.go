package decide

import (
	"cmp"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// mostTells is how often it is tried to give the drain of a node that has failed, or is
// off, a reason that says so. It is a help for people, and holds nothing up for long.
const mostTells = 3

// closing is a decision by which a node would be done, with what is still to come: that it
// is healthy, that it is given jobs again, or that its drain says that it is off.
func closing(d Decision, r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	if d.Why != ReasonDone {
		if p.Workload.On && r.Work.Drain.Ready && d.Next.Enabled && d.Next.Work.Attempt.Kind == bos.EffectNone && d.ProbeWorkload.IsZero() {
			d.ProbeWorkload = o.askWorkload(p, now) // its word is to be of now when the power is touched
		}
		return d
	}
	r = liftConfiguration(r)
	switch r.Goal {
	case bos.GoalBoot:
		return closeBoot(d, r, o, p, now)
	case bos.GoalOff:
		if next, wait := tellDrain(r, p, now, "shut down"); wait {
			return next
		}
		return d
	case bos.GoalConfigure, bos.GoalNone:
		return d
	default:
		return d
	}
}

// closeBoot asks for the health of a node that runs what it shall, and then has it given
// jobs again.
func closeBoot(d Decision, r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	if !p.Health.On && !p.Workload.On {
		return d
	}
	if r.Work.Drain.Closing.IsZero() {
		r.Work.Drain.Closing = now
	}
	if p.Health.On && !r.Work.Drain.Healthy {
		seen := o.Health
		of := !seen.Asked.IsZero() && !seen.Asked.Before(r.Work.Drain.Closing)
		if !of || seen.Verdict != bos.Healthy {
			return waitForHealth(r, seen, of, p, now)
		}
		r.Work.Drain.Healthy, r.Work.Drain.Closing = true, now
	}
	if !p.Workload.On {
		return d
	}
	return takeBack(d, r, o, p, now)
}

// waitForHealth asks the health check again, until the node has had its time.
func waitForHealth(r bos.Record, seen bos.HealthReading, of bool, p bos.Policy, now time.Time) Decision {
	words := "the check has not answered"
	ask := now
	if of {
		words = cmp.Or(seen.Detail, "the check says nothing of it")
		ask = later(seen.Answered.Add(max(p.Polling, time.Second)), now)
	}
	if now.Sub(r.Work.Drain.Closing) >= p.Health.Deadline {
		return fail(r, bos.CauseUnhealthy, ReasonUnhealthy, fmt.Sprintf("not healthy within health.deadline (%s): %s", p.Health.Deadline, words))
	}
	if of {
		r.Wait(bos.Waiting{For: bos.WaitHealth, Detail: words})
	}
	return Decision{Next: r, Probe: pollProbe(p, now), ProbeHealth: ask, Wake: r.Work.Drain.Closing.Add(p.Health.Deadline), Why: ReasonClosing}
}

// takeBack has the workload manager give a node jobs again, if it is this service that has
// drained it. A drain of an earlier session is first made this one's.
func takeBack(d Decision, r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	seen := o.Workload
	wait := waitForWorkload(r, o, p, now)
	wait.Why = ReasonClosing
	if !o.workloadFresh(p, now) || seen.Asked.Before(r.Work.Drain.Closing) {
		wait.ProbeWorkload = now
		return wait
	}
	over := now.Sub(r.Work.Drain.Closing) >= p.Workload.ReturnDeadline
	giveUp := func() Decision {
		return fail(r, bos.CauseNotTakenBack, ReasonUnreachable, withWords(bos.CauseNotTakenBack.Sentence(), seen.Detail))
	}
	switch {
	case seen.State == bos.WorkloadUnknown && over, seen.State == bos.WorkloadDrained && over:
		return giveUp()
	case seen.State == bos.WorkloadUnknown:
		wait.Next.Wait(bos.Waiting{For: bos.WaitWorkload, Detail: seen.Detail})
		return wait
	case seen.State != bos.WorkloadDrained:
		return d
	case seen.Mark != bos.DrainMark(r.Key()):
		return drain(r, o, p, now)
	case !seen.Heard:
		wait.Next.Wait(bos.Waiting{For: bos.WaitReturn, Detail: seen.Detail})
		return wait
	default:
		return giveBackToJobs(r, o, p, now)
	}
}

// telling keeps a node that this decision has failed in work until its drain says so.
func (d Decision) telling(before bos.Record, p bos.Policy, now time.Time) Decision {
	if !before.Enabled || d.Next.Enabled || d.Next.Status.StatusOverride != bos.StatusFailed || before.Status.StatusOverride == bos.StatusFailed {
		return d
	}
	r := d.Next
	r.Work.BackOff = bos.BackOff{}
	if next, wait := tellDrain(r, p, now, failedWords(r)); wait {
		next.Next.Enabled = true
		next.Why, next.Because = d.Why, d.Because
		return next
	}
	return d
}

// endFailed lets go of a node that has failed, once its drain says so.
func endFailed(r bos.Record, p bos.Policy, now time.Time) Decision {
	if next, wait := tellDrain(r, p, now, failedWords(r)); wait {
		return next
	}
	r.Enabled = false
	return Decision{Next: r, Why: ReasonAlreadyFailed}
}

func failedWords(r bos.Record) string { return fmt.Sprintf("failed (%s): %s", r.Work.Cause, r.Error) }

// tellDrain gives this session's drain of a node that stays drained a reason that says
// why, a few times at most.
func tellDrain(r bos.Record, p bos.Policy, now time.Time, words string) (Decision, bool) {
	switch {
	case !p.Workload.On || !r.Work.Drain.Ours || r.Work.Drain.Told:
		return Decision{}, false
	case now.Before(r.Work.BackOff.Until):
		return Decision{Next: r, Wake: r.Work.BackOff.Until, Why: ReasonReword}, true
	case r.Work.Drain.Tells >= mostTells:
		return Decision{}, false
	}
	r.Work.Drain.Tells++
	return Decision{Next: r, Effect: bos.Effect{Kind: bos.EffectReword, Reason: drainReason(&r, words)}, Why: ReasonReword}, true
}
