package decide

import (
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// holdOf is what a component with unknown power waits for, with what was answered
// last.
func holdOf(o Observation, v Verdict, cause bos.Cause) bos.Waiting {
	wait := bos.Waiting{For: bos.WaitUpstream, Cause: cause, Detail: o.Power.Detail}
	switch {
	case v.ClockRuns:
		wait.For = bos.WaitBMC
	case cause != bos.CauseUpstreamOutage:
	case o.Power.Symptom == bos.SymptomNone:
		wait.For = bos.WaitPowerInventory
	case o.Power.Cause != bos.CauseUpstreamOutage:
		wait.For = bos.WaitBMCs
	}
	return wait
}

// unreachableText says why a component is given up, with what was answered last.
func unreachableText(r bos.Record, o Observation, cause bos.Cause, p bos.Policy) string {
	return fmt.Sprintf("gave up on %s after max_unreachable_time (%s): %s", bos.BMCOf(r.ID), p.MaxUnreachable, bos.WithLastAnswer(cause.Sentence(), o.Power.Detail))
}
