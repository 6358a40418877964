package decide

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// await waits for a power action that was accepted and has not shown. Half-way
// to the deadline it is sent once more: BMCs accept resets and drop them, and
// one that is asked for what it has done already does nothing. Both belong to
// the same attempt (ADR 9).
func await(r bos.Record, o Observation, p bos.Policy, now, deadline time.Time) Decision {
	again, why, held := resend(r, o)
	halfway := r.Work.ActionAt.Add(deadline.Sub(r.Work.ActionAt) / 2)
	switch {
	case again == bos.EffectNone || r.Work.Resent || held && !now.Before(halfway):
		return Decision{Next: r, Look: nextLook(r, o, p, now, deadline), Why: why}
	case o.Power.Asked.Before(halfway):
		return Decision{Next: r, Look: nextLook(r, o, p, now, halfway), Why: why}
	default:
		r.Work.Resent = true
		r.Work.InFlight, r.Work.Unanswered, r.Work.FlightAt = again, false, now
		return Decision{Next: r, Effect: bos.Effect{Kind: again}, Why: resent[again]}
	}
}

// resend is what may be sent again of the action under way, why it is waited
// for, and whether the power limits admit no more of its kind now. A graceful
// shutdown is not repeated: what is sent next is the forced one.
func resend(r bos.Record, o Observation) (again bos.EffectKind, why Reason, held bool) {
	switch r.LastAction.Action {
	case bos.ActionPoweringOn:
		return bos.EffectPowerOn, ReasonPowerOnWait, o.HoldOn
	case bos.ActionPowerOffForceful:
		return bos.EffectPowerOffForceful, ReasonPowerOffWait, o.HoldOff
	case bos.ActionNone, bos.ActionNewlyDiscovered, bos.ActionSessionSetup, bos.ActionApplyStaged,
		bos.ActionActualStateCleanup, bos.ActionPowerOffGraceful:
		return bos.EffectNone, ReasonPowerOffWait, false
	default:
		return bos.EffectNone, ReasonPowerOffWait, false
	}
}

// resent is why an action is sent again.
var resent = map[bos.EffectKind]Reason{
	bos.EffectPowerOn:          ReasonPowerOnAgain,
	bos.EffectPowerOffForceful: ReasonPowerOffForceAgain,
}

// sentAt is when the power action under way was sent, or sent again.
func sentAt(r bos.Record) time.Time {
	if r.Work.Resent {
		return r.Work.FlightAt
	}
	return r.Work.ActionAt
}
