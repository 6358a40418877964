package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// outageTold is how long an outage of the BMCs lasts before it is told: until the
// first witnesses have answered each silent BMC looks like one.
const outageTold = 5 * time.Second

// Outage is the begin or the end of an outage of the BMCs, for the log. Those of
// services are told by their adapters.
type Outage struct {
	// Over says that it has ended, after For.
	Over bool
	For  time.Duration
	// Bad are the BMCs that do not answer, or not as they should, of All.
	Bad, All int
	// Node is one that waits, Answer what was said of it.
	Node, Answer string
}

// outage is the outage of the BMCs that goes on; zero if none does.
type outage struct {
	since time.Time
	told  bool
}

// noteOutage notes that a node is held as the BMCs of many are out.
func (e *Engine) noteOutage(id string, o decide.Observation, d decide.Decision) {
	if d.Why != decide.ReasonHold || o.Verdict.Extent != decide.ExtentUpstream || o.Power.Cause == bos.CauseUpstreamOutage {
		return
	}
	if e.outage.since.IsZero() {
		e.outage.since = e.step.now
	}
	if e.outage.told || e.step.now.Sub(e.outage.since) < outageTold {
		return
	}
	e.outage.told = true
	e.step.out.Outage = &Outage{Bad: e.room.bad, All: len(e.room.sightings), Node: id, Answer: o.Power.Detail}
}

// endOutage notes that the BMCs answer again.
func (e *Engine) endOutage(in Inputs) {
	if e.outage.since.IsZero() || e.room.bad > 0 && (len(in.Readings) == 0 || e.assess().Out()) {
		return
	}
	if e.outage.told {
		e.step.out.Outage = &Outage{Over: true, For: e.step.now.Sub(e.outage.since), Bad: e.room.bad, All: len(e.room.sightings)}
	}
	e.outage = outage{}
}
