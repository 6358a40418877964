package decide

import (
	"cmp"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TurnsAway reports whether a target did not take a power action now, for a
// reason of its own: it asked to come back later, or was not to be reached for
// it. That costs no attempt and must not go on for ever.
func TurnsAway(res bos.CallResult) bool {
	return (res.Outcome == bos.CallBusy || res.Outcome == bos.CallNotAttempted) &&
		res.Cause != bos.CauseNone && res.Cause != bos.CauseUpstreamOutage && res.Cause != bos.CauseTransition
}

// Away reports whether a target that turned an action away is evidence of an
// outage: it cannot, rather than that it will not in its present state, or that
// somebody keeps the node from being touched.
func Away(res bos.CallResult) bool {
	return TurnsAway(res) && res.Cause != bos.CauseNotReady && !held(res.Cause)
}

// Shared is a result as it is to be read when away of all known targets turn
// power actions away: what hits so many at once is an outage, and no node is given
// up for it.
func Shared(res bos.CallResult, away, all int) bos.CallResult {
	if Away(res) && away >= outageMin && float64(away) >= outageShare*float64(all) {
		res.Cause = bos.CauseUpstreamOutage
	}
	return res
}

// ManyUnheard reports whether of the targets that were asked for a power action
// lately so many did not answer that it is an outage.
func ManyUnheard(unheard, asked int) bool {
	return unheard >= outageMin && float64(unheard) >= outageShare*float64(asked)
}

// turnAway charges a node with the wait that its target has brought about.
func turnAway(r bos.Record, res bos.CallResult, now time.Time) bos.Record {
	if TurnsAway(res) {
		r.Work.Patience.Deferred += r.Work.BackOff.Until.Sub(now)
	}
	return r
}

// turnedAwayTooLong reports whether the waits that are over add up to
// max_unreachable_time. That of the last answer is left to pass: whoever asked to
// come back is asked again first.
func turnedAwayTooLong(r bos.Record, p bos.Policy, now time.Time) bool {
	return r.Work.Patience.Deferred-r.Work.BackOff.Until.Sub(now) >= p.MaxUnreachable
}

func turnedAwayText(r bos.Record, name string, p bos.Policy) string {
	said := cmp.Or(r.Work.Waiting.Detail, "nothing more")
	return fmt.Sprintf("gave up on %s, which has not taken a %s for max_unreachable_time (%s): %s (last answer: %s)",
		bos.BMCOf(r.ID), name, p.MaxUnreachable, r.Work.Cause.Sentence(), said)
}
