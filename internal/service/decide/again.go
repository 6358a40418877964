package decide

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// repeats are the actions that are sent once more, and why that is said to be. A
// graceful shutdown is not repeated: what is sent next is the forced one.
var repeats = map[bos.EffectKind]Reason{
	bos.EffectPowerOn:          ReasonPowerOnAgain,
	bos.EffectPowerOffForceful: ReasonPowerOffForceAgain,
}

// awaitEffect waits for a power action that was accepted and has not shown. Half-way
// to the deadline it is sent once more, in its turn where the power limits hold its kind
// back, and not at all if that does not come before the deadline: BMCs accept resets and drop them, and one that is asked for what it has
// done already does nothing. Both belong to the same attempt (ADR 9). A probe that
// was asked for before the deadline and answered after it brings about neither.
func awaitEffect(r bos.Record, o Observation, p bos.Policy, now, deadline time.Time, why Reason) Decision {
	kind := r.Work.Attempt.Kind
	again, repeated := repeats[kind]
	stops := o.Gate.Admit(&r, kind)
	halfway := r.Work.Attempt.At.Add(deadline.Sub(r.Work.Attempt.At) / 2)
	switch {
	case !repeated || r.Work.Attempt.Resent || !asPrepared(r, p) || !now.Before(deadline):
		return Decision{Next: r, Probe: nextProbe(r, o, p, now, deadline), Why: why}
	case o.Power.Asked.Before(halfway):
		return Decision{Next: r, Probe: nextProbe(r, o, p, now, halfway), Why: why}
	case stops == bos.WaitPowerLimits && !now.Before(r.Work.BackOff.Until):
		return Decision{Next: r, Probe: nextProbe(r, o, p, now, deadline), Why: ReasonRampWait}
	case stops != bos.WaitNone || now.Before(r.Work.BackOff.Until):
		return Decision{Next: r, Probe: nextProbe(r, o, p, now, deadline), Why: why}
	default:
		r = endBackOff(r)
		r.EndWait()
		r.Work.Attempt.Resent = true
		r.Work.Unseen = sentAgain(r, now)
		r.Work.Flight = bos.Flight{Kind: kind, At: now}
		return Decision{Next: r, Effect: bos.Effect{Kind: kind}, Why: again}
	}
}

// asPrepared reports whether a power-on under way would still boot what is desired.
// One that would not is not sent again: the next one is prepared anew.
func asPrepared(r bos.Record, p bos.Policy) bool {
	if r.Work.Attempt.Kind != bos.EffectPowerOn {
		return true
	}
	r.Work.Prepared = r.Work.Attempt.Prepared
	return r.BootPrepared() && (!p.Configures || r.ConfigurationPrepared())
}

// sentAt is when the power action under way was sent, or sent again.
func sentAt(r bos.Record) time.Time {
	if r.Work.Attempt.Resent {
		return r.Work.Flight.At
	}
	return r.Work.Attempt.At
}
