package decide

import (
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Reason says why Decide decided what it did: a log attribute, the kind of an
// event, a metric label.
type Reason string

// The reasons.
const (
	ReasonDisabled           Reason = "disabled"
	ReasonProbe              Reason = "power_unknown_look"
	ReasonHold               Reason = "hold"
	ReasonUnreachable        Reason = "unreachable"
	ReasonAlreadyFailed      Reason = "already_failed"
	ReasonDone               Reason = "desired_state_reached"
	ReasonWriteBoot          Reason = "write_boot_parameters"
	ReasonPowerOn            Reason = "power_on"
	ReasonPowerOnWait        Reason = "power_on_wait"
	ReasonBootWait           Reason = "boot_wait"
	ReasonPowerOnAgain       Reason = "power_on_again"
	ReasonPowerOff           Reason = "power_off_graceful"
	ReasonPowerOffForce      Reason = "power_off_forceful"
	ReasonPowerOffForceAgain Reason = "power_off_forceful_again"
	ReasonPowerOffWait       Reason = "power_off_wait"
	ReasonConfiguring        Reason = "configuring"
	ReasonConfigure          Reason = "set_configuration"
	ReasonConfigFailed       Reason = "configuration_failed"
	// ReasonExcluded: there is nothing that its session could do to it.
	ReasonExcluded    Reason = "excluded"
	ReasonRetryWait   Reason = "retry_wait"
	ReasonConfirmWait Reason = "confirm_wait"
	ReasonGivenBack   Reason = "attempt_given_back"
	// ReasonPutOff is that a power action is not taken now and is asked for again,
	// ReasonTaken that one which was put off is.
	ReasonPutOff   Reason = "put_off"
	ReasonTaken    Reason = "taken"
	ReasonChanging Reason = "power_changing"
	// ReasonUnseenWait: its power does not show yet what was sent for another work.
	ReasonUnseenWait     Reason = "power_action_unseen"
	ReasonRampWait       Reason = "ramp_wait"
	ReasonProofWait      Reason = "proof_wait"
	ReasonRetriesReached Reason = "retries_exhausted"
	// ReasonStopped: a brake keeps it waiting.
	ReasonStopped Reason = "stopped"
	// ReasonHealthyDeadline: a rollout gives it no more time.
	ReasonHealthyDeadline Reason = "healthy_deadline"
	// ReasonDrain is that it is to be drained, ReasonDrainWait that its jobs are waited for.
	ReasonDrain     Reason = "drain"
	ReasonDrainWait Reason = "drain_wait"
	// ReasonJobsEnded is that it is rebooted although jobs run on it, as the site wants.
	ReasonJobsEnded Reason = "jobs_ended_by_reboot"
	// ReasonClosing is that it runs what it shall, and is not done yet; ReasonReturn that
	// it is given back, ReasonReword that the reason of its drain is another.
	ReasonClosing   Reason = "closing"
	ReasonReturn    Reason = "return_to_service"
	ReasonReword    Reason = "reword_drain"
	ReasonUnhealthy Reason = "unhealthy"
	// ReasonGateWait and ReasonGateOpen are the begin and the end of a wait at the
	// gate, in the history.
	ReasonGateWait Reason = "gate_wait"
	ReasonGateOpen Reason = "gate_open"
	// ReasonProven: something else than its report shows that a node has booted; in the
	// history.
	ReasonProven Reason = "boot_proven"
	// ReasonProofForeign: what is to prove the boot of a node was there while the node
	// was off; in the history.
	ReasonProofForeign Reason = "boot_proof_foreign"
)

// PowerReasons lists the reasons of power actions.
func PowerReasons() []Reason {
	return []Reason{ReasonPowerOn, ReasonPowerOnAgain, ReasonPowerOff, ReasonPowerOffForce, ReasonPowerOffForceAgain}
}

// Acts reports whether the reason is that of a power action.
func (r Reason) Acts() bool { return slices.Contains(PowerReasons(), r) }

// Decision is what shall happen to one component.
type Decision struct {
	// Next is the record to persist before the effect runs; equal to the
	// record decided on if nothing changes.
	Next bos.Record
	// Effect is at most one thing to do.
	Effect bos.Effect
	// Probe is when a new power reading is wanted; zero for never.
	Probe time.Time
	// ProbeConfiguration is when the configuration service is to be asked;
	// zero for never.
	ProbeConfiguration time.Time
	// ProbeProof is when to ask for the proof of the boot; zero for never.
	ProbeProof time.Time
	// ProbeWorkload and ProbeHealth are when to ask the workload manager, and the health
	// check; zero for never.
	ProbeWorkload, ProbeHealth time.Time
	// Wake is when to decide again without new input; zero for never.
	Wake time.Time
	Why  Reason
	// Because is what went wrong before, where a power action follows from it, for
	// the history: the record's error makes room for the action.
	Because string
}

// AwaitsPower reports whether the component waits for its power to change, or
// to become known: what a hint about its power is worth a probe for. One that
// boots waits for its report instead.
func (d Decision) AwaitsPower() bool {
	switch d.Why {
	case ReasonPowerOnWait, ReasonPowerOffWait, ReasonConfirmWait, ReasonHold, ReasonChanging, ReasonUnseenWait, ReasonProbe:
		return true
	case ReasonRampWait:
		return d.Next.Work.Called(d.Next.Work.Attempt.Kind) // the line is one to send an action again
	default:
		return false
	}
}

// Decide says what happens to a component next: the status decision of
// bos-contract section 5 and the power operators in one function. now must be
// in UTC without a monotonic reading, so that records compare.
func Decide(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	return decideAlone(r, o, p, now).within(r, o.Gate, now).telling(r, p, now)
}

// minProbe is the time between an action and the first probe of what it did, where
// nothing is known of others.
const minProbe = 500 * time.Millisecond

// decideAlone is the decision on a component, without regard to the deadline of its
// rollout.
func decideAlone(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	switch {
	case !r.Enabled:
		return Decision{Next: r, Why: ReasonDisabled}
	case r.Status.StatusOverride == bos.StatusFailed:
		return endFailed(r, p, now)
	}
	if why := o.Gate.Admit(&r, bos.EffectNone); why.Stops() {
		return stopped(r, o, p, now, why)
	}
	r = resume(r, now)
	switch {
	case !o.usable(r, p, now):
		return Decision{Next: r, Effect: bootAhead(r, p, now), ProbeWorkload: workloadAhead(r, o, p, now), Probe: freshProbe(r, o, p, now), Why: ReasonProbe}
	case o.Power.Symptom == bos.SymptomChanging && underWay(r, p, now):
		return Decision{Next: r, Probe: nextProbe(r, o, p, now, actionDeadline(r, p)), Why: ReasonChanging}
	case !o.known():
		return hold(r, o, p, now)
	}
	r = seePower(r, o)
	if o.Power.State == bos.PowerStatePoweringOff && (runs(r) || r.Goal == bos.GoalConfigure) {
		return waitForOff(r, o, p, now)
	}
	r = endPowerWait(r, o)
	r, waiting := confirm(r, o, p, now)
	if waiting {
		return Decision{Next: r, Probe: flightAt(r).Add(p.ConfirmGrace), Why: ReasonConfirmWait}
	}
	r = takeProof(settleUndone(r, o, now), o, p)
	if d, wait := awaitUnseen(r, o, p, now); wait {
		return d
	}
	d := converge(undrained(r), o, p, now)
	if d.touches(r, o, p) {
		drained, waiting, wait := drainFirst(r, o, p, now)
		if wait {
			return waiting
		}
		r = drained
		d = converge(r, o, p, now)
	}
	return closing(withProof(d, o, p, now), r, o, p, now)
}

// endPowerWait ends every wait for an observation: the power is known. One for the
// configuration service goes on while the node runs what it should.
func endPowerWait(r bos.Record, o Observation) bos.Record {
	r.Work.Patience.Silent = 0
	if r.Work.Waiting.For == bos.WaitConfiguration && o.Power.State != bos.PowerStateOff && (runs(r) || r.Goal == bos.GoalConfigure) {
		return r
	}
	if r.Status.StatusOverride == bos.StatusOnHold {
		r.Status.StatusOverride = ""
	}
	switch wait := r.Work.Waiting.For; {
	case wait == bos.WaitNone, r.Work.Drain.Waits() && (wait == bos.WaitDrain || wait == bos.WaitWorkload):
	case r.Work.BackOff.Until.IsZero():
		r.EndWait()
		r.Work.Cause = bos.CauseNone
	case wait.AtGate():
		r.EndWait()
	}
	return r
}

// actionOf is the last_action that an effect leaves on the record.
func actionOf(kind bos.EffectKind) bos.Action {
	switch kind {
	case bos.EffectPowerOn:
		return bos.ActionPoweringOn
	case bos.EffectPowerOffGraceful:
		return bos.ActionPowerOffGraceful
	case bos.EffectPowerOffForceful:
		return bos.ActionPowerOffForceful
	case bos.EffectNone, bos.EffectWriteBoot, bos.EffectConfigure, bos.EffectDrain, bos.EffectReword, bos.EffectReturn:
		return bos.ActionNone
	default:
		return bos.ActionNone
	}
}

// converge is rules 3 to 7 of the status decision, with what they lead to: the goal
// says which, and what is known of the node says how far it is.
func converge(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	off := o.Power.State == bos.PowerStateOff
	switch r.Goal {
	case bos.GoalOff:
		if off {
			return done(r, now)
		}
		return turnOff(setPhase(r, bos.PhasePoweringOff, now), o, p, now)
	case bos.GoalBoot:
		if off {
			return turnOn(setPhase(r, bos.PhasePoweringOn, now), o, p, now)
		}
		return bootOn(r, o, p, now)
	case bos.GoalConfigure:
		if off {
			return leaveOut(r, bos.CausePoweredOff, now)
		}
		return configure(r, o, p, now)
	case bos.GoalNone:
		return done(r, now)
	default:
		return done(r, now)
	}
}

// bootOn is what happens to a node that is on and shall boot: it is done if it runs
// what it shall, waited for if it was powered on for that, and powered off otherwise.
func bootOn(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	booting := r.Work.Called(bos.EffectPowerOn)
	switch {
	case runs(r):
		return configure(r, o, p, now)
	case booting && neverProven(r, p):
		r = bootAnew(r, p)
	case booting && o.Power.Asked.Before(bootDeadline(r, o, p)):
		r = waitForBoot(r, o, now)
		return Decision{Next: r, Probe: bootProbe(bootDeadline(r, o, p), p, now), Why: ReasonBootWait}
	case booting:
		r = bootTimedOut(r, o, p, now)
	}
	return turnOff(setPhase(r, bos.PhasePoweringOff, now), o, p, now)
}

// reportGrace is what a node that boots has at least, once the service takes
// reports again, to deliver the one that nobody took.
const reportGrace = time.Minute

// bootDeadline is until when a node that was powered on is waited for.
func bootDeadline(r bos.Record, o Observation, p bos.Policy) time.Time {
	deadline := r.Work.Attempt.At.Add(p.MaxBootWait)
	if heard := o.Hearing.Add(min(reportGrace, p.MaxBootWait)); heard.After(deadline) {
		return heard
	}
	return deadline
}

// bootProbe is when to probe a node that is on and boots: rarely, because its
// report comes by itself, and when its time is up.
func bootProbe(deadline time.Time, p bos.Policy, now time.Time) time.Time {
	if !now.Before(deadline) {
		return now
	}
	if probe := now.Add(max(p.Polling, time.Second)); probe.Before(deadline) {
		return probe
	}
	return deadline
}

// runs reports whether a node that is on has booted what it shall run. What it reports
// with the token of the boot that was ended, or is to be, is of before: its report was
// on its way for long.
func runs(r bos.Record) bool {
	said := r.ActualState.BSSToken
	before := said != "" && said == r.Work.EndedBoot && said != r.DesiredState.BSSToken &&
		(r.DesiredState.BSSToken != "" || !r.Work.Called(bos.EffectPowerOn))
	return r.Goal == bos.GoalBoot && !before && Matches(r.ActualState.BootArtifacts, r.DesiredState.BootArtifacts)
}

// Matches compares what a node booted with what it shall boot.
func Matches(actual, desired bos.BootArtifacts) bool { return actual.Matches(desired) }

// withoutEffect notes that the last power action had none, for decisions and for
// people.
func withoutEffect(r bos.Record) bos.Record {
	r.Work.Attempt.Failed, r.LastAction.Failed = true, true
	return r
}

// setPhase moves the component to a phase with what the contract attaches to
// the change: leaving powering_off forgets what was booted, reaching none
// forgets the attempts. What stood in the way before has been overcome.
func setPhase(r bos.Record, phase bos.Phase, now time.Time) bos.Record {
	if phase != r.Status.Phase {
		r.Work.BackOff.Setbacks, r.Work.BackOff.Deferral, r.Work.Patience.Deferred = 0, 0, 0
		r.Work.BackOff.PutOff = bos.CauseNone
	}
	if r.Status.Phase == bos.PhasePoweringOff && phase != bos.PhasePoweringOff {
		r.EndBoot(now)
	}
	if phase == bos.PhaseNone {
		r.EventStats = bos.EventStats{}
	}
	r.Status.Phase = phase
	return r
}

func done(r bos.Record, now time.Time) Decision {
	r = setPhase(r, bos.PhaseNone, now)
	r.EndWait()
	r.Enabled = false
	work := bos.Work{Applied: r.Work.Applied, StagedBoot: r.Work.StagedBoot}
	if r.Goal == bos.GoalNone {
		work.Unseen = r.Work.Unseen // nobody has waited for it
	}
	if r.Goal != bos.GoalBoot && !r.Work.Drain.Ours {
		work.Left = r.Work.Left // nobody has asked what its drain is
	}
	r.Work = work
	return Decision{Next: r, Why: ReasonDone}
}

// leaveOut lets go of a component that its session can do nothing to: that is neither a
// success nor a failure of it.
func leaveOut(r bos.Record, cause bos.Cause, now time.Time) Decision {
	left := r.Rearmed().Left
	r = setPhase(r, bos.PhaseNone, now)
	r.EndWait()
	r.Enabled = false
	r.Session, r.Tenant = "", ""
	r.Work = bos.Work{Applied: r.Work.Applied, StagedBoot: r.Work.StagedBoot, Left: left, Unseen: r.Work.Unseen, Cause: cause}
	r.SetError(cause.Sentence())
	return Decision{Next: r, Why: ReasonExcluded}
}

// fail gives a component up. A cause of its own comes with its text; that the
// attempts are used up is only said where the last of them left neither.
func fail(r bos.Record, cause bos.Cause, why Reason, text string) Decision {
	last := cause == bos.CauseRetriesExhausted
	if !last || r.Error == "" || r.Work.WaitInError {
		r.SetError(text)
	}
	if !last || r.Work.Cause == bos.CauseNone {
		r.Work.Cause = cause
	}
	r.Work.Waiting = bos.Waiting{}
	r.Work.Flight.Kind = bos.EffectNone
	r.Status.StatusOverride = bos.StatusFailed
	r.Enabled = false
	return Decision{Next: r, Why: why}
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
