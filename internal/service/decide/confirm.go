package decide

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxLost bounds the attempts that a component gets back for calls of which the
// service did not live to know whether they were sent. Each has cost it a grace,
// so a service that crashes for ever gives its nodes up after a quarter of an hour
// or more, and one that is killed fifty times in a reboot gives up none.
const maxLost = 100

// confirm judges a power call whose answer is not known (a crash, a lost
// connection) by the power state. It waits out the grace, and then either the
// call shows or it counts as failed and is tried again.
func confirm(r bos.Record, o Observation, p bos.Policy, now time.Time) (bos.Record, bool) {
	state := o.Power.State
	kind := r.Work.Flight.Kind
	if kind == bos.EffectNone {
		return r, false
	}
	if showsEffect(kind, state) {
		r.Work.Flight.Kind = bos.EffectNone
		return r, false
	}
	if now.Before(flightAt(r).Add(p.ConfirmGrace)) {
		return r, true
	}
	r.Work.Flight.Kind = bos.EffectNone
	if r.Work.Attempt.Kind == kind && !r.Work.Attempt.Resent {
		r = withoutEffect(r)
		r.Work.Cause = bos.CauseResetUnconfirmed
		r = giveBackLost(r, kind)
		if r.Work.Flight.Unanswered {
			r = settleUnanswered(r, kind, o.ManyUnanswered, now)
		}
	}
	return r, false
}

// settleUnanswered settles a call that was sent and not answered and that has done
// nothing. The next one waits, longer each time: what cannot answer now may do so
// in a while. Where many go unanswered at once it is the upstream that does not
// answer, and the attempt is given back.
func settleUnanswered(r bos.Record, kind bos.EffectKind, many bool, now time.Time) bos.Record {
	cause := bos.CauseResetUnconfirmed
	if many && r.Work.Misses.Excused < maxLost {
		cause = bos.CauseUpstreamOutage
		r.Work.Misses.Excused++
		r = returnAttempt(r, kind)
	}
	res := bos.CallResult{Cause: cause, Detail: r.Work.Attempt.Answer, RetryAfter: unansweredWait(r.Work.Misses.Unanswered)}
	r.Work.Misses.Unanswered++
	r = backOff(r, res, cause, now)
	return waitToRetry(r, res)
}

// unansweredWait is how long a node is left alone after calls that nobody answered.
func unansweredWait(before int) time.Duration {
	wait := 10 * time.Second
	for range min(before, 2) {
		wait *= 6
	}
	return min(wait, 4*maxBackOff)
}

// giveBackLost returns the attempt of a call that the service may never have
// sent, and that has done nothing: that the service stopped is no fault of the
// node's. What was stored for the boot is stored again before the next one.
func giveBackLost(r bos.Record, kind bos.EffectKind) bos.Record {
	if r.Work.Flight.Unanswered || r.Work.Attempt.Kind == bos.EffectNone || r.Work.Misses.Lost >= maxLost {
		return r
	}
	r.Work.Misses.Lost++
	return returnAttempt(r, kind)
}

// flightAt is when what is in flight was started.
func flightAt(r bos.Record) time.Time {
	if r.Work.Flight.At.IsZero() {
		return r.Work.Attempt.At
	}
	return r.Work.Flight.At
}

func showsEffect(kind bos.EffectKind, state bos.PowerState) bool {
	if kind == bos.EffectPowerOn {
		return state == bos.PowerStateOn || state == bos.PowerStatePoweringOn
	}
	return state == bos.PowerStateOff || state == bos.PowerStatePoweringOff
}
