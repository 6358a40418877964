package decide

import (
	"cmp"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// maxBackOff bounds the wait after setbacks in a row.
	maxBackOff = time.Minute
	// LongestRetry bounds every wait for another try, also one that was asked for.
	LongestRetry = 12 * maxBackOff
)

// Settle is the record after its effect was answered. r is the record as it
// is now, which an API write may have changed since the effect was decided:
// then only the mark of the flight is taken back.
func Settle(r bos.Record, e bos.Effect, res bos.CallResult, now time.Time) bos.Record {
	if r.Work.Flight.Kind != e.Kind {
		return r
	}
	if r.Work.Attempt.Kind != e.Kind {
		r.Work.Flight.Kind = bos.EffectNone
		if notBegun(res.Outcome) && r.Work.Unseen.Kind == e.Kind {
			r.Work.Unseen = r.Work.Unseen.Withdrawn()
		}
		return r
	}
	if res.Withheld() {
		return keptBack(r, e.Kind, res, now)
	}
	if r.Work.Attempt.Resent && res.Outcome != bos.CallUnknown {
		// Its attempt has until the deadline, whatever became of the second call.
		r.Work.Flight.Kind = bos.EffectNone
		return r
	}
	was := r.Work.BackOff.PutOff
	r.Work.BackOff.PutOff = bos.CauseNone
	switch res.Outcome {
	case bos.CallDone:
		r.Work.Flight.Kind = bos.EffectNone
	case bos.CallUnknown:
		r = keepUnanswered(r, e.Kind, res, now)
	case bos.CallNotAttempted, bos.CallBusy:
		if defersGraceful(e.Kind, res) {
			return retryGraceful(r, res, now)
		}
		r = giveBack(r, e.Kind)
		r = backOff(r, res, bos.CauseBMCError, now)
		r = chargeDeferral(r, res, now)
		r = waitToRetry(r, res)
		r.Work.BackOff.PutOff = cmp.Or(res.Cause, was)
	case bos.CallUnsupported:
		if e.Kind == bos.EffectPowerOffGraceful {
			r = giveBack(r, e.Kind)
			r.Work.NoGraceful = true
		} else {
			// There is no other way to do it: the attempts run out.
			r.Work.Flight.Kind, r.Work.Unseen = bos.EffectNone, r.Work.Unseen.Withdrawn()
			r = backOff(withoutEffect(r), res, bos.CauseResetRefused, now)
			r.SetError(refusedText(r.Work.Cause, res))
		}
	case bos.CallRefused:
		if defersGraceful(e.Kind, res) {
			return retryGraceful(r, res, now)
		}
		r.Work.Flight.Kind, r.Work.Unseen = bos.EffectNone, r.Work.Unseen.Withdrawn()
		r = backOff(withoutEffect(r), res, bos.CauseResetRefused, now)
		r.SetError(refusedText(r.Work.Cause, res))
	}
	return r
}

// notBegun reports whether an answer says that nothing was begun.
func notBegun(outcome bos.CallOutcome) bool {
	switch outcome {
	case bos.CallNotAttempted, bos.CallBusy, bos.CallRefused, bos.CallUnsupported:
		return true
	case bos.CallDone, bos.CallUnknown:
		return false
	default:
		return false
	}
}

// settleUndone settles an action anew that was accepted and that the upstream then gave
// up, unless the node is where it led all the same.
func settleUndone(r bos.Record, o Observation, now time.Time) bos.Record {
	kind := r.Work.Attempt.Kind
	if o.Power.Undone.Outcome == bos.CallDone || !r.Work.Called(kind) || showsEffect(kind, o.Power.State) {
		return r
	}
	r.Work.Flight.Kind, r.Work.Attempt.Resent = kind, false
	r = Settle(r, bos.Effect{Kind: kind}, o.Power.Undone, now)
	// The upstream takes it each time: each try is a line of its own.
	r.Work.BackOff.PutOff = bos.CauseNone
	return r
}

// SettleBoot is the record after its boot parameters were written, or not. Of
// artifacts that are no longer desired nothing is taken over but that the boot
// service has them.
func SettleBoot(r bos.Record, artifacts bos.BootArtifacts, token string, res bos.CallResult, now time.Time) bos.Record {
	if !r.Enabled {
		return r
	}
	if res.Outcome != bos.CallNotAttempted {
		// The call may have taken the place of what was there before.
		r.Work.Prepared.Boot, r.Work.Attempt.Prepared.Boot = "", ""
	}
	if res.Outcome == bos.CallDone {
		r.Work.Prepared.Boot = bos.PreparedBoot(artifacts)
	}
	if r.DesiredState.BootArtifacts != artifacts {
		return r
	}
	if res.Withheld() {
		return keptBack(r, bos.EffectWriteBoot, res, now)
	}
	switch res.Outcome {
	case bos.CallDone:
		r.Work.StagedBoot = bos.StagedBoot{Session: r.Work.StagedBoot.Session, Tenant: r.Work.StagedBoot.Tenant} // nothing staged is there any more
		r.DesiredState.BSSToken = token
		r.DesiredState.LastUpdated = bos.At(now)
		r.Work.BackOff.Setbacks = 0
		r.Work.BackOff.Until = time.Time{}
		r.EndWait()
	case bos.CallRefused, bos.CallUnsupported:
		r.EventStats.PowerOnAttempts++
		r = backOff(r, res, bos.CauseBootParameters, now)
		r.SetError(refusedText(r.Work.Cause, res))
	case bos.CallNotAttempted, bos.CallBusy, bos.CallUnknown:
		r = backOff(r, res, bos.CauseUpstreamOutage, now)
		r = waitToRetry(r, res)
	}
	return r
}

// waitToRetry notes that a component waits for its back-off after a call.
func waitToRetry(r bos.Record, res bos.CallResult) bos.Record {
	r.Wait(bos.Waiting{For: bos.WaitBackOff, Cause: r.Work.Cause, Detail: res.Detail})
	return r
}

// refusedText is the upstream's own word, or else what the cause means.
func refusedText(cause bos.Cause, res bos.CallResult) string {
	return cmp.Or(res.Detail, cause.Sentence())
}

// giveBack returns the attempt of an action that never reached its target and
// marks the action as without effect, so that it is tried again.
func giveBack(r bos.Record, kind bos.EffectKind) bos.Record {
	r.Work.Flight.Kind = bos.EffectNone
	r = withoutEffect(r)
	r.Work.Unseen = r.Work.Unseen.Withdrawn()
	if kind == bos.EffectPowerOn {
		r = giveBackPrepared(r)
	}
	return returnAttempt(r, kind)
}

// giveBackPrepared returns what a power-on consumed that was not carried out, but
// for what was replaced since.
func giveBackPrepared(r bos.Record) bos.Record {
	r.Work.Prepared.Boot = cmp.Or(r.Work.Prepared.Boot, r.Work.Attempt.Prepared.Boot)
	r.Work.Prepared.Configuration = cmp.Or(r.Work.Prepared.Configuration, r.Work.Attempt.Prepared.Configuration)
	r.Work.Attempt.Prepared = bos.Prepared{}
	return r
}

// returnAttempt takes the attempt of an action back.
func returnAttempt(r bos.Record, kind bos.EffectKind) bos.Record {
	switch kind {
	case bos.EffectPowerOn:
		r.EventStats.PowerOnAttempts = max(r.EventStats.PowerOnAttempts-1, 0)
	case bos.EffectPowerOffGraceful:
		r.EventStats.PowerOffGracefulAttempts = max(r.EventStats.PowerOffGracefulAttempts-1, 0)
	case bos.EffectPowerOffForceful:
		r.EventStats.PowerOffForcefulAttempts = max(r.EventStats.PowerOffForcefulAttempts-1, 0)
	case bos.EffectNone, bos.EffectWriteBoot, bos.EffectConfigure, bos.EffectDrain, bos.EffectReword, bos.EffectReturn:
	}
	return r
}

// backOff notes the cause, or the one that stands for this kind of call where
// the adapter named none, and holds the next try back, longer each time in a row,
// or as long as the target asked for.
func backOff(r bos.Record, res bos.CallResult, otherwise bos.Cause, now time.Time) bos.Record {
	r.Work.Cause = cmp.Or(res.Cause, otherwise)
	wait := min(time.Second<<min(r.Work.BackOff.Setbacks, 10), maxBackOff)
	if res.RetryAfter > 0 {
		wait = min(res.RetryAfter, 10*maxBackOff)
	}
	r.Work.BackOff.Setbacks++
	r.Work.BackOff.Deferral = 0
	// Nodes that wait for the same thing try again together: in one request,
	// and one commit.
	grid := wait / 8
	r.Work.BackOff.Until = now.Add(wait).Truncate(grid).Add(grid)
	return r
}
