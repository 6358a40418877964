package decide

import (
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// turnOn is what happens to a node that is off and shall be on: wait for a
// power-on under way, or write the boot parameters, or see that the proof of its boot
// is missing, or power on.
func turnOn(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	if r.Work.Called(bos.EffectPowerOn) {
		d, wait := awaitOn(r, o, p, now)
		if wait {
			return d
		}
		r = d.Next
	}
	if d, stop := bootFirst(r, p, now); stop {
		return d
	}
	if d, stop := beforeActing(r, r.EventStats.PowerOnAttempts, powerOnName, p, now); stop {
		return d
	}
	if p.Configures && !r.ConfigurationPrepared() {
		return prepareConfiguration(r)
	}
	if d, wait := awaitProof(r, o, p, now); wait {
		return d
	}
	if o.Gate.Admit(&r, bos.EffectPowerOn) != bos.WaitNone {
		return waitForTurn(r, p, now)
	}
	r.EventStats.PowerOnAttempts++
	prepared := r.Work.Prepared
	doubtful := otherMayShow(r, prepared, p, now)
	r.Work.Prepared = bos.Prepared{}
	d := act(r, bos.EffectPowerOn, ReasonPowerOn, now)
	d.Next.Work.Attempt.Prepared, d.Next.Work.Attempt.Doubtful = prepared, doubtful
	if d.Next.Work.Unseen.Boot = prepared.Boot; doubtful {
		d.Next.Work.Unseen.Boot = "" // it is one of two
	}
	d.Next.Work.Attempt = withSeen(d.Next.Work.Attempt, r, o, p)
	return d
}

// turnOff is what happens to a node that is on and shall be off: gracefully
// once, then by force, again each time the wait has passed.
func turnOff(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	graceful := r.Work.Called(bos.EffectPowerOffGraceful)
	forceful := r.Work.Called(bos.EffectPowerOffForceful)
	if graceful || forceful {
		deadline := r.Work.Attempt.At.Add(p.MaxPowerOffWait)
		if o.Power.Asked.Before(deadline) {
			return awaitEffect(waitUnconfirmed(r), o, p, now, deadline, ReasonPowerOffWait)
		}
		r.Work.Cause = bos.CausePowerOffTimeout
		r.SetError(fmt.Sprintf("still on max_power_off_wait_time (%s) after the last power-off: %s",
			p.MaxPowerOffWait, bos.CausePowerOffTimeout.Sentence()))
	}
	if d, stop := bootFirst(r, p, now); stop {
		return d
	}
	force := graceful || forceful || r.Work.NoGraceful || gracefulOver(r, p) || r.Work.Attempt.Kind == bos.EffectPowerOffForceful
	if !force {
		if d, stop := beforeActing(r, r.EventStats.PowerOffGracefulAttempts, "graceful power-off", p, now); stop {
			return d
		}
		if o.Gate.Admit(&r, bos.EffectPowerOffGraceful) != bos.WaitNone {
			return waitForTurn(r, p, now)
		}
		r.EventStats.PowerOffGracefulAttempts++
		return act(r, bos.EffectPowerOffGraceful, ReasonPowerOff, now)
	}
	if d, stop := beforeActing(r, r.EventStats.PowerOffForcefulAttempts, "forced power-off", p, now); stop {
		return d
	}
	if o.Gate.Admit(&r, bos.EffectPowerOffForceful) != bos.WaitNone {
		return waitForTurn(r, p, now)
	}
	r.EventStats.PowerOffForcefulAttempts++
	return act(r, bos.EffectPowerOffForceful, ReasonPowerOffForce, now)
}

// bootAhead stores what an armed node shall boot while its power is still being
// asked for: the nodes of a session are armed together, so one write does for
// all of them. A node that runs it already needs none.
func bootAhead(r bos.Record, p bos.Policy, now time.Time) bos.Effect {
	if !r.Work.Attempt.At.IsZero() || runs(r) || p.Workload.On && !r.Work.Drain.Ready {
		return bos.Effect{}
	}
	d, _ := bootFirst(r, p, now)
	return d.Effect
}

// bootFirst stores what a node shall boot before its power is touched, also
// before it is powered off: a node that could not be booted again is better
// left running.
func bootFirst(r bos.Record, p bos.Policy, now time.Time) (Decision, bool) {
	if r.Goal != bos.GoalBoot || r.BootPrepared() {
		return Decision{}, false
	}
	if d, stop := beforeActing(r, r.EventStats.PowerOnAttempts, powerOnName, p, now); stop {
		return d, true
	}
	effect := bos.Effect{Kind: bos.EffectWriteBoot, Artifacts: r.DesiredState.BootArtifacts}
	return Decision{Next: r, Effect: effect, Why: ReasonWriteBoot}, true
}

// powerOnName is what a power-on is called in errors.
const powerOnName = "power-on"

// beforeActing stops an action whose attempts are used up, or whose back-off
// has not passed.
func beforeActing(r bos.Record, attempts int, name string, p bos.Policy, now time.Time) (Decision, bool) {
	limit := retryLimit(r, p)
	if attempts >= limit {
		last := r.Work.Cause
		if last == bos.CauseNone {
			last = bos.CauseRetriesExhausted
		}
		text := fmt.Sprintf("all %d %s attempts of the retry policy are used: %s", limit, name, last.Sentence())
		if last == bos.CauseResetUnconfirmed && r.Work.Attempt.Answer != "" {
			text += " (last answer: " + r.Work.Attempt.Answer + ")"
		}
		if r.Work.Misses.Lost > 0 {
			text += fmt.Sprintf(" (the service stopped during %d more, which were not counted)", r.Work.Misses.Lost)
		}
		return fail(r, bos.CauseRetriesExhausted, ReasonRetriesReached, text), true
	}
	if deferredTooLong(r, p) {
		text := deferredText(r, name, p)
		r.EndWait()
		return fail(r, r.Work.Cause, ReasonUnreachable, text), true
	}
	if !now.Before(r.Work.BackOff.Until) {
		return Decision{}, false
	}
	return Decision{Next: r, Probe: r.Work.BackOff.Until, Why: ReasonRetryWait}, true
}

// retryLimit is how many attempts of each kind a component has.
func retryLimit(r bos.Record, p bos.Policy) int {
	if r.RetryPolicy != nil {
		return *r.RetryPolicy
	}
	return p.DefaultRetryPolicy
}

// act records a power action as started. Acting clears the error and counts
// the attempt before the call is made.
func act(r bos.Record, kind bos.EffectKind, why Reason, now time.Time) Decision {
	because := ""
	if !r.Work.WaitInError {
		because = r.Error
	}
	r.SetError("")
	r.Work.Waiting = bos.Waiting{}
	r = endBackOff(r)
	if r.Work.Attempt.Kind != kind {
		r.Work.BackOff.PutOff = bos.CauseNone
	}
	r.Work.Flight = bos.Flight{Kind: kind, At: now}
	r.Work.Attempt, r.Work.Unseen = bos.Attempt{Kind: kind, At: now}, sent(r, kind, now)
	r.Work.Drain.Closing, r.Work.Drain.Healthy = time.Time{}, false
	r.LastAction = bos.LastAction{Action: actionOf(kind), LastUpdated: bos.At(now)}
	return Decision{Next: r, Effect: bos.Effect{Kind: kind}, Why: why, Because: because}
}

// underWay reports whether a power action was accepted whose effect has time yet
// to show.
func underWay(r bos.Record, p bos.Policy, now time.Time) bool {
	at := actionDeadline(r, p)
	return !at.IsZero() && r.Work.Flight.Kind == bos.EffectNone && now.Before(at)
}

// actionDeadline is until when the power action under way may show; zero if
// there is none.
func actionDeadline(r bos.Record, p bos.Policy) time.Time {
	switch {
	case r.Work.Called(bos.EffectPowerOn):
		return r.Work.Attempt.At.Add(p.MaxPowerOnWait)
	case r.Work.Called(bos.EffectPowerOffGraceful), r.Work.Called(bos.EffectPowerOffForceful):
		return r.Work.Attempt.At.Add(p.MaxPowerOffWait)
	default:
		return time.Time{}
	}
}

// freshProbe is when to probe a node of which nothing is known that could be
// acted on: at once, but after an action that was just accepted not before it
// can show, and after one that was put off when it may be tried again.
func freshProbe(r bos.Record, o Observation, p bos.Policy, now time.Time) time.Time {
	if retry := r.Work.BackOff.Until; now.Before(retry) && !o.Power.Asked.IsZero() {
		if polled := now.Add(max(p.Polling, time.Second)); polled.Before(retry) {
			return polled
		}
		return retry
	}
	if o.Power.Asked.IsZero() || !o.Power.Asked.Before(r.Work.Attempt.At) || !underWay(r, p, now) {
		return now
	}
	return nextProbe(r, o, p, now, actionDeadline(r, p))
}

// minPace is the shortest time between two probes of a change whose time is known
// from other nodes, or is being found out.
const minPace = 100 * time.Millisecond

// nextProbe is when to look for the effect of a power action. Where the pace of other
// nodes is known: when they had changed, then often, then ever more rarely. Where it is
// not: a scout is probed often, and so learns the pace to an eighth; the other nodes
// wait for that, and are probed rarely in case no scout changes. The wait ends with
// a probe from after the deadline, as the node may have changed since the one before.
func nextProbe(r bos.Record, o Observation, p bos.Policy, now, deadline time.Time) time.Time {
	polling := max(p.Polling, time.Second)
	elapsed := now.Sub(sentAt(r))
	var wait time.Duration
	switch first := o.Expect; {
	case first > 0 && o.Power.Asked.Sub(sentAt(r)) < first: // not probed since it may show
		wait = min(max(first-elapsed, 0), polling)
	case first > 0:
		wait = min(max((elapsed-first)/2, first/16, minPace), polling)
	case o.Scouted:
		wait = max(polling-elapsed, 2*elapsed)
	default:
		wait = min(max(minProbe-elapsed, elapsed/8, minPace), polling)
	}
	at := now.Add(wait)
	if now.Before(deadline) && deadline.Before(at) {
		return deadline
	}
	if !now.Before(deadline) {
		return now
	}
	return at
}
