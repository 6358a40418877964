package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// paces is what power actions took lately, until they showed in a reading: that
// of the quickest tenth or so, which moves down fast and up slowly.
type paces map[bos.Action]time.Duration

// learn takes in how long an action took at one node.
func (p paces) learn(action bos.Action, took time.Duration) {
	known, ok := p[action]
	switch {
	case took <= 0:
	case !ok:
		p[action] = took
	case took < known:
		p[action] = known - (known-took)/4
	default:
		p[action] = known + (took-known)/64
	}
}

// shown reports whether a reading is the first to show the last power action on
// a node, and how long that took.
func shown(before bos.Record, was, is bos.PowerReading) (took time.Duration, ok bool) {
	at := before.Work.ActionAt
	if at.IsZero() || before.LastAction.Failed || before.Work.InFlight != bos.EffectNone || !was.Asked.IsZero() && !was.Asked.Before(at) && leadsTo(before.LastAction.Action, was.State) {
		return 0, false
	}
	return is.Asked.Sub(at), leadsTo(before.LastAction.Action, is.State)
}

func leadsTo(action bos.Action, state bos.PowerState) bool {
	switch action {
	case bos.ActionPoweringOn:
		return state == bos.PowerStateOn || state == bos.PowerStatePoweringOn
	case bos.ActionPowerOffGraceful, bos.ActionPowerOffForceful:
		return state == bos.PowerStateOff
	case bos.ActionNone, bos.ActionNewlyDiscovered, bos.ActionSessionSetup, bos.ActionApplyStaged, bos.ActionActualStateCleanup:
		return false
	default:
		return false
	}
}
