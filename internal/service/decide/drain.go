package decide

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxDrainReason bounds the reason of a drain, in bytes.
const maxDrainReason = 200

// drainReason is the reason of a drain for the session of a node: its mark, and words for
// people, on one line whatever these are: managers tell of nodes by lines.
func drainReason(r *bos.Record, words string) string {
	printed := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, words)
	reason := bos.DrainMark(r.Key()) + " " + strings.Join(strings.Fields(printed), " ")
	if len(reason) <= maxDrainReason {
		return reason
	}
	cut := maxDrainReason
	for !utf8.RuneStart(reason[cut]) {
		cut--
	}
	return reason[:cut]
}

// touches reports whether a decision would end jobs on a node, or keep it from them. One
// that this service has powered off has none, and is not left so.
func (d Decision) touches(r bos.Record, o Observation, p bos.Policy) bool {
	if !p.Workload.On || o.Power.State == bos.PowerStateOff && r.Work.Attempt.Kind != bos.EffectNone {
		return false
	}
	return d.Effect.Kind.PowerOp() != "" || d.Effect.Kind == bos.EffectWriteBoot || d.Why == ReasonRampWait && r.Work.Drain.Waits()
}

// undrained is a node as if it were not drained: what would be decided on it then.
func undrained(r bos.Record) bos.Record {
	if r.Work.Drain.Waits() {
		r.Work.BackOff.Until = time.Time{}
	}
	return r
}

// drainFirst keeps a node from being touched until its workload manager gives it no new
// jobs and those that ran have ended. It is asked before each thing that touches the node:
// somebody may give it jobs again meanwhile.
func drainFirst(r bos.Record, o Observation, p bos.Policy, now time.Time) (next bos.Record, d Decision, wait bool) {
	seen, fresh := o.Workload, o.workloadFresh(p, now)
	idle := !seen.Jobs && (seen.State == bos.WorkloadForeign || seen.State == bos.WorkloadDrained && seen.Mark == bos.DrainMark(r.Key()))
	endsJobs := p.Workload.NotIdle == bos.NotIdleReboot && drainOver(r, p, now)
	if r.Work.Drain.Since.IsZero() || r.Work.Drain.Ready && fresh && !idle && seen.State != bos.WorkloadAbsent && !endsJobs {
		r.Work.Drain.Since, r.Work.Drain.Ready = now, false
	}
	if !fresh {
		return r, waitForWorkload(r, o, p, now), true
	}
	switch seen.State {
	case bos.WorkloadAbsent:
		if p.Workload.Unmanaged == bos.UnmanagedBoot {
			return ready(r, now), Decision{}, false
		}
		return r, fail(r, bos.CauseUnmanaged, ReasonUnreachable, withWords(bos.CauseUnmanaged.Sentence(), seen.Detail)), true
	case bos.WorkloadInService:
		if drainOver(r, p, now) && p.Workload.NotIdle != bos.NotIdleReboot {
			return r, notIdle(r, o, p, now), true
		}
		return r, drainInTime(r, o, p, now), true
	case bos.WorkloadDrained:
		if seen.Mark != bos.DrainMark(r.Key()) {
			return r, drainInTime(r, o, p, now), true // of an earlier session, or of none
		}
		r.Work.Drain.Ours, r.Work.Left = true, bos.Leftover{} // what was left is this one's now
	case bos.WorkloadForeign:
		r.Work.Drain.Ours, r.Work.Left = false, bos.Leftover{}
	case bos.WorkloadUnknown:
		if drainOver(r, p, now) {
			return r, fail(r, bos.CauseWorkloadManager, ReasonUnreachable, withWords(bos.CauseWorkloadManager.Sentence(), seen.Detail)), true
		}
		r.Wait(bos.Waiting{For: bos.WaitWorkload, Detail: seen.Detail})
		return r, waitForWorkload(r, o, p, now), true
	}
	switch {
	case !seen.Jobs:
		return ready(r, now), Decision{}, false
	case !drainOver(r, p, now):
		r.Wait(bos.Waiting{For: bos.WaitDrain, Detail: seen.Detail})
		return r, waitForWorkload(r, o, p, now), true
	case p.Workload.NotIdle == bos.NotIdleReboot:
		return ready(r, now), Decision{}, false
	default:
		return r, notIdle(r, o, p, now), true
	}
}

// workloadFresh reports whether the word of the workload manager is of now.
func (o Observation) workloadFresh(p bos.Policy, now time.Time) bool {
	received := o.Workload.Answered
	if received.IsZero() {
		received = o.Workload.Asked
	}
	return !o.Workload.Asked.IsZero() && now.Sub(received) <= maxReadingAge*max(p.Polling, time.Second)
}

// askWorkload is when to ask the workload manager next.
func (o Observation) askWorkload(p bos.Policy, now time.Time) time.Time {
	if !o.workloadFresh(p, now) {
		return now
	}
	return later(o.Workload.Answered.Add(max(p.Polling, time.Second)), now)
}

// workloadAhead has the workload manager asked while the power of a node is.
func workloadAhead(r bos.Record, o Observation, p bos.Policy, now time.Time) time.Time {
	if !p.Workload.On || r.Work.Attempt.Kind != bos.EffectNone || r.Goal != bos.GoalBoot && r.Goal != bos.GoalOff {
		return time.Time{}
	}
	return o.askWorkload(p, now)
}

// drainOver reports whether the time is over that jobs have to end.
func drainOver(r bos.Record, p bos.Policy, now time.Time) bool {
	return now.Sub(r.Work.Drain.Since) >= p.Workload.Deadline
}

// ready is a node without jobs: its power may be touched, and its time in a rollout
// begins.
func ready(r bos.Record, now time.Time) bos.Record {
	if r.Work.Drain.Ready {
		return r
	}
	r.Work.Drain.Ready = true
	r.Work.BackOff.Until, r.Work.BackOff.Setbacks = time.Time{}, 0
	r.EndWait()
	if !r.Work.Admitted.IsZero() {
		r.Work.Admitted = now
	}
	return r
}

// drainInTime drains a node, and fails one whose drain is not seen long after the time is
// over that jobs have to end: the manager takes the commands and does not follow them, or
// refuses them.
func drainInTime(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	if now.Sub(r.Work.Drain.Since) < p.Workload.Deadline+p.Workload.ReturnDeadline {
		return drain(r, o, p, now)
	}
	return fail(r, bos.CauseWorkloadManager, ReasonUnreachable, withWords("it is not drained for its session within workload.drain_deadline and workload.return_deadline; see what the workload manager says to the drain by hand", o.Workload.Detail))
}

// drain has the workload manager give the node no new jobs. That it is this service's
// drain is stored before.
func drain(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	if now.Before(r.Work.BackOff.Until) {
		return waitForWorkload(r, o, p, now)
	}
	r.Work.Drain.Ours = true
	reason := drainReason(&r, "drained to be rebooted")
	if r.Goal == bos.GoalOff {
		reason = drainReason(&r, "drained to be powered off")
	}
	return Decision{Next: r, Effect: bos.Effect{Kind: bos.EffectDrain, Reason: reason}, Probe: pollProbe(p, now), Why: ReasonDrain}
}

// notIdle is what becomes of a node whose jobs have not ended in time, where the site
// does not want it rebooted all the same.
func notIdle(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	if p.Workload.NotIdle != bos.NotIdleExclude {
		return fail(r, bos.CauseStillBusy, ReasonUnreachable, withWords(bos.CauseStillBusy.Sentence(), o.Workload.Detail))
	}
	if o.Workload.State == bos.WorkloadDrained && now.Sub(r.Work.Drain.Since) < p.Workload.Deadline+p.Workload.ReturnDeadline {
		return giveBackToJobs(r, o, p, now)
	}
	if o.Workload.State != bos.WorkloadDrained {
		r.Work.Drain.Ours = false // and nothing is left of it
	}
	return leaveOut(r, bos.CauseStillBusy, now)
}

// giveBackToJobs ends this session's drain of a node.
func giveBackToJobs(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	if now.Before(r.Work.BackOff.Until) {
		return waitForWorkload(r, o, p, now)
	}
	return Decision{Next: r, Effect: bos.Effect{Kind: bos.EffectReturn, Reason: bos.DrainMark(r.Key())}, Probe: pollProbe(p, now), Why: ReasonReturn}
}

// waitForWorkload asks the workload manager again, and the power beside.
func waitForWorkload(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	ask := o.askWorkload(p, now)
	if o.workloadFresh(p, now) {
		ask = later(ask, r.Work.BackOff.Until)
	}
	d := Decision{Next: r, Probe: pollProbe(p, now), ProbeWorkload: ask, Wake: r.Work.BackOff.Until, Why: ReasonDrainWait}
	if !d.Wake.After(now) {
		d.Wake = time.Time{}
	}
	return d
}

// SettleWorkload is the record after a call to its workload manager. What the call has
// done is told by the next reading.
func SettleWorkload(r bos.Record, effect bos.Effect, res bos.CallResult, now time.Time) bos.Record {
	if !r.Enabled || bos.MarkOf(effect.Reason) != bos.DrainMark(r.Key()) {
		return r
	}
	if res.Withheld() {
		if effect.Kind == bos.EffectReword {
			r.Work.Drain.Tells = max(r.Work.Drain.Tells-1, 0)
		}
		return keptBack(r, effect.Kind, res, now)
	}
	failed := r.Status.StatusOverride == bos.StatusFailed
	cause := r.Work.Cause
	r = backOff(r, res, bos.CauseWorkloadManager, now) // until a reading says that it is as wanted
	switch {
	case failed || effect.Kind == bos.EffectReword:
		r.Work.Cause = cause
		r.Work.Drain.Told = r.Work.Drain.Told || res.Outcome == bos.CallDone
		if r.Work.Drain.Told {
			r.Work.BackOff.Until = time.Time{}
		}
	case res.Outcome == bos.CallDone:
		r.Work.Cause = cause
	default:
		r.Wait(bos.Waiting{For: bos.WaitWorkload, Detail: refusedText(bos.CauseWorkloadManager, res)})
	}
	return r
}

// withWords is a sentence with what somebody else said.
func withWords(sentence, words string) string {
	if words == "" {
		return sentence
	}
	return fmt.Sprintf("%s (%s)", sentence, words)
}
