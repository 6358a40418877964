package decide

import (
	"cmp"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxGracefulWait bounds the wait before a graceful power-off is asked for again, also
// where the BMC wishes for more: it has max_power_off_wait_time in all.
const maxGracefulWait = maxBackOff

// defersGraceful reports whether an answer says no more than that a graceful power-off is
// not taken now. That is every answer but one that it is not supported: BMCs refuse
// it with any status while they start, in POST and while they are busy. A target
// that was not reached, or whose service was not, has not been asked.
func defersGraceful(kind bos.EffectKind, res bos.CallResult) bool {
	if kind != bos.EffectPowerOffGraceful {
		return false
	}
	return res.Outcome == bos.CallRefused || res.Outcome == bos.CallBusy && Defers(res) && !held(res.Cause)
}

// held reports whether a cause is that somebody keeps the node from being touched,
// which says nothing of its BMC.
func held(cause bos.Cause) bool {
	return cause == bos.CauseLocked || cause == bos.CauseReserved || cause == bos.CauseBMCDisabled
}

// retryGraceful gives a graceful power-off that was not taken now back, to be asked for
// again, and charges the wait to the time it has.
func retryGraceful(r bos.Record, res bos.CallResult, now time.Time) bos.Record {
	res.RetryAfter = min(res.RetryAfter, maxGracefulWait)
	r = giveBack(r, bos.EffectPowerOffGraceful)
	r = backOff(r, res, bos.CauseResetRefused, now)
	r.Work.Patience.Graceful += r.Work.BackOff.Until.Sub(now)
	r.Work.BackOff.PutOff = r.Work.Cause
	return waitToRetry(r, res)
}

// gracefulOver reports whether a graceful power-off was asked for again and not taken
// until its time was over.
func gracefulOver(r bos.Record, p bos.Policy) bool {
	return r.Work.BackOff.Setbacks > 1 && r.Work.Patience.Graceful >= p.MaxPowerOffWait
}

// keepUnanswered notes that nobody said what became of a call. A graceful power-off is
// waited for as one that was taken, as force must not come before its time;
// of others the power tells after a grace.
func keepUnanswered(r bos.Record, kind bos.EffectKind, res bos.CallResult, now time.Time) bos.Record {
	r.Work.Attempt.Answer = cmp.Or(res.Detail, bos.CauseResetUnconfirmed.Sentence())
	if kind == bos.EffectPowerOffGraceful {
		r.Work.Flight.Kind = bos.EffectNone
		return r
	}
	r.Work.Flight.Unanswered, r.Work.Flight.At = true, now
	if !r.Work.Attempt.Resent {
		r.Work.Cause = bos.CauseResetUnconfirmed
	}
	return r
}

// waitUnconfirmed shows what came instead of the answer to the power-off under way.
func waitUnconfirmed(r bos.Record) bos.Record {
	if r.Work.Attempt.Answer == "" {
		return r
	}
	r.Wait(bos.Waiting{For: bos.WaitPowerOff, Detail: r.Work.Attempt.Answer})
	return r
}
