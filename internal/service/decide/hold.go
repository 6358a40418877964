package decide

import (
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// hold keeps a component whose power is unknown where it is, and fails it
// once it alone has been unreachable for too long.
func hold(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	verdict := o.Verdict
	switch o.Power.Symptom {
	case bos.SymptomNone:
		if verdict.Extent == ExtentUpstream {
			break // so many are the trouble of the inventory
		}
		verdict = Verdict{Extent: ExtentBMC, ClockRuns: true, Cause: bos.CauseUnknownToPower}
	case bos.SymptomChanging:
		verdict = Verdict{Extent: ExtentBMC, ClockRuns: true, Cause: bos.CausePowerUndetermined}
	case bos.SymptomSilent, bos.SymptomRefusing, bos.SymptomStale, bos.SymptomUnknown:
	}
	cause := verdict.Cause
	if verdict.ClockRuns {
		r.Work.Patience.Silent += o.Elapsed
		if o.Power.Cause != bos.CauseNone && verdict.Extent == ExtentBMC {
			cause = o.Power.Cause
		}
		if r.Work.Patience.Silent >= p.MaxUnreachable {
			r.EndWait()
			return fail(r, cause, ReasonUnreachable, unreachableText(r, o, cause, p))
		}
	}
	r.Work.Cause = cause
	r.Status.StatusOverride = bos.StatusOnHold
	r.Wait(holdOf(o, verdict, cause))
	// Ever more rarely, also in an outage: what is down is not to be kept busy.
	next := now.Add(min(max(r.Work.Patience.Silent/4, o.Unknown/4, time.Second), max(p.Polling, time.Second)))
	return Decision{Next: r, Probe: next, Why: ReasonHold}
}

// holdOf is what a component with unknown power waits for, with what was answered
// last.
func holdOf(o Observation, v Verdict, cause bos.Cause) bos.Waiting {
	wait := bos.Waiting{For: bos.WaitUpstream, Cause: cause, Detail: o.Power.Detail}
	switch {
	case v.ClockRuns:
		wait.For = bos.WaitBMC
	case o.Power.Symptom == bos.SymptomNone:
		wait.For = bos.WaitPowerInventory
	case cause != bos.CauseUpstreamOutage:
	case o.Power.Cause != bos.CauseUpstreamOutage:
		wait.For = bos.WaitBMCs
	}
	return wait
}

// unreachableText says why a component is given up, with what was answered last.
func unreachableText(r bos.Record, o Observation, cause bos.Cause, p bos.Policy) string {
	return fmt.Sprintf("gave up on %s after max_unreachable_time (%s): %s", bos.BMCOf(r.ID), p.MaxUnreachable, bos.WithLastAnswer(cause.Sentence(), o.Power.Detail))
}

// waitForOff keeps a node that goes off although nothing of it shall: it is not where
// it shall be, and what comes next is decided once it is off. One that never comes to
// that is not to be reset, as it runs what it shall.
func waitForOff(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	r.Work.Patience.Silent += o.Elapsed
	if r.Work.Patience.Silent >= p.MaxUnreachable {
		r.EndWait()
		text := fmt.Sprintf("said for max_unreachable_time (%s) that it is powering off: %s", p.MaxUnreachable, bos.CausePowerUndetermined.Sentence())
		return fail(r, bos.CausePowerUndetermined, ReasonUnreachable, text)
	}
	r.Status.StatusOverride = bos.StatusOnHold
	if r.Wait(bos.Waiting{For: bos.WaitPoweringOff}); r.Work.Unseen.Kind != bos.EffectNone {
		r.Wait(bos.Waiting{For: bos.WaitUnseen, Detail: unseenWords(r.Work.Unseen)})
	}
	return Decision{Next: r, Probe: now.Add(min(max(r.Work.Patience.Silent/4, time.Second), max(p.Polling, time.Second))), Why: ReasonChanging}
}
