package decide

import (
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// lostGrace is how long a node may be off in mid-boot before that counts: some
	// machines switch themselves off and on in POST.
	lostGrace = 30 * time.Second
	// againFresh is for how long a node that could not load its image is taken to be
	// still at that. One that asks again does so every half minute or so.
	againFresh = 5 * time.Minute
)

// trail is what the node has fetched of the boot script of the boot under way. What it
// fetched before it was powered on is of a boot before: one that starts anew again and
// again has the script of the next boot as soon as it is written.
func (o Observation) trail(r bos.Record) bos.Trail {
	if o.Trail.Token == "" || o.Trail.Token != r.DesiredState.BSSToken || o.Trail.Last.Before(r.Work.Attempt.At) {
		return bos.Trail{}
	}
	return o.Trail
}

// cannotLoad reports whether the node cannot load or start its image.
func (o Observation) cannotLoad(r bos.Record, now time.Time) bool {
	t := o.trail(r)
	return t.Again > 0 && now.Sub(t.Last) < againFresh
}

// waitForBoot is the record of a node that is on and boots, with what it is known to
// wait for.
func waitForBoot(r bos.Record, o Observation, now time.Time) bos.Record {
	if o.cannotLoad(r, now) {
		r.Work.Cause = bos.CauseImageNotLoaded
		r.Wait(bos.Waiting{For: bos.WaitImage, Cause: bos.CauseImageNotLoaded, Detail: imageOf(r)})
	}
	return setPhase(r, bos.PhasePoweringOn, now)
}

// imageOf names what a node loads.
func imageOf(r bos.Record) string {
	a := r.DesiredState.BootArtifacts
	text := "kernel " + bos.Unsigned(a.Kernel)
	if a.Initrd != "" {
		text += ", initrd " + bos.Unsigned(a.Initrd)
	}
	return text
}

// unreported is why a node that is on has not reported a boot, by what it fetched.
func unreported(r bos.Record, o Observation, now time.Time) bos.Cause {
	switch t := o.trail(r); {
	case o.cannotLoad(r, now):
		return bos.CauseImageNotLoaded
	case t.Fetched-t.Again > 1:
		return bos.CauseBootRestarts
	case t.Fetched > 0:
		return bos.CauseNoReport
	case o.Scripted:
		return bos.CauseNoBootScript
	default:
		return bos.CauseBootTimeout
	}
}

// bootTimedOut gives a boot up of which nothing was heard, or the wrong thing.
func bootTimedOut(r bos.Record, o Observation, p bos.Policy, now time.Time) bos.Record {
	if !r.ActualState.BootArtifacts.Empty() {
		r.Work.Cause = bos.CauseWrongImage
		r.SetError(fmt.Sprintf("runs kernel %s instead of %s: %s",
			r.ActualState.BootArtifacts.Kernel, r.DesiredState.BootArtifacts.Kernel, bos.CauseWrongImage.Sentence()))
		return withoutEffect(r)
	}
	cause := unreported(r, o, now)
	text := fmt.Sprintf("no report of a boot within max_boot_wait_time (%s) of power-on %d: %s",
		p.MaxBootWait, r.EventStats.PowerOnAttempts, cause.Sentence())
	switch cause {
	case bos.CauseImageNotLoaded:
		text += " (" + imageOf(r) + ")"
	case bos.CauseBootRestarts:
		text += fmt.Sprintf(" (it was given the script %d times)", o.Trail.Fetched)
	default: // the sentence says it all
	}
	text += unproven(r, o, p)
	r.EndWait()
	r.Work.Cause = cause
	r.SetError(text)
	return withoutEffect(r)
}

// cameOn reports whether a node that is off has had power since it was powered on.
func (o Observation) cameOn(r bos.Record) bool {
	return r.Work.Called(bos.EffectPowerOn) && (o.SeenOn.After(r.Work.Attempt.At) || o.trail(r).Fetched > 0)
}

// awaitOn is what happens to a node that was powered on and is off: it is waited for,
// or the power-on is noted as one without effect, and why. One that came on and went
// off, which nobody here has asked for, is not powered on again within its attempt.
func awaitOn(r bos.Record, o Observation, p bos.Policy, now time.Time) (d Decision, wait bool) {
	if !o.cameOn(r) {
		deadline := r.Work.Attempt.At.Add(p.MaxPowerOnWait)
		if o.Power.Asked.Before(deadline) {
			return awaitEffect(r, o, p, now, deadline, ReasonPowerOnWait), true
		}
		r = withoutEffect(r)
		r.Work.Cause = bos.CauseResetIgnored
		r.SetError(fmt.Sprintf("still off max_power_on_wait_time (%s) after power-on %d: %s",
			p.MaxPowerOnWait, r.EventStats.PowerOnAttempts, bos.CauseResetIgnored.Sentence()))
		return Decision{Next: r}, false
	}
	last := o.SeenOn
	if fetched := o.trail(r).Last; fetched.After(last) {
		last = fetched
	}
	deadline := last.Add(lostGrace)
	if o.Power.Asked.Before(deadline) {
		return Decision{Next: r, Probe: nextProbe(r, o, p, now, deadline), Why: ReasonPowerOnWait}, true
	}
	r = withoutEffect(r)
	r.EndWait()
	r.Work.Cause = bos.CausePowerLost
	text := fmt.Sprintf("off again after power-on %d: %s", r.EventStats.PowerOnAttempts, bos.CausePowerLost.Sentence())
	if o.trail(r).Fetched > 0 {
		text += " (it had fetched its boot script)"
	}
	r.SetError(text)
	return Decision{Next: r}, false
}
