package decide

import (
	"fmt"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// What is shown of many nodes at once. The service before the BMCs, if there is one,
// has the sentence of its cause.
const (
	// manyUnknown: power control answers and does not know them, as when its
	// inventory was emptied or is being restored.
	manyUnknown = "power control does not know this node and many others at once; work goes on when its inventory has them again"
	// manyBMCs: nobody is before them who could be out.
	manyBMCs = "the BMCs of many nodes do not answer, or not as they should, so nobody is given up for it; work goes on when they do: check their network, their power and what they have in common"
)

// holdText says what a component with unknown power waits for, and what was answered
// last.
func holdText(r bos.Record, o Observation, v Verdict, cause bos.Cause) string {
	waits, why := heldPrefix, cause.Sentence()
	switch {
	case v.ClockRuns:
		waits = fmt.Sprintf("waiting for %s: ", bos.BMCOf(r.ID))
	case cause != bos.CauseUpstreamOutage:
	case o.Power.Symptom == bos.SymptomNone:
		why = manyUnknown
	case o.Power.Cause != bos.CauseUpstreamOutage:
		why = manyBMCs
	}
	return waits + why + lastAnswer(o, why)
}

// unreachableText says why a component is given up, with what was answered last.
func unreachableText(r bos.Record, o Observation, cause bos.Cause, p bos.Policy) string {
	return fmt.Sprintf("gave up on %s after max_unreachable_time (%s): %s", bos.BMCOf(r.ID), p.MaxUnreachable, cause.Sentence()) + lastAnswer(o, cause.Sentence())
}

// lastAnswer is what the adapter said of the last look, unless that was said.
func lastAnswer(o Observation, said string) string {
	if o.Power.Detail == "" || o.Power.Detail == said {
		return ""
	}
	return " (last answer: " + o.Power.Detail + ")"
}

// steadyText is what is shown next: what is shown already, where the new text differs
// from it in numbers alone, such as times. Each change is a write and a line of
// history.
func steadyText(shown, text string) string {
	if withoutDigits(shown) == withoutDigits(text) {
		return shown
	}
	return text
}

func withoutDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, text)
}
