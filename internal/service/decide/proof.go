package decide

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// ErrNotBooting is why a proof of a boot is not taken: it would be one of the boot
// before.
var ErrNotBooting = errors.New("BOS has not powered it on yet for what it is to boot, so this can only be of the boot before; say it again when the node is up")

// ErrOtherBoot is why a proof of a boot is not taken: the node has said itself what it
// booted.
var ErrOtherBoot = errors.New("the node has reported that it booted something else than it should, which nobody knows better")

// ErrOtherImage is why a proof of a boot is not taken: it says that the node booted, and
// not what, and something else is wanted of it since it was powered on.
var ErrOtherImage = errors.New("it was powered on before it was to run what it is to run now, so that it is up does not say that it does")

// UnprovenErrors lists why a proof is not taken.
func UnprovenErrors() []error { return []error{ErrNotBooting, ErrOtherBoot, ErrOtherImage} }

// Proven is the record of a node that something else than its report shows to have
// booted: it runs what it was powered on for. This must be known to have been seen
// after the power-on, before which the node was off. A node that nothing is waited for
// is left as it is.
func Proven(r bos.Record, wall time.Time) (bos.Record, error) {
	switch {
	case !r.Enabled || r.Goal != bos.GoalBoot:
		return r, nil
	case !r.Work.Called(bos.EffectPowerOn):
		return r, ErrNotBooting
	case runs(r):
		return r, nil
	case reportedSince(r):
		return r, ErrOtherBoot
	case !poweredOnFor(r):
		return r, ErrOtherImage
	}
	r.ActualState = bos.ActualState{
		BootArtifacts: r.DesiredState.BootArtifacts, BSSToken: r.DesiredState.BSSToken, LastUpdated: bos.At(wall),
	}
	return r, nil
}

// poweredOnFor reports whether a node was powered on for what it shall run now.
func poweredOnFor(r bos.Record) bool {
	return r.Work.Attempt.Prepared.Boot == bos.PreparedBoot(r.DesiredState.BootArtifacts)
}

// reportedSince reports whether the actual state is of the boot under way: dates have
// whole seconds, and one of the same second is.
func reportedSince(r bos.Record) bool {
	return !r.ActualState.BootArtifacts.Empty() && !r.ActualState.LastUpdated.Before(r.LastAction.LastUpdated.Time)
}

// takeProof takes in what was seen of the proof of a boot. One that is there counts only
// where it has been missing since the power-on: what has answered all the time is not
// this node, or it was never off, whatever its BMC says.
func takeProof(r bos.Record, o Observation, p bos.Policy) bos.Record {
	seen := o.Proof
	if !asksProof(r, p) || seen.Asked.IsZero() || seen.Asked.Before(r.Work.Attempt.At) || seen.Proof != r.BootProof(p.BootProof) {
		return r
	}
	switch seen.Sight {
	case bos.ProofAbsent:
		r.Work.Attempt.Quiet = true
	case bos.ProofPresent:
		if !r.Work.Attempt.Quiet || o.Power.State != bos.PowerStateOn {
			return r
		}
		if next, err := Proven(r, o.Wall); err == nil {
			return next
		}
	case bos.ProofUnknown:
	}
	return r
}

// asksProof reports whether the boot of a node has a proof that is to be asked for.
func asksProof(r bos.Record, p bos.Policy) bool {
	return p.Proofs && r.Enabled && r.Goal == bos.GoalBoot && r.Work.Called(bos.EffectPowerOn) && r.BootProof(p.BootProof).Asked() && !runs(r) && poweredOnFor(r)
}

// withProof adds to a decision when to ask for the proof of the boot: right when the
// node is powered on, when it must be missing, and then from time to time.
func withProof(d Decision, o Observation, p bos.Policy, now time.Time) Decision {
	if !asksProof(d.Next, p) {
		return d
	}
	d.ProbeProof = now
	if last := o.Proof; !last.Asked.Before(d.Next.Work.Attempt.At) && last.Proof == d.Next.BootProof(p.BootProof) {
		if next := last.Answered.Add(max(p.Polling, time.Second)); next.After(now) {
			d.ProbeProof = next
		}
	}
	return d
}

// unproven is what is known of a proof that did not come, for the error of a boot that
// timed out; empty where none was to be asked for.
func unproven(r bos.Record, o Observation, p bos.Policy) string {
	if !asksProof(r, p) {
		return ""
	}
	proof, seen := r.BootProof(p.BootProof), o.Proof
	switch {
	case seen.Asked.Before(r.Work.Attempt.At) || seen.Proof != proof || seen.Sight == bos.ProofUnknown:
		return fmt.Sprintf("; it is not known whether %s proves the boot: %s", proof, cmp.Or(seen.Detail, "nobody could be asked"))
	case seen.Sight == bos.ProofAbsent:
		return fmt.Sprintf("; %s does not prove it either: %s", proof, seen.Detail)
	default:
		return fmt.Sprintf("; %s proves nothing, as it was never missing since the power-on (%s): correct the address of the node, or of its BMC", proof, seen.Detail)
	}
}
