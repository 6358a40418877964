package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// paces is what power actions took lately, from when they were accepted until they
// showed at all but one or two of a hundred nodes: a room is then found done with
// the first look at it, and what follows is done for all of them together.
type paces map[bos.Action]*pace

// pace is that of one action. by and beyond count the nodes of a wave, which began
// at since, at which it had shown when that time was over, and at which it had not.
type pace struct {
	known      time.Duration
	by, beyond int
	since      time.Time
}

// Shares of nodes beyond the pace, each one in so many: above the first two it
// becomes longer, and below the last one shorter.
const (
	farBeyond  = 10
	manyBeyond = 50
	fewBeyond  = 200
)

// learn takes in that an action had not shown at one node after a time, and that
// it had, or still had not, when its power was asked for the next time. Only what
// is certain counts: a look that came late says nothing of when the action was done,
// and to take it for its time would make the next look come later still. first says
// that nothing was known of the action before.
func (p paces) learn(action bos.Action, o outcome) (first bool) {
	known, ok := p[action]
	switch {
	case o.asked <= 0:
	case !ok && o.shows:
		// A scout tells the time to a quarter, and is one of the quick ones.
		p[action] = &pace{known: o.asked + o.asked*3/16}
		return true
	case !ok:
	case o.shows && o.asked <= known.known+known.known/16:
		known.by++
	case !o.shows && o.asked >= known.known && o.before < known.known:
		known.beyond++
	}
	return false
}

// settle moves the paces by what all nodes of a wave have told, once: the answers
// of one come with several steps.
func (p paces) settle(now time.Time) {
	for _, known := range p {
		all := known.by + known.beyond
		switch {
		case all == 0:
			continue
		case known.since.IsZero():
			known.since = now
			continue
		case now.Sub(known.since) < known.known:
			continue
		case known.beyond*farBeyond > all:
			known.known += known.known / 8
		case known.beyond*manyBeyond > all:
			known.known += known.known / 16
		case known.beyond*fewBeyond < all:
			known.known -= known.known / 32
		}
		known.by, known.beyond, known.since = 0, 0, time.Time{}
	}
}

// While the pace of an action is unknown, scouts are looked at often to find it
// out: the first few nodes on which it is under way, in case some of them lose
// theirs, and of the rest one in so many, as far apart as a chassis. A look at one
// may be a request of its own, so the others are hardly looked at meanwhile.
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
	action, at, now := n.rec.LastAction.Action, n.rec.Work.Attempt.At, e.step.now
	if at.IsZero() || n.rec.Work.Flight.Kind != bos.EffectNone {
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
	if !n.accepted.Equal(n.rec.Work.Attempt.At) {
		return 0
	}
	return n.answered.Sub(n.accepted)
}

// expect is how long after its decision the power action under way may show; 0 if
// nothing is known of others.
func (e *Engine) expect(n *node) time.Duration {
	pace, ok := e.paces[n.rec.LastAction.Action]
	if !ok {
		return 0
	}
	return n.queued() + pace.known
}

// outcome is what two readings of a node, one after the other, say of the power
// action under way: how long after it they were asked for, and whether the second
// is the first to show it.
type outcome struct {
	before, asked time.Duration
	shows         bool
}

// outcomeOf compares a reading with the one before it; ok is false where they say
// nothing about the pace of the action.
func outcomeOf(n *node, is bos.PowerReading) (o outcome, ok bool) {
	at, was := n.rec.Work.Attempt.At, n.reading
	switch {
	case at.IsZero(), at.Equal(n.shifted), n.rec.LastAction.Failed, n.rec.Work.Attempt.Resent, n.rec.Work.Flight.Kind != bos.EffectNone, is.State == bos.PowerStateUnknown:
		return outcome{}, false
	case !was.Asked.IsZero() && !was.Asked.Before(at) && leadsTo(n.rec.LastAction.Action, was.State):
		return outcome{}, false
	}
	at = at.Add(n.queued())
	if was.Asked.After(at) && was.State != bos.PowerStateUnknown {
		o.before = was.Asked.Sub(at)
	}
	o.asked, o.shows = is.Asked.Sub(at), leadsTo(n.rec.LastAction.Action, is.State)
	return o, true
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
