package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// maxWitnesses is how many BMCs are probed to tell a lone failure from an
// outage, each time that question is open.
const maxWitnesses = 20

// room is what was last seen of every BMC, of nodes in work and of others.
type room struct {
	fresh time.Duration
	// patience is for how long a BMC is bad, while others answer, before it is
	// background.
	patience time.Duration
	// blind says that there is no power control: that a node is unknown to it
	// says nothing.
	blind bool
	// heard adds up the time in which somebody answered, the last time at heardAt.
	heard   time.Duration
	heardAt time.Time
	// taken is when a BMC last took a power action.
	taken time.Time
	// known has a place in sightings and in bmcs for each BMC.
	known     map[string]int
	sightings []decide.Sighting
	bmcs      []bmc
	// bad counts the BMCs whose last sighting was bad, away those that turned
	// the last power action away.
	bad, deferring int
	// nextCall is when witnesses may be called next; zero if nobody needs any.
	nextCall time.Time
}

// bmc is what the room remembers of a BMC in addition to its sighting.
type bmc struct {
	// away says that it turned the last power action away, unheard that it left
	// it unanswered; acted is when it was asked for it.
	deferring, unanswered bool
	acted                 time.Time
	// awaySince is when it began to turn them away, longAway that this is no
	// evidence of an outage any more.
	deferringSince time.Time
	deferringLong  bool
	// badFrom is what the room had heard when its answers turned bad.
	badFrom time.Duration
	// told is the node of which the last answer was.
	told string
	// gone is since when the inventory has no node of it; zero while it has, or
	// while it is not known.
	gone time.Time
	// asked is when its last answer was asked for: one that comes late does not
	// replace one that was asked for after it.
	asked time.Time
	// node is one of its nodes, to be probed when the BMC is a witness.
	node string
}

func newRoom() *room { return &room{known: make(map[string]int)} }

// place makes a node's BMC known and returns its place.
func (m *room) place(node string) int {
	target := bos.BMCOf(node)
	i, ok := m.known[target]
	if !ok {
		i = len(m.sightings)
		m.known[target] = i
		m.sightings = append(m.sightings, decide.Sighting{Target: target, Chassis: bos.ChassisOf(node)})
		m.bmcs = append(m.bmcs, bmc{node: node})
	}
	return i
}

// see takes a reading in. A node that its upstream does not know says nothing
// of its BMC where another node of it is known.
func (m *room) see(r bos.PowerReading, now time.Time) {
	unknown := r.State == bos.PowerStateUnknown && r.Symptom == bos.SymptomNone
	if unknown && m.blind {
		return
	}
	s := &m.sightings[m.place(r.ID)]
	b := &m.bmcs[m.known[s.Target]]
	if unknown {
		if s.Symptom == bos.SymptomNone && b.told != "" && b.told != r.ID {
			return
		}
		r.Symptom = bos.SymptomUnknown
	}
	if r.Asked.Before(b.asked) {
		return
	}
	b.asked, b.told = r.Asked, r.ID
	if r.Symptom == bos.SymptomChanging {
		r.Symptom = bos.SymptomNone // it answered
	}
	was, is := s.Symptom != bos.SymptomNone, r.Symptom != bos.SymptomNone
	s.Symptom, s.Cause, s.Asked = r.Symptom, r.Cause, r.Received()
	switch {
	case is && !was:
		m.bad++
		s.BadSince, s.GoodSince = now, time.Time{}
		b.badFrom = m.heard
	case was && !is:
		m.bad--
		s.BadSince, s.GoodSince = time.Time{}, now
	}
	if !is && !s.Aside {
		if !m.heardAt.IsZero() {
			m.heard += min(max(now.Sub(m.heardAt), 0), m.fresh)
		}
		m.heardAt = now
	}
	s.Background = is && m.heard-b.badFrom >= m.patience
}

// testify takes over from the inventory whom to ask: BMCs all of whose nodes are
// disabled or locked are put aside. Those that it has not had for patience are
// forgotten, but for those of nodes in work: an inventory that is empty for a
// moment takes nobody away.
func (m *room) testify(nodes []bos.Node, inWork map[string]*node, now time.Time) {
	if len(nodes) == 0 {
		return
	}
	used := make(map[string]bool, len(m.known))
	for _, n := range nodes {
		target := bos.BMCOf(n.ID)
		used[target] = used[target] || n.Enabled && !n.Locked
		m.place(n.ID)
	}
	busy := make(map[string]bool, len(inWork))
	for id := range inWork {
		busy[bos.BMCOf(id)] = true
	}
	sightings, all := m.sightings, m.bmcs
	m.sightings, m.bmcs, m.bad, m.deferring = make([]decide.Sighting, 0, len(sightings)), make([]bmc, 0, len(all)), 0, 0
	for i, s := range sightings {
		b := all[i]
		used, listed := used[s.Target]
		s.Aside = listed && !used && !busy[s.Target]
		switch {
		case listed:
			b.gone = time.Time{}
		case b.gone.IsZero():
			b.gone = now
		}
		if !listed && !busy[s.Target] && now.Sub(b.gone) >= m.patience {
			delete(m.known, s.Target)
			continue
		}
		m.known[s.Target] = len(m.sightings)
		m.sightings, m.bmcs = append(m.sightings, s), append(m.bmcs, b)
		if s.Symptom != bos.SymptomNone {
			m.bad++
		}
		if b.deferring && !b.deferringLong {
			m.deferring++
		}
	}
}

// use notes that a node is in work: its BMC testifies.
func (m *room) use(node string) { m.sightings[m.place(node)].Aside = false }

// answered notes what became of a power action.
func (m *room) answered(res bos.CallResult, now time.Time) {
	if res.Outcome == bos.CallNotAttempted {
		return
	}
	if res.Outcome == bos.CallDone {
		m.taken = now
	}
	b := &m.bmcs[m.place(res.ID)]
	b.unanswered, b.acted = res.Outcome == bos.CallUnknown, now
}

// manyUnanswered reports whether an outage leaves power actions unanswered.
func (m *room) manyUnanswered(now time.Time) bool {
	unheard, asked := 0, 0
	for i := range m.bmcs {
		b := &m.bmcs[i]
		if b.acted.IsZero() || now.Sub(b.acted) > m.patience {
			continue
		}
		asked++
		if b.unanswered {
			unheard++
		}
	}
	return decide.ManyUnanswered(unheard, asked)
}

// setDeferring notes whether a node's BMC turned a power action away. One that does so
// for patience, and did when others took theirs, is no evidence of an outage: that
// is its own trouble.
func (m *room) setDeferring(node string, away bool, now time.Time) {
	if _, known := m.known[bos.BMCOf(node)]; !known && !away {
		return
	}
	b := &m.bmcs[m.place(node)]
	if b.deferring && !b.deferringLong {
		m.deferring--
	}
	if !away {
		b.deferring, b.deferringLong = false, false
		return
	}
	if !b.deferring {
		b.deferringSince = now
	}
	b.deferring = true
	b.deferringLong = now.Sub(b.deferringSince) >= m.patience && m.taken.Sub(b.deferringSince) >= m.fresh
	if !b.deferringLong {
		m.deferring++
	}
}

// shared is the answer to a power action in the light of what other BMCs do.
func (m *room) shared(res bos.CallResult) bos.CallResult {
	if i, known := m.known[bos.BMCOf(res.ID)]; known && m.bmcs[i].deferringLong {
		return res
	}
	return decide.Shared(res, m.deferring, len(m.sightings))
}

// verdict judges the silence of a node's BMC. The assessment of the whole room
// is made once in a step, and only if somebody is silent.
func (e *Engine) verdict(id string) decide.Verdict {
	return e.assess().Verdict(e.room.sightings[e.room.place(id)])
}

func (e *Engine) assess() *decide.Assessment {
	if e.step.assess == nil {
		e.step.assess = decide.Assess(e.room.sightings, e.step.now, e.room.fresh)
	}
	return e.step.assess
}

// callWitnesses probes BMCs that answered before, while a component in work
// has one that does not: only their answers tell a lone failure from an outage.
func (e *Engine) callWitnesses() {
	m, now := e.room, e.step.now
	if m.bad == 0 || len(e.nodes) == 0 {
		m.nextCall = time.Time{}
		return
	}
	if now.Before(m.nextCall) {
		return
	}
	m.nextCall = now.Add(m.fresh / 2)
	for _, target := range decide.Witnesses(m.sightings, now, m.fresh, maxWitnesses) {
		id := m.bmcs[m.known[target]].node
		n, inWork := e.nodes[id]
		if e.asked[id] || inWork && e.inFlight[id] != bos.EffectNone {
			continue
		}
		if inWork {
			n.watch.power.ask()
		}
		e.asked[id] = true
		e.step.out.Probes = append(e.step.out.Probes, id)
	}
}
