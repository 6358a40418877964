package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// Arrivals are the nodes that are on and wait for nothing but the report of their
// boot. Who takes a report in may decide on its node in the same transaction, by
// what the engine saw of it last: a node that has arrived then costs one write, and
// thousands that arrive together do not wait for the engine's. The zero value has no
// nodes, and leaves all to the engine.
//
// What it knows may be a step old. That decides nothing wrongly: a reading from
// before the record's last action, or one that is too old, is of no use to decide.
type Arrivals struct {
	policy  bos.Policy
	awaited map[string]Awaited
}

// Awaited is what the engine knows of a node that waits for its report, beside its
// record; the zero value is a node that does not.
type Awaited struct {
	// Seen is when the reading was asked for that shows the node on, Answered
	// when it came.
	Seen, Answered time.Time
	// Tenant is that of the node's session.
	Tenant string
}

// Follow takes over what a step says.
func (a *Arrivals) Follow(out Outputs) {
	a.policy = out.Policy
	if a.awaited == nil {
		a.awaited = make(map[string]Awaited)
	}
	for id, node := range out.Awaited {
		if node == (Awaited{}) {
			delete(a.awaited, id)
		} else {
			a.awaited[id] = node
		}
	}
}

// Arrive decides on a record that a report has just changed. Where the node has come
// to rest it changes the record and returns the line of history to write with it, as
// bos.Noted; where there is anything else to do it returns nil and leaves that to the
// engine.
// now is the time of the engine's clock, wall that for people.
func (a *Arrivals) Arrive(r *bos.Record, now, wall time.Time) error {
	node, ok := a.awaited[r.ID]
	if !ok {
		return nil
	}
	now = now.UTC().Round(0)
	reading := bos.PowerReading{ID: r.ID, State: bos.PowerStateOn, Asked: node.Seen, Answered: node.Answered}
	d := decide.Decide(*r, decide.Observation{Power: reading}, a.policy, now)
	if d.Why != decide.ReasonDone {
		return nil
	}
	d.Next = stamped(*r, d.Next, wall)
	*r = d.Next
	return bos.Noted{Event: line(d.Next, node.Tenant, d.Why, d.Next.Error, wall.UTC().Round(0))}
}

// await says of a node whether it waits for nothing but its report.
func (e *Engine) await(n *node, d decide.Decision) {
	var now Awaited
	if d.Why == decide.ReasonBootWait {
		now = Awaited{n.reading.Asked, n.reading.Received(), e.tenantOf(d.Next.Session, d.Next.ID)}
	}
	if now != n.awaited {
		n.awaited, e.step.out.Awaited[d.Next.ID] = now, now
	}
}
