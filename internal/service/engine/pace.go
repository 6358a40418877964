package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// paces is what power actions took lately, from when they were accepted until they
// showed in a reading: that of the quickest tenth or so, which moves down fast and up slowly.
type paces map[bos.Action]time.Duration

// learn takes in that an action took longer than after and no longer than within
// at one node; first says that nothing was known of it before. What is known is
// moved by what is certain alone: a look that came late says when the action had
// been done at the latest, and to take that for its time would make the next look
// come later still.
func (p paces) learn(action bos.Action, after, within time.Duration) (first bool) {
	known, ok := p[action]
	switch {
	case within <= 0:
	case !ok:
		p[action] = within
		return true
	case within < known:
		p[action] = known - (known-within)/4
	case after > known:
		p[action] = known + (after-known)/64
	}
	return false
}

// While the pace of an action is unknown, scouts are looked at often to find it
// out: the first few nodes on which it is under way, in case some of them lose
// theirs, and of the rest one in so many, as far apart as a chassis. A look at one
// may be a request of its own, so the others are hardly looked at meanwhile. Where
// it is known, scouts are looked at early, to find out that it takes less by now.
const (
	firstScouts = 4
	scoutShare  = 64
)

// ranks counts the nodes that an action is under way on, one after the other, and
// begins anew when it has been a while since the last.
type ranks struct {
	next int
	at   time.Time
}

// scouted reports whether others are looked at in the node's stead to learn the
// pace of the power action under way.
func (e *Engine) scouted(n *node) bool {
	action, at, now := n.rec.LastAction.Action, n.rec.Work.ActionAt, e.step.now
	if at.IsZero() || n.rec.Work.InFlight != bos.EffectNone {
		return false
	}
	if !n.ranked.Equal(at) {
		in := e.ranks[action]
		if now.Sub(in.at) > max(e.policy.Polling, time.Second) {
			in.next = 0
		}
		n.ranked, n.rank = at, in.next
		e.ranks[action] = ranks{in.next + 1, now}
	}
	return n.rank >= firstScouts && n.rank%scoutShare != 0
}

// learned lets the nodes that waited for the pace of an action look by it.
func (e *Engine) learned(action bos.Action) {
	for id, n := range e.nodes {
		if n.awaits && n.rec.LastAction.Action == action {
			e.step.touched[id] = true
		}
	}
}

// queued is how long after its decision the power action under way was accepted.
func (n *node) queued() time.Duration {
	if !n.accepted.Equal(n.rec.Work.ActionAt) {
		return 0
	}
	return n.answered.Sub(n.accepted)
}

// expect is how long after its decision the power action under way may show; 0 if
// nothing is known of others.
func (e *Engine) expect(n *node) time.Duration {
	pace, known := e.paces[n.rec.LastAction.Action]
	if !known {
		return 0
	}
	return n.queued() + pace
}

// shown reports whether a reading is the first to show the last power action on
// a node, and that it took longer than after, when the node was last seen without,
// and no longer than within.
func shown(before bos.Record, was, is bos.PowerReading) (after, within time.Duration, ok bool) {
	at := before.Work.ActionAt
	if at.IsZero() || before.LastAction.Failed || before.Work.Resent || before.Work.InFlight != bos.EffectNone || !was.Asked.IsZero() && !was.Asked.Before(at) && leadsTo(before.LastAction.Action, was.State) {
		return 0, 0, false
	}
	if was.Asked.After(at) && was.State != bos.PowerStateUnknown {
		after = was.Asked.Sub(at)
	}
	return after, is.Asked.Sub(at), leadsTo(before.LastAction.Action, is.State)
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
