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
	return !r.Work.Attempt.Doubtful && r.Work.Attempt.Prepared.Boot == bos.PreparedBoot(r.DesiredState.BootArtifacts)
}

// otherMayShow reports whether a power-on for something else than what is prepared was
// sent that may yet start the node: that it is off does not say that it was dropped.
func otherMayShow(r bos.Record, prepared bos.Prepared, p bos.Policy, now time.Time) bool {
	before := r.Work.Unseen
	return before.Kind == bos.EffectPowerOn && before.Boot != prepared.Boot && now.Before(showsBy(before, p))
}

// neverProven reports whether nothing will tell what a node runs that is on after two
// power-ons for different things: only a report of its own would.
func neverProven(r bos.Record, p bos.Policy) bool {
	kind := r.BootProof(p.BootProof).Kind
	return r.Work.Attempt.Doubtful && kind != "" && kind != bos.ProofReport && r.ActualState.BootArtifacts.Empty()
}

// bootAnew gives a boot up of which nothing would tell what it is of. That costs no
// attempt, and comes once: the power-off that follows ends the doubt.
func bootAnew(r bos.Record, p bos.Policy) bos.Record {
	r = returnAttempt(withoutEffect(r), bos.EffectPowerOn)
	r.EndWait()
	r.SetError("was powered on for something else shortly before, and " + r.BootProof(p.BootProof).String() + " does not say which of both it runs, so it is booted anew")
	return r
}

// reportedSince reports whether the actual state is of the boot under way: dates have
// whole seconds, and one of the same second is.
func reportedSince(r bos.Record) bool {
	return !r.ActualState.BootArtifacts.Empty() && !r.ActualState.LastUpdated.Before(r.LastAction.LastUpdated.Time)
}

// proofPatience bounds how long a power-on waits for the proof of its boot: for an
// answer, and for one that is there while the node is off to go.
const proofPatience = 15 * time.Second

// proofRetry is the time between two questions for a proof that is there while the node
// is off.
const proofRetry = 2 * time.Second

// hasProof reports whether the boot of a node has a proof that somebody is to be asked
// for.
func hasProof(r bos.Record, p bos.Policy) bool {
	return p.Proofs && r.Enabled && r.Goal == bos.GoalBoot && r.BootProof(p.BootProof).Asked() && !runs(r)
}

// awaitProof keeps a power-on back until it is known whether the proof of its boot is
// missing, as it must have been to prove anything. What is seen before the power-on is
// stored with it: a service that stops right after it need not have seen it since.
func awaitProof(r bos.Record, o Observation, p bos.Policy, now time.Time) (Decision, bool) {
	if !hasProof(r, p) {
		return Decision{}, false
	}
	var until time.Time
	switch seen, known := seenWhileOff(r, o, p); {
	case !known && o.ProofAsked.IsZero():
		until = now.Add(proofPatience)
	case !known:
		until = o.ProofAsked.Add(proofPatience)
	case seen.Sight == bos.ProofPresent:
		until = o.FirstOff.Add(proofPatience)
		r.Wait(bos.Waiting{For: bos.WaitProof, Detail: seen.Detail})
	default:
		return Decision{}, false
	}
	return Decision{Next: r, Probe: pollProbe(p, now), Wake: until, Why: ReasonProofWait}, now.Before(until)
}

// seenWhileOff is what was seen of the proof of the boot to come, if it was seen since
// the last action. One that is there counts as seen only if the node was off by then.
func seenWhileOff(r bos.Record, o Observation, p bos.Policy) (seen bos.ProofReading, known bool) {
	seen = o.Proof
	known = seen.Proof == r.BootProof(p.BootProof) && !seen.Asked.IsZero() && !seen.Asked.Before(r.Work.Attempt.At)
	if seen.Sight == bos.ProofPresent {
		known = known && !o.OffSince.IsZero() && !seen.Asked.Before(o.OffSince)
	}
	return seen, known
}

// withSeen is a power-on of a node with what was seen of the proof of its boot before:
// that it was missing, or that it is another machine's. What the inventory says of a
// node that is off may be late, and is nobody else's. Where nothing could be learned now,
// what was seen with the power-on before still holds: the node has not booted since.
func withSeen(a bos.Attempt, r bos.Record, o Observation, p bos.Policy) bos.Attempt {
	seen, known := seenWhileOff(r, o, p)
	switch before, proof := r.Work.Attempt, r.BootProof(p.BootProof); {
	case !hasProof(r, p):
	case !known || seen.Sight == bos.ProofUnknown:
		if before.Missed(proof) {
			a.Quiet, a.Proof = true, proof
		}
	default:
		a.Quiet = seen.Sight == bos.ProofAbsent
		a.Foreign = seen.Sight == bos.ProofPresent && seen.Proof.Kind == bos.ProofTCP
		if a.Quiet || a.Foreign {
			a.Proof = seen.Proof
		}
	}
	return a
}

// takeProof takes in what was seen of the proof of a boot since its power-on. One that is
// there counts only where it has been missing: what has answered all the time is not
// this node, or it was never off, whatever its BMC says.
func takeProof(r bos.Record, o Observation, p bos.Policy) bos.Record {
	seen := o.Proof
	if !asksProof(r, p) || seen.Asked.IsZero() || seen.Asked.Before(r.Work.Attempt.At) || seen.Proof != r.BootProof(p.BootProof) {
		return r
	}
	switch seen.Sight {
	case bos.ProofAbsent:
		r.Work.Attempt.Quiet, r.Work.Attempt.Proof, r.Work.Attempt.Foreign = true, seen.Proof, false
	case bos.ProofPresent:
		if !r.Work.Attempt.Missed(seen.Proof) || o.Power.State != bos.PowerStateOn {
			return r
		}
		if next, err := Proven(r, o.Wall); err == nil {
			return next
		}
	case bos.ProofUnknown:
	}
	return r
}

// asksProof reports whether the boot of a node that was powered on has a proof that is
// to be asked for.
func asksProof(r bos.Record, p bos.Policy) bool {
	return hasProof(r, p) && r.Work.Called(bos.EffectPowerOn) && poweredOnFor(r) && !r.Work.Attempt.Strange(r.BootProof(p.BootProof))
}

// withProof adds to a decision when to ask for the proof of the boot: while the node is
// off, until it is known whether it is missing, and from time to time once the node was
// powered on.
func withProof(d Decision, o Observation, p bos.Policy, now time.Time) Decision {
	r, again := d.Next, max(p.Polling, time.Second)
	var last time.Time // after which to ask again; zero is to ask now
	switch {
	case asksProof(r, p):
		if seen := o.Proof; !seen.Asked.Before(r.Work.Attempt.At) && seen.Proof == r.BootProof(p.BootProof) {
			last = seen.Answered
		} else if r.Work.Attempt.Missed(r.BootProof(p.BootProof)) {
			last = r.Work.Attempt.At
		}
	case o.Power.State == bos.PowerStateOff && hasProof(r, p) && !r.Work.Called(bos.EffectPowerOn):
		seen, known := seenWhileOff(r, o, p)
		if known && seen.Sight == bos.ProofAbsent {
			return d
		}
		if known {
			last = seen.Answered
		}
		if known && seen.Sight == bos.ProofPresent {
			again = proofRetry
		}
	default:
		return d
	}
	if d.ProbeProof = now; !last.IsZero() {
		d.ProbeProof = later(last.Add(again), now)
	}
	return d
}

// ForeignProof says of a proof that it is another machine's, with what was seen of it.
func ForeignProof(proof bos.BootProof, seen string) string {
	text := fmt.Sprintf("%s proves no boot of it, as it was there while the node was off, so it is another machine's; correct the address of the node, or of its BMC", proof)
	return bos.WithLastAnswer(text, seen)
}

// unproven is what is known of a proof that did not come, for the error of a boot that
// timed out; empty where none was to be asked for.
func unproven(r bos.Record, o Observation, p bos.Policy) string {
	proof, seen := r.BootProof(p.BootProof), o.Proof
	switch {
	case r.Work.Attempt.Strange(proof):
		return "; " + ForeignProof(proof, "")
	case !asksProof(r, p):
		return ""
	case seen.Asked.Before(r.Work.Attempt.At) || seen.Proof != proof || seen.Sight == bos.ProofUnknown:
		return fmt.Sprintf("; it is not known whether %s proves the boot: %s", proof, cmp.Or(seen.Detail, "nobody could be asked"))
	case seen.Sight == bos.ProofAbsent:
		return fmt.Sprintf("; %s does not prove it either: %s", proof, seen.Detail)
	default:
		return fmt.Sprintf("; %s proves nothing, as it was never missing since the node was off (%s): correct the address of the node, or of its BMC", proof, seen.Detail)
	}
}
