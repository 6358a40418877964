package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// CallTimeout bounds one batch of calls: a power action that was decided longer
// ago is not under way any more.
const CallTimeout = 10 * time.Minute

// ramp keeps the power actions of all nodes within the limits: it counts what is
// under way or has been less than a window ago, and lets the nodes that wait for
// their turn go in the order in which they came, cabinet by cabinet.
//
// What it knows is not stored. After a restart nothing starts for one window if
// an earlier engine may have started something within it (see still).
type ramp struct {
	limits bos.PowerLimits
	// still is until when nothing may start.
	still time.Time
	// held are the slots of nodes whose turn it is or whose action is under
	// way, by node; cooling those of actions that were answered, oldest first.
	held    map[string]*slot
	cooling []cooled
	all     decide.Usage
	cabinet map[string]*decide.Usage
	// waiting are the nodes in line, by lane; inLine says which of them still
	// wait.
	waiting map[lane][]string
	inLine  map[string]lane
}

// slot is one use of the limits.
type slot struct {
	lane lane
	// flying says that the action was started; otherwise the node has its turn
	// and is probed before it acts.
	flying bool
}

type cooled struct {
	lane  lane
	until time.Time
}

// lane is what shares the limits: power-ons, or the others, of one cabinet.
type lane struct {
	cabinet string
	on      bool
}

func newRamp(l bos.PowerLimits) *ramp {
	l.Window = cmp.Or(l.Window, bos.DefaultPowerWindow)
	return &ramp{
		limits: l, held: make(map[string]*slot), cabinet: make(map[string]*decide.Usage),
		waiting: make(map[lane][]string), inLine: make(map[string]lane),
	}
}

func laneOf(id string, on bool) lane { return lane{bos.CabinetOf(id), on} }

func (m *ramp) count(l lane, by int) {
	in, ok := m.cabinet[l.cabinet]
	if !ok {
		in = &decide.Usage{}
		m.cabinet[l.cabinet] = in
	}
	for _, u := range []*decide.Usage{&m.all, in} {
		u.Actions += by
		if l.on {
			u.Starts += by
		}
	}
}

// restarted keeps everything still for a window, if an engine before this one may
// have started something. How long ago that was is not asked: the history has wall
// time, and the wall clock may have stepped since.
func (m *ramp) restarted(acted bool, now time.Time) {
	if m.limits.Any() && acted {
		m.still = now.Add(m.limits.Window)
	}
}

// expire gives back what is more than a window ago.
func (m *ramp) expire(now time.Time) {
	n := 0
	for n < len(m.cooling) && !m.cooling[n].until.After(now) {
		m.count(m.cooling[n].lane, -1)
		n++
	}
	m.cooling = m.cooling[n:]
}

// holds reports whether the limits keep a node from a power-on, or a power-off.
func (m *ramp) holds(id string, on bool, now time.Time) bool {
	if !m.limits.Any() {
		return false
	}
	l := laneOf(id, on)
	if s, ok := m.held[id]; ok && !s.flying && s.lane == l {
		return false
	}
	// Who comes new does not overtake those in line.
	return now.Before(m.still) || len(m.inLine) > 0 || !m.admits(l)
}

func (m *ramp) admits(l lane) bool {
	var in decide.Usage
	if u, ok := m.cabinet[l.cabinet]; ok {
		in = *u
	}
	op := bos.PowerForceOff
	if l.on {
		op = bos.PowerOn
	}
	return decide.Admits(m.limits, op, m.all, in)
}

// next is the first of a lane that still waits, empty for none.
func (m *ramp) next(l lane) string {
	queue := m.waiting[l]
	for len(queue) > 0 {
		if in, ok := m.inLine[queue[0]]; ok && in == l {
			break
		}
		queue = queue[1:]
	}
	if len(queue) == 0 {
		delete(m.waiting, l)
		return ""
	}
	m.waiting[l] = queue
	return queue[0]
}

// decided takes over what was decided on a node.
func (m *ramp) decided(id string, d decide.Decision) {
	if !m.limits.Any() {
		return
	}
	op := d.Effect.Kind.PowerOp()
	l := laneOf(id, op == bos.PowerOn)
	if d.Why == decide.ReasonRampWait {
		l.on = d.Next.Status.Phase == bos.PhasePoweringOn
	}
	switch {
	case op != "":
		m.leave(id)
		m.held[id] = &slot{lane: l, flying: true}
		m.count(l, 1)
	case d.Why == decide.ReasonRampWait:
		if in, ok := m.inLine[id]; ok && in == l {
			return
		}
		m.leave(id)
		m.inLine[id] = l
		m.waiting[l] = append(m.waiting[l], id)
	case d.Why == decide.ReasonProbe:
		// It keeps its place, or its turn, until its power is known.
	default:
		m.leave(id)
	}
}

// leave takes a node out of the line, and its turn from it.
func (m *ramp) leave(id string) {
	delete(m.inLine, id)
	if s, ok := m.held[id]; ok && !s.flying {
		m.count(s.lane, -1)
		delete(m.held, id)
	}
}

// landed takes the end of an action: it counts for a window more, unless it never
// reached its target.
func (m *ramp) landed(id string, reached bool, now time.Time) {
	s, ok := m.held[id]
	if !ok || !s.flying {
		return
	}
	delete(m.held, id)
	if !reached {
		m.count(s.lane, -1)
		return
	}
	m.cooling = append(m.cooling, cooled{s.lane, now.Add(m.limits.Window)})
}

// admit gives their turn to as many nodes in line as the limits admit, one of
// each lane after the other.
func (m *ramp) admit(now time.Time) []string {
	full := !decide.Admits(m.limits, bos.PowerForceOff, m.all, decide.Usage{})
	if len(m.inLine) == 0 || now.Before(m.still) || full {
		return nil
	}
	lanes := make([]lane, 0, len(m.waiting))
	for l := range m.waiting {
		lanes = append(lanes, l)
	}
	slices.SortFunc(lanes, func(a, b lane) int {
		if a.on != b.on && a.cabinet == b.cabinet {
			return map[bool]int{true: 1, false: -1}[a.on]
		}
		return bos.CompareXnames(a.cabinet, b.cabinet)
	})
	var ids []string
	for more := true; more; {
		more = false
		for _, l := range lanes {
			id := m.next(l)
			if id == "" || !m.admits(l) {
				continue
			}
			delete(m.inLine, id)
			m.held[id] = &slot{lane: l}
			m.count(l, 1)
			ids = append(ids, id)
			more = true
		}
	}
	return ids
}

// wake is when a node in line may be admitted; zero if none is in line, or if that
// depends on answers that are still to come.
func (m *ramp) wake(now time.Time) time.Time {
	switch {
	case len(m.inLine) == 0:
		return time.Time{}
	case now.Before(m.still):
		return m.still
	case len(m.cooling) > 0:
		return m.cooling[0].until
	default:
		return time.Time{}
	}
}
