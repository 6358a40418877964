package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// pacer learns how long power actions take, so that the first probe of a room mostly
// finds all of it changed, and what follows is one batch.
type pacer struct {
	paces map[bos.EffectKind]*pace
	// ranks counts the nodes that an action is under way on.
	ranks map[bos.EffectKind]rank
}

// pace is how long one action takes, by the nodes that it was under way on lately.
type pace struct {
	// known is when to probe: mostly until when all but one or two of a hundred nodes
	// had changed.
	known time.Duration
	// learned says that the scouts tell it in this step.
	learned bool
	// alike says that all nodes change at about the same time: after none, by all.
	// known may be between, to find out more; patience counts the waves for which
	// that is not tried.
	alike     bool
	none, all time.Duration
	patience  int
	// by and beyond count the nodes of a wave, which began at since, that had changed
	// when known was over, and that had not.
	by, beyond int
	since      time.Time
}

func newPacer() *pacer {
	return &pacer{paces: make(map[bos.EffectKind]*pace), ranks: make(map[bos.EffectKind]rank)}
}

// Shares of nodes beyond the pace, each one in so many: above the first two it
// becomes longer, and below the last one shorter.
const (
	farBeyond  = 10
	manyBeyond = 50
	fewBeyond  = 200
)

const (
	// agreeing is how many scouts make it no chance that all of them changed between
	// the same two probes.
	agreeing = 3
	// pacePatience is for how many waves a pace that was tried too short is kept.
	pacePatience = 8
)

// learn takes the outcome of two probes of a node in: the first did not show the
// action, the second did, or did not. Only what is certain counts. A probe that came
// late does not tell when the node changed; to take it for that time would make the
// next probe later still. first says that the pace was not known before.
func (p *pacer) learn(action bos.EffectKind, o outcome) (first bool) {
	known, ok := p.paces[action]
	switch {
	case o.asked <= 0:
	case !ok && o.shows:
		p.paces[action] = &pace{known: o.asked, learned: true, none: o.before, all: o.asked, by: 1}
		return true
	case !ok:
	case known.learned:
		known.compare(o)
	case o.before >= known.known: // it has been counted
	case o.shows && o.asked <= known.known+known.known/16:
		known.by++
	case !o.shows && o.asked >= known.known:
		known.beyond++
	}
	return false
}

// compare takes in what another scout says of a pace that was unknown before this step:
// scouts are probed at the same times, or nearly.
func (p *pace) compare(o outcome) {
	switch {
	case o.shows:
		p.none, p.all = max(p.none, o.before), max(p.all, o.asked)
		p.known = p.all
		p.by++
	case o.asked >= p.known-p.known/32:
		p.beyond++
	}
}

// settle moves the paces by what all nodes of a wave have told, once: the answers
// of one come with several steps.
func (p *pacer) settle(now time.Time) {
	for _, known := range p.paces {
		switch {
		case known.learned:
			known.begin()
		case known.by+known.beyond == 0:
			continue
		case known.since.IsZero():
			known.since = now
			continue
		case now.Sub(known.since) < known.known:
			continue
		case known.alike:
			known.narrow()
		default:
			known.adjust()
		}
		known.by, known.beyond, known.since = 0, 0, time.Time{}
	}
}

// begin is what the scouts say together. Where they do not agree, or are few, the time is
// told to an eighth, and by one of the quick ones.
func (p *pace) begin() {
	p.learned = false
	if p.alike = p.by >= agreeing && p.beyond == 0; !p.alike {
		p.known += p.known * 3 / 16
	}
}

// adjust moves the pace of nodes that take different times.
func (p *pace) adjust() {
	switch all := p.by + p.beyond; {
	case p.beyond*farBeyond > all:
		p.known += p.known / 8
	case p.beyond*manyBeyond > all:
		p.known += p.known / 16
	case p.beyond*fewBeyond < all:
		p.known -= p.known / 32
	}
}

// narrow finds the time at which nodes change that change at the same: half of what is
// open at a time while that is much, then little by little. A try that was too short for
// all is taken back for some waves. One that was for some says that they differ.
func (p *pace) narrow() {
	all := p.by + p.beyond
	switch {
	case p.beyond*manyBeyond <= all: // all had changed
		p.all = p.known
		if p.patience--; p.patience > 0 {
			return
		}
		if open := p.all - p.none; open > p.all/8 {
			p.known = p.all - open/2
		} else {
			p.known = p.all - p.all/32
		}
	case p.known < p.all && p.by*manyBeyond <= all: // nobody had
		p.none, p.known, p.patience = p.known, p.all, pacePatience
	case p.known < p.all:
		p.alike, p.known = false, p.all
	default:
		p.alike = false
		p.adjust()
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

// rank counts the nodes that an action is under way on, one after the other, and
// begins anew when it has been a while since the last.
type rank struct {
	next int
	at   time.Time
}

// rank is that of the next node.
func (p *pacer) rank(action bos.EffectKind, now time.Time, gap time.Duration) int {
	in := p.ranks[action]
	if now.Sub(in.at) > gap {
		in.next = 0
	}
	p.ranks[action] = rank{in.next + 1, now}
	return in.next
}

// scouted reports whether others are probed in the node's stead to learn the
// pace of the power action under way.
func (e *Engine) scouted(n *node) bool {
	action, at, now := n.rec.Work.Attempt.Kind, n.rec.Work.Attempt.At, e.step.now
	if at.IsZero() || n.rec.Work.Flight.Kind != bos.EffectNone {
		return false
	}
	if !n.scouting.at.Equal(at) {
		n.scouting.at, n.scouting.rank = at, e.pacer.rank(action, now, max(e.policy.Polling, time.Second))
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
	pace, ok := e.pacer.paces[n.rec.Work.Attempt.Kind]
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
	case at.IsZero(), at.Equal(n.scouting.shifted), n.rec.Work.Attempt.Failed, n.rec.Work.Attempt.Resent, n.rec.Work.Flight.Kind != bos.EffectNone, !told(is):
		return outcome{}, false
	case !was.Asked.IsZero() && !was.Asked.Before(at) && leadsTo(n.rec.Work.Attempt.Kind, was.State):
		return outcome{}, false
	}
	at = at.Add(n.queued())
	if was.Asked.After(at) && told(was) {
		o.before = was.Asked.Sub(at)
	}
	o.asked, o.shows = is.Asked.Sub(at), leadsTo(n.rec.Work.Attempt.Kind, is.State)
	return o, true
}

// told reports whether a reading says where a power action has led so far: also that
// the power is changing.
func told(r bos.PowerReading) bool {
	return r.State != bos.PowerStateUnknown || r.Symptom == bos.SymptomChanging
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
