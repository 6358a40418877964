package sim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// badImage is the fault of an image that boots on no node.
const badImage = "an image that does not boot"

// foreignFor is for how long others write to the nodes of a rollout.
const foreignFor = 40 * time.Minute

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
	for range w.config.Foreign {
		w.after(operatorLooks+time.Duration(w.rng.Int64N(int64(foreignFor))), w.foreign)
	}
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
	case s.Rollout.Held == bos.HoldWindow:
		w.happened(RolloutWindow)
	case s.Rollout.Held == bos.HoldPromotion:
		w.happened(RolloutPromoted)
		rec, err := w.store.MutateSession(w.ctx, s.Key(), func(rec *bos.SessionRecord) error { return rec.Promote() })
		w.verb("promote", rec, nil, err)
	case s.Rollout.Phase == bos.RolloutHalted:
		w.happened(RolloutHalted)
		w.check.rollout.halted(s)
		skip := !w.config.BadImage || w.check.rollout.resumed
		w.room.LiftFaults(badImage)
		outcomes, err := w.store.SessionNodes(w.ctx, s.Key(), "", bos.AllNodes)
		if err != nil {
			w.violated("the nodes of %s: %s", s.Name, err)
		}
		failed := s.Rollout.Failed(outcomes)
		rec, nodes, err := w.store.MutateOwned(w.ctx, s.Key(), func(rec *bos.SessionRecord, owned []bos.Record, _ bos.Tally) error {
			return rec.Resume(owned, failed, skip, w.wall())
		})
		w.check.rollout.goesOn()
		w.verb("resume", rec, nodes, err)
	default:
	}
}

// foreign is somebody else who does something to nodes of the rollout.
func (w *World) foreign() {
	c := w.check.rollout
	if w.serving() == nil || len(c.order) == 0 {
		return
	}
	first := w.rng.IntN(len(c.order))
	id := c.order[first]
	waits := !c.nodes[id].admitted && !c.nodes[id].ended
	switch kind := w.rng.IntN(4); {
	case kind == 0 && w.sessions < maxSessions:
		few := c.order[first:min(first+1+w.rng.IntN(5), len(c.order))]
		w.createSession(request{op: bos.OperationBoot, limit: strings.Join(few, ",")})
		w.happened(RolloutTaken)
	case kind == 1 && waits && w.config.Operation == "":
		w.room.Reset(id, "ForceOff", w.Now)
		c.wasReset(id)
		c.pressed[id] = w.Now
		w.happened(RolloutButton)
	case kind == 2:
		w.disable(id)
		w.happened(RolloutDisabled)
	case kind == 3 && w.deleteOne(id):
		c.gone(id)
		w.happened(RolloutDeleted)
	default:
	}
}

// disable has a client take a node out of work.
func (w *World) disable(id string) {
	no := false
	written, err := w.store.MutateComponents(w.ctx, []string{id}, func(r *bos.Record, exists bool) error {
		if !exists || r.Session == "" {
			return bos.ErrSkip
		}
		bos.ComponentPatch{Enabled: &no}.Apply(r, nil, w.wall())
		return nil
	})
	if err != nil {
		w.violated("disable: %s", err)
	}
	for _, r := range written {
		w.check.armed(id)
		w.check.rollout.wrote(r)
	}
	w.wrote(shell.Change{Records: written})
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

// Tally counts what rollouts did, and what they must never do.
type Tally struct {
	// Started are the nodes that were started, Failed those that failed.
	Started, Failed int
	// BeyondBudget are those started with the failure budget spent, Unavailable those
	// with more nodes out of service than may be, counting those that were down,
	// InFlight those beyond max_in_flight, OutsideWindow those outside of the window,
	// BeyondCanary those of a bad image that are not of its canary.
	BeyondBudget, Unavailable, InFlight, OutsideWindow, BeyondCanary int
	// Early are calls for nodes whose turn had not come, Late the nodes that kept their
	// rollout beyond their deadline, Unended those that it never was done with.
	Early, Late, Unended int
}

// Add adds another.
func (t *Tally) Add(o Tally) {
	t.Started, t.Failed = t.Started+o.Started, t.Failed+o.Failed
	t.BeyondBudget, t.Unavailable, t.InFlight = t.BeyondBudget+o.BeyondBudget, t.Unavailable+o.Unavailable, t.InFlight+o.InFlight
	t.OutsideWindow, t.BeyondCanary = t.OutsideWindow+o.OutsideWindow, t.BeyondCanary+o.BeyondCanary
	t.Early, t.Late, t.Unended = t.Early+o.Early, t.Late+o.Late, t.Unended+o.Unended
}

// String is what it counts, for people.
func (t Tally) String() string {
	return fmt.Sprintf("%d nodes started, %d failed; started beyond the budget %d, with too many out of service %d, with too many in flight %d, outside of a window %d, beyond the canary of a bad image %d; called before their turn %d, past their deadline %d, never ended %d",
		t.Started, t.Failed, t.BeyondBudget, t.Unavailable, t.InFlight, t.OutsideWindow, t.BeyondCanary, t.Early, t.Late, t.Unended)
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
	// inFlight counts those that were started and have not ended, down those that wait
	// and are out of service. restless are those that wait and whose power may be
	// changing, until the time.
	inFlight, down int
	restless       map[string]time.Time
	// pressed is when somebody pressed the power button of a node that waits.
	pressed map[string]time.Time
}

type rolloutNode struct {
	admitted, ended, failed bool
	canary                  bool
	// down says that it waits and is counted as out of service.
	down  bool
	at    time.Time
	stops int
	// turn is since when it has to be done in time, as it is stored.
	turn time.Time
}

// unseen is for how long the service may not know that somebody powered a node off that
// waits: those are probed each five minutes, and their BMCs may be slow to answer.
const unseen = 6 * time.Minute

// settles is how long the power of a node may go on changing after somebody reset it.
const settles = 10 * time.Minute

// begin takes note of a rollout that was set up.
func (c *rolloutCheck) begin(s bos.SessionRecord) {
	if s.Rollout == nil || len(s.Rollout.Batches) == 0 || s.Key() != c.w.awaited {
		return
	}
	c.spec, c.key, c.nodes, c.order = s.Rollout.Spec, s.Key(), make(map[string]*rolloutNode), nil
	c.begun, c.restless = c.w.Now, make(map[string]time.Time)
	c.pressed = make(map[string]time.Time)
	c.window, _ = c.spec.Window.Clock()
	if s.Operation == bos.OperationConfigure {
		c.w.happened(RolloutConfigures)
	}
	for _, b := range s.Rollout.Batches {
		ids, err := bos.Expand(b.Nodes, bos.MaxExpand)
		if err != nil {
			c.w.violated("the nodes of %s: %s", b.Name, err)
		}
		for _, id := range ids {
			c.nodes[id] = &rolloutNode{canary: b.Canary}
			c.order = append(c.order, id)
			c.restless[id] = c.w.Now.Add(settles)
			if b.Canary {
				c.canary++
			}
		}
	}
}

// wasReset takes note that somebody changes the power of a node.
func (c *rolloutCheck) wasReset(id string) {
	if n := c.nodes[id]; n != nil && !n.admitted && !n.ended {
		c.restless[id] = c.w.Now.Add(settles)
	}
}

// look looks at the power of the nodes that wait and whose power may have changed.
func (c *rolloutCheck) look() {
	for id, until := range c.restless {
		n := c.nodes[id]
		if n.admitted || n.ended {
			delete(c.restless, id)
			continue
		}
		state, _ := c.w.room.Power(id, c.w.Now)
		pressed, was := c.pressed[id]
		silent := c.w.room.Silent(bos.BMCOf(id))
		// One that has been silent for longer than it may has failed before its turn.
		failed := silent && c.w.Now.Sub(c.begun) >= c.spec.NodeDeadline()
		c.counts(n, state != bos.PowerStateOn && !failed && (!was || c.w.Now.Sub(pressed) >= unseen))
		if !c.w.Now.Before(until) && !silent {
			delete(c.restless, id)
		}
	}
}

// counts counts a node that waits as out of service, or not.
func (c *rolloutCheck) counts(n *rolloutNode, down bool) {
	if n.down != down {
		n.down = down
		if down {
			c.down++
		} else {
			c.down--
		}
	}
}

// admits and ends count a node on.
func (c *rolloutCheck) admits(n *rolloutNode) {
	c.counts(n, false)
	n.admitted, n.at, n.stops = true, c.w.Now, c.w.check.stops
	c.inFlight++
}

func (c *rolloutCheck) ends(n *rolloutNode, failed bool) {
	c.counts(n, false)
	if n.admitted {
		c.inFlight--
	}
	n.ended, n.failed = true, failed
	if failed {
		c.failed++
		c.w.Rollouts.Failed++
	}
}

// committed holds a commit against the limits of the rollout: first what it ends, then
// what it starts.
func (c *rolloutCheck) committed(commit bos.Commit, lost map[string]bool) {
	if c.nodes == nil {
		return
	}
	var starts []string
	for i := range commit.Components {
		r := &commit.Components[i]
		n := c.nodes[r.ID]
		switch {
		case n == nil || lost[r.ID]:
			continue
		case r.Key() != c.key:
			if !n.ended { // it was left out
				c.ends(n, false)
			}
			continue
		}
		if turn := r.Work.Admitted; c.w.config.Drains.On() && (r.Work.Drain.Waits() || !turn.Equal(n.turn)) {
			n.at, n.turn = c.w.Now, turn // its time begins when its jobs have ended
		}
		failed := r.Status.StatusOverride == bos.StatusFailed // also while its workload manager is told
		if (!r.Enabled || failed) && !n.ended {
			c.ends(n, failed)
			c.inTime(r.ID, n)
		}
		if r.Enabled && !r.Work.Admitted.IsZero() && !n.admitted && !n.ended {
			starts = append(starts, r.ID)
		}
	}
	if len(starts) == 0 {
		return
	}
	c.look() // at those, too, that are started now
	up := make(map[string]bool)
	for _, id := range starts {
		state, _ := c.w.room.Power(id, c.w.Now)
		up[id] = state == bos.PowerStateOn && !c.w.room.Silent(bos.BMCOf(id))
		c.admits(c.nodes[id])
	}
	for _, id := range starts {
		c.started++
		c.w.Rollouts.Started++
		c.starts(id, up[id])
	}
}

// inTime holds the end of a node against its deadline, where no time stood still.
func (c *rolloutCheck) inTime(id string, n *rolloutNode) {
	const slack = 2 * time.Minute // of calls in flight, which are waited for
	if most := c.spec.NodeDeadline() + slack; n.admitted && n.stops == c.w.check.stops && c.w.Now.Sub(n.at) > most {
		c.w.Rollouts.Late++
		c.w.violated("%s kept the rollout for %s, its deadline is %s", id, c.w.Now.Sub(n.at), c.spec.NodeDeadline())
	}
}

// starts holds the start of a node against the window, the budget and the canary, and,
// where it takes a node out of service that was up, against those that are.
func (c *rolloutCheck) starts(id string, up bool) {
	total, count := len(c.nodes), &c.w.Rollouts
	if open, _ := c.window.Open(c.w.wall()); !open {
		count.OutsideWindow++
		c.w.violated("%s is started at %s, outside of the window", id, c.w.wall())
	}
	if freeze, frozen := c.spec.Frozen(c.w.wall()); frozen {
		count.OutsideWindow++
		c.w.violated("%s is started at %s, while %s", id, c.w.wall(), freeze)
	}
	if spent := c.failed - c.forgiven; spent > c.spec.Budget(total) {
		count.BeyondBudget++
		c.w.violated("%s is started after %d failures, the budget is %d", id, spent, c.spec.Budget(total))
	}
	if c.canary > 0 && !c.nodes[id].canary && c.w.config.BadImage && !c.resumed {
		count.BeyondCanary++
		c.w.violated("%s is started with a bad image, which is not of the canary", id)
	}
	if most := c.spec.InFlightMost(total); c.inFlight > most {
		count.InFlight++
		c.w.violated("%d nodes are in flight with %s, max_in_flight allows %d", c.inFlight, id, most)
	}
	if down := c.inFlight + c.down; up && down > c.spec.UnavailableMost(total) {
		count.Unavailable++
		c.w.violated("%d nodes are out of service with %s, max_unavailable allows %d", down, id, c.spec.UnavailableMost(total))
	}
}

// wrote takes note of what somebody else wrote to a node: the rollout has it no more, or
// it is out of work.
func (c *rolloutCheck) wrote(r bos.Record) {
	n := c.nodes[r.ID]
	switch {
	case n == nil || n.ended:
	case r.Key() != c.key:
		c.ends(n, false)
	case !r.Enabled:
		c.ends(n, r.DeriveStatus() != bos.StatusStable)
	default:
	}
}

// gone takes note of a node whose component was deleted: it has failed.
func (c *rolloutCheck) gone(id string) {
	if n := c.nodes[id]; n != nil && !n.ended {
		c.ends(n, true)
	}
}

// touched holds what is sent to a node against its turn.
func (c *rolloutCheck) touched(what string, ids ...string) {
	for _, id := range ids {
		if n := c.nodes[id]; n != nil && !n.admitted && !n.ended {
			c.w.Rollouts.Early++
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
		c.restless[id] = c.w.Now.Add(settles)
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
			c.w.Rollouts.Unended++
			c.w.violated("%s was not ended by the rollout", id)
		}
	}
}
