package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// maxWitnesses is how many BMCs are looked at to tell a lone failure from an
// outage, each time that question is open.
const maxWitnesses = 20

// room is what was last seen of every BMC, of nodes in work and of others.
type room struct {
	fresh time.Duration
	// known has a place in sightings and in beside for each BMC.
	known     map[string]int
	sightings []decide.Sighting
	beside    []beside
	// bad counts the BMCs whose last sighting was bad, away those that turned
	// the last power action away.
	bad, away int
	// nextCall is when witnesses may be called next; zero if nobody needs any.
	nextCall time.Time
}

// beside is what the room remembers of a BMC besides its sighting.
type beside struct {
	// away says that it turned the last power action away.
	away bool
	// asked is when its last answer was asked for: one that comes late does not
	// replace one that was asked for after it.
	asked time.Time
	// node is one of its nodes, to be looked at when the BMC is a witness.
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
		m.beside = append(m.beside, beside{node: node})
	}
	return i
}

// see takes a reading in. A node that its upstream does not know says nothing
// of its BMC.
func (m *room) see(r bos.PowerReading, now time.Time) {
	if r.State == bos.PowerStateUnknown && r.Symptom == bos.SymptomNone {
		return
	}
	s := &m.sightings[m.place(r.ID)]
	b := &m.beside[m.known[s.Target]]
	if r.Asked.Before(b.asked) {
		return
	}
	b.asked = r.Asked
	if r.Symptom == bos.SymptomChanging {
		r.Symptom = bos.SymptomNone // it answered
	}
	was, is := s.Symptom != bos.SymptomNone, r.Symptom != bos.SymptomNone
	s.Symptom, s.Cause, s.Asked = r.Symptom, r.Cause, r.Received()
	switch {
	case is && !was:
		m.bad++
		s.BadSince, s.GoodSince = now, time.Time{}
	case was && !is:
		m.bad--
		s.BadSince, s.GoodSince = time.Time{}, now
	}
}

// setAway notes whether a node's BMC turned a power action away.
func (m *room) setAway(node string, away bool) {
	b := &m.beside[m.place(node)]
	if away && !b.away {
		m.away++
	}
	if !away && b.away {
		m.away--
	}
	b.away = away
}

// shared is the answer to a power action in the light of what other BMCs do.
func (m *room) shared(res bos.CallResult) bos.CallResult {
	return decide.Shared(res, m.away, len(m.sightings))
}

// verdict judges the silence of a node's BMC. The assessment of the whole room
// is made once in a step, and only if somebody is silent.
func (e *Engine) verdict(id string) decide.Verdict {
	if e.step.assess == nil {
		e.step.assess = decide.Assess(e.room.sightings, e.step.now, e.room.fresh)
	}
	return e.step.assess.Verdict(e.room.sightings[e.room.place(id)])
}

// callWitnesses looks at BMCs that answered before, while a component in work
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
		id := m.beside[m.known[target]].node
		n, inWork := e.nodes[id]
		if e.asked[id] || inWork && e.flights[id] != bos.EffectNone {
			continue
		}
		if inWork {
			n.power.ask()
		}
		e.asked[id] = true
		e.step.out.Looks = append(e.step.out.Looks, id)
	}
}
