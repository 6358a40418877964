package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// paces is how long power actions took lately: from their acceptance until all but one
// or two of a hundred nodes had changed. The first probe of a room then mostly finds all
// of it changed, and what follows is one batch.
type paces map[bos.EffectKind]*pace

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

// learn takes the outcome of two probes of a node in: the first did not show the
// action, the second did, or did not. Only what is certain counts. A probe that came
// late does not tell when the node changed; to take it for that time would make the
// next probe later still. first says that the pace was not known before.
func (p paces) learn(action bos.EffectKind, o outcome) (first bool) {
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

// While the pace of an action is unknown, scouts are probed often to find it
// out: the first few nodes on which it is under way, in case some of them lose
// theirs, and of the rest one in so many, as far apart as a chassis. A probe of one
// may be a request of its own, so the others are hardly probed meanwhile.
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

// scouted reports whether others are probed in the node's stead to learn the
// pace of the power action under way.
func (e *Engine) scouted(n *node) bool {
	action, at, now := n.rec.Work.Attempt.Kind, n.rec.Work.Attempt.At, e.step.now
	if at.IsZero() || n.rec.Work.Flight.Kind != bos.EffectNone {
		return false
	}
	if !n.scouting.at.Equal(at) {
		in := e.ranks[action]
		if now.Sub(in.at) > max(e.policy.Polling, time.Second) {
			in.next = 0
		}
		n.scouting.at, n.scouting.rank = at, in.next
		e.ranks[action] = ranks{in.next + 1, now}
	}
	return n.scouting.rank >= firstScouts && n.scouting.rank%scoutShare != 0
}

// learned lets the nodes that waited for the pace of an action probe by it.
func (e *Engine) learned(action bos.EffectKind) {
	for id, n := range e.nodes {
		if n.watch.awaits && n.rec.Work.Attempt.Kind == action {
			e.step.touched[id] = true
		}
	}
}

// queued is how long after its decision the power action under way was accepted.
func (n *node) queued() time.Duration {
	if !n.accepted.at.Equal(n.rec.Work.Attempt.At) {
		return 0
	}
	return n.accepted.answered.Sub(n.accepted.at)
}

// expect is how long after its decision the power action under way may show; 0 if
// nothing is known of others.
func (e *Engine) expect(n *node) time.Duration {
	pace, ok := e.paces[n.rec.Work.Attempt.Kind]
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
	case at.IsZero(), at.Equal(n.scouting.shifted), n.rec.Work.Attempt.Failed, n.rec.Work.Attempt.Resent, n.rec.Work.Flight.Kind != bos.EffectNone, is.State == bos.PowerStateUnknown:
		return outcome{}, false
	case !was.Asked.IsZero() && !was.Asked.Before(at) && leadsTo(n.rec.Work.Attempt.Kind, was.State):
		return outcome{}, false
	}
	at = at.Add(n.queued())
	if was.Asked.After(at) && was.State != bos.PowerStateUnknown {
		o.before = was.Asked.Sub(at)
	}
	o.asked, o.shows = is.Asked.Sub(at), leadsTo(n.rec.Work.Attempt.Kind, is.State)
	return o, true
}

// leadsTo reports whether a power state is that which an action leads to.
func leadsTo(action bos.EffectKind, state bos.PowerState) bool {
	switch action.PowerOp() {
	case bos.PowerOn:
		return state == bos.PowerStateOn || state == bos.PowerStatePoweringOn
	case bos.PowerSoftOff, bos.PowerForceOff:
		return state == bos.PowerStateOff
	default:
		return false
	}
}
