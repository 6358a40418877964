package sim

import (
	"errors"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// badImage is the fault of an image that boots on no node.
const badImage = "an image that does not boot"

// operatorLooks is how often whoever runs a rollout looks at it.
const operatorLooks = time.Minute

// planRollout has the room up, its image bad if it shall be, and somebody who looks
// after the rollout.
func (w *World) planRollout() error {
	if w.config.Rollout == nil {
		return nil
	}
	nodes := w.room.Inventory().Nodes
	for i, n := range nodes {
		if off := w.config.Down; off == 0 || i%off != 0 {
			w.room.Reset(n.ID, "On", Epoch)
		}
	}
	w.after(operatorLooks, w.operate)
	if !w.config.BadImage {
		return nil
	}
	return w.room.AddFaults(Epoch, fault.Rule{Name: badImage, Fault: fault.Boot})
}

// operate is somebody who promotes a rollout whose canary is healthy, and resumes one
// that has halted: after a bad image was mended, or without the nodes that failed.
func (w *World) operate() {
	w.after(operatorLooks, w.operate)
	if w.awaited.Name == "" || w.serving() == nil {
		return
	}
	s, err := w.store.Session(w.ctx, w.awaited)
	if err != nil || s.Rollout == nil || s.Status.Status != bos.SessionRunning {
		return
	}
	switch {
	case s.Rollout.Held == bos.HoldPromotion:
		w.happened(RolloutPromoted)
		rec, err := w.store.MutateSession(w.ctx, s.Key(), func(rec *bos.SessionRecord) error { return rec.Promote() })
		w.verb("promote", rec, nil, err)
	case s.Rollout.Phase == bos.RolloutHalted:
		w.happened(RolloutHalted)
		w.check.rollout.halted(s)
		skip := !w.config.BadImage || w.check.rollout.resumed
		w.room.LiftFaults(badImage)
		rec, nodes, err := w.store.MutateOwned(w.ctx, s.Key(), func(rec *bos.SessionRecord, owned []bos.Record, _ bos.Tally) error {
			return rec.Resume(owned, skip, w.wall())
		})
		w.check.rollout.goesOn()
		w.verb("resume", rec, nodes, err)
	default:
	}
}

func (w *World) verb(name string, rec bos.SessionRecord, nodes []bos.Record, err error) {
	switch {
	case errors.Is(err, bos.ErrSkip), errors.Is(err, bos.ErrNotHealthy), errors.Is(err, bos.ErrRolloutOver):
		return
	case err != nil:
		w.violated("%s: %s", name, err)
	}
	ids := make([]string, len(nodes))
	for i := range nodes {
		ids[i] = nodes[i].ID
		w.check.armed(ids[i])
		w.check.rollout.again(ids[i])
	}
	w.wrote(shell.Change{Sessions: []bos.SessionKey{rec.Key()}, Components: ids})
}

// rolloutCheck holds what becomes of the nodes of one rollout against its limits, by
// what was committed and by the room.
type rolloutCheck struct {
	w       *World
	spec    bos.Rollout
	key     bos.SessionKey
	window  *bos.WindowClock
	nodes   map[string]*rolloutNode
	order   []string
	begun   time.Time
	canary  int
	started int
	// failed counts those that failed, forgiven those of before the last resume.
	failed, forgiven int
	// resumed says that somebody has resumed it.
	resumed bool
}

type rolloutNode struct {
	admitted, ended, failed bool
	canary                  bool
	at                      time.Time
	stops                   int
}

// begin takes note of a rollout that was set up.
func (c *rolloutCheck) begin(s bos.SessionRecord) {
	if s.Rollout == nil || len(s.Rollout.Batches) == 0 || s.Key() != c.w.awaited {
		return
	}
	c.spec, c.key, c.nodes, c.order = s.Rollout.Spec, s.Key(), make(map[string]*rolloutNode), nil
	c.begun = c.w.Now
	c.window, _ = c.spec.Window.Clock()
	for _, b := range s.Rollout.Batches {
		ids, err := bos.Expand(b.Nodes, bos.MaxExpand)
		if err != nil {
			c.w.violated("the nodes of %s: %s", b.Name, err)
		}
		for _, id := range ids {
			c.nodes[id] = &rolloutNode{canary: b.Canary}
			c.order = append(c.order, id)
			if b.Canary {
				c.canary++
			}
		}
	}
}

// committed holds a commit against the limits of the rollout: first what it ends, then
// what it starts.
func (c *rolloutCheck) committed(commit bos.Commit, lost map[string]bool) {
	if c.nodes == nil {
		return
	}
	var starts []string
	for _, r := range commit.Components {
		n := c.nodes[r.ID]
		if n == nil || lost[r.ID] || r.Key() != c.key {
			continue
		}
		if !r.Enabled && !n.ended {
			n.ended, n.failed = true, r.Status.StatusOverride == bos.StatusFailed
			if n.failed {
				c.failed++
			}
			c.inTime(r.ID, n)
		}
		if r.Enabled && !r.Work.Admitted.IsZero() && !n.admitted {
			n.admitted, n.at, n.stops = true, c.w.Now, c.w.check.stops
			starts = append(starts, r.ID)
		}
	}
	for _, id := range starts {
		c.started++
		c.starts(id)
	}
}

// inTime holds the end of a node against its deadline, where no time stood still.
func (c *rolloutCheck) inTime(id string, n *rolloutNode) {
	const slack = 2 * time.Minute // of calls in flight, which are waited for
	if most := c.spec.NodeDeadline() + slack; n.admitted && n.stops == c.w.check.stops && c.w.Now.Sub(n.at) > most {
		c.w.violated("%s kept the rollout for %s, its deadline is %s", id, c.w.Now.Sub(n.at), c.spec.NodeDeadline())
	}
}

// starts holds the start of a node against the window, the budget and the canary.
func (c *rolloutCheck) starts(id string) {
	total := len(c.nodes)
	if open, _ := c.window.Open(c.w.wall()); !open {
		c.w.violated("%s is started at %s, outside of the window", id, c.w.wall())
	}
	if spent := c.failed - c.forgiven; spent > c.spec.Budget(total) {
		c.w.violated("%s is started after %d failures, the budget is %d", id, spent, c.spec.Budget(total))
	}
	if c.canary > 0 && !c.nodes[id].canary && c.w.config.BadImage && !c.resumed {
		c.w.violated("%s is started with a bad image, which is not of the canary", id)
	}
	down, inFlight := 0, 0
	for other, n := range c.nodes {
		switch state, _ := c.w.room.Power(other, c.w.Now); {
		case n.ended:
		case n.admitted:
			inFlight++
			down++
		case state != bos.PowerStateOn:
			down++
		}
	}
	if most := c.spec.InFlightMost(total); inFlight > most {
		c.w.violated("%d nodes are in flight with %s, max_in_flight allows %d", inFlight, id, most)
	}
	if state, _ := c.w.room.Power(id, c.w.Now); state == bos.PowerStateOn && !c.w.room.Silent(bos.BMCOf(id)) && down > c.spec.UnavailableMost(total) {
		c.w.violated("%d nodes are out of service with %s, max_unavailable allows %d", down, id, c.spec.UnavailableMost(total))
	}
}

// touched holds what is sent to a node against its turn.
func (c *rolloutCheck) touched(what string, ids ...string) {
	for _, id := range ids {
		if n := c.nodes[id]; n != nil && !n.admitted {
			c.w.violated("%s is sent to %s, whose turn has not come", what, id)
		}
	}
}

// halted holds what was started against a bad image.
func (c *rolloutCheck) halted(s bos.SessionRecord) {
	if c.w.config.BadImage && c.canary > 0 && !c.resumed {
		if c.started > c.canary {
			c.w.violated("%d nodes were started with a bad image, the canary has %d", c.started, c.canary)
		}
		c.w.happened(RolloutCanaryFailed)
	}
	if spent := c.failed - c.forgiven; spent == 0 && s.Rollout.Detail == "" {
		c.w.violated("the rollout halted and does not say why")
	}
}

// goesOn takes note that it was resumed: the failures until now are forgiven, also those
// of nodes that wait and whose BMCs were silent for longer than they may.
func (c *rolloutCheck) goesOn() {
	c.resumed, c.forgiven = true, c.failed
	for id, n := range c.nodes {
		if !n.admitted && !n.ended && c.w.room.Silent(bos.BMCOf(id)) && c.w.Now.Sub(c.begun) >= c.spec.NodeDeadline() {
			c.forgiven++
		}
	}
}

// again takes note that a node that failed is to be tried once more.
func (c *rolloutCheck) again(id string) {
	if n := c.nodes[id]; n != nil && n.failed {
		c.failed--
		c.forgiven = max(c.forgiven-1, 0)
		*n = rolloutNode{canary: n.canary}
		c.started--
	}
}

// over holds the end of the run.
func (c *rolloutCheck) over() {
	if c.nodes == nil {
		return
	}
	for _, id := range c.order {
		if n := c.nodes[id]; !n.ended {
			c.w.violated("%s was not ended by the rollout", id)
		}
	}
}
