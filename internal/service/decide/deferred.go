package decide

import (
	"cmp"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Defers reports whether a target did not take a power action now, for a reason of its
// own: it asked to come back later, or it was not reached for it. A deferral costs no
// attempt and must not go on for ever. A node that is locked or reserved waits for as
// long as it is.
func Defers(res bos.CallResult) bool {
	return (res.Outcome == bos.CallBusy || res.Outcome == bos.CallNotAttempted) &&
		res.Cause != bos.CauseNone && res.Cause != bos.CauseUpstreamOutage && res.Cause != bos.CauseTransition && !kept(res.Cause)
}

// kept reports whether somebody keeps a node from being touched, on purpose.
func kept(cause bos.Cause) bool { return cause == bos.CauseLocked || cause == bos.CauseReserved }

// DefersByInability reports whether a deferral is evidence of an outage: the target
// could not take the action. One that says that it does not in its present state, or
// whose node is locked, is well.
func DefersByInability(res bos.CallResult) bool {
	return Defers(res) && res.Cause != bos.CauseNotReady && !held(res.Cause)
}

// Shared is a result as it is to be read when so many of all known targets defer
// power actions: for a fifth of them, and three at least, the cause is an outage, and
// no node is given up for it.
func Shared(res bos.CallResult, deferring, all int) bos.CallResult {
	if DefersByInability(res) && deferring >= outageMin && float64(deferring) >= outageShare*float64(all) {
		res.Cause = bos.CauseUpstreamOutage
	}
	return res
}

// ManyUnanswered reports whether so many of the power actions of late went unanswered
// that the cause is an outage.
func ManyUnanswered(unanswered, asked int) bool {
	return unanswered >= outageMin && float64(unanswered) >= outageShare*float64(asked)
}

// chargeDeferral notes that the back-off is one after a deferral. It counts when the
// action is tried again (endBackOff): a target that asked to come back later is asked
// again before its node is given up.
func chargeDeferral(r bos.Record, res bos.CallResult, now time.Time) bos.Record {
	if Defers(res) {
		r.Work.BackOff.Deferral = r.Work.BackOff.Until.Sub(now)
	}
	return r
}

// endBackOff is the record when its action is tried again.
func endBackOff(r bos.Record) bos.Record {
	r.Work.Patience.Deferred += r.Work.BackOff.Deferral
	r.Work.BackOff.Until, r.Work.BackOff.Deferral = time.Time{}, 0
	return r
}

// deferredTooLong reports whether the back-offs after which a target deferred again add
// up to max_unreachable_time.
func deferredTooLong(r bos.Record, p bos.Policy) bool {
	return r.Work.BackOff.Deferral > 0 && r.Work.Patience.Deferred >= p.MaxUnreachable
}

func deferredText(r bos.Record, name string, p bos.Policy) string {
	said := cmp.Or(r.Work.Waiting.Detail, "nothing more")
	return fmt.Sprintf("gave up on %s, which has not taken a %s for max_unreachable_time (%s): %s (last answer: %s)",
		bos.BMCOf(r.ID), name, p.MaxUnreachable, r.Work.Cause.Sentence(), said)
}
