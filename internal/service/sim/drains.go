package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/wlm"
)

// Manager is the workload manager, Checker the health check.
const (
	Manager Upstream = "workload manager"
	Checker Upstream = "health check"
)

// Drains are a workload manager and a health check, and what its users and other
// administrators do there.
type Drains struct {
	// Jobs and Admins are how many jobs begin, and how often an administrator drains a
	// node or ends such a drain, while there are faults. At the start one node in three has
	// a job, and one in five is drained by an administrator.
	Jobs, Admins int
	// Up keeps the nodes that are on at the start.
	Up string
	// Lost is the share of commands that end with an error, of which one in two has done
	// what it should.
	Lost   float64
	Policy bos.WorkloadPolicy
	// Health has a health check, which one node in two passes at once.
	Health bool
}

// On reports whether there are any.
func (d Drains) On() bool { return d.Policy.On || d.Health }

// What the simulation of drains is to meet.
const (
	DrainWaited    Kind = "a job that ends on a drained node"
	DrainForeign   Kind = "a node booted that somebody else had drained"
	DrainTakenOver Kind = "a drain that an administrator makes his own"
	DrainLost      Kind = "a command to the workload manager without an answer"
	DrainReturned  Kind = "a node that is given back"
	DrainKept      Kind = "a node that has failed and stays drained"
	DrainAbandoned Kind = "a node whose session is cancelled, given back"
	DrainGivenUp   Kind = "a node whose drain could not be ended"
	UnhealthyThen  Kind = "a node that is not healthy at first"
)

// DrainKinds lists them.
func DrainKinds() []Kind {
	return []Kind{DrainWaited, DrainForeign, DrainTakenOver, DrainLost, DrainReturned, DrainKept, DrainAbandoned, UnhealthyThen}
}

const (
	// longestJob is how long a job runs at most, firstJobs after how long in service a
	// node is given one: nobody can know of one that begins while a power action is on its
	// way.
	longestJob = 10 * time.Minute
	firstJobs  = 5 * time.Minute
	// fewestTries is how often the return of a node is tried at least before it is given up.
	fewestTries = 30
	// badHealth is how long a node needs at most to become healthy.
	badHealth = 3 * time.Minute
)

// drains is the workload manager.
type drains struct {
	w     *World
	nodes map[string]*drainable
}

// drainable is a node of it.
type drainable struct {
	drained bool
	reason  string
	job     bool
	// served is since when it is in service.
	served time.Time
	// well is from when on it is healthy, since its last power action; called is when
	// that was last said.
	well, called time.Time
}

func (w *World) planDrains() {
	w.drains = &drains{w: w, nodes: make(map[string]*drainable)}
	d := w.config.Drains
	if !d.On() {
		return
	}
	if w.config.Rollout == nil { // whose nodes run anyway
		for _, id := range w.check.selected(d.Up) {
			w.room.Reset(id, "On", Epoch)
		}
	}
	for i, n := range w.room.Inventory().Nodes {
		of := &drainable{served: Epoch}
		w.drains.nodes[n.ID] = of
		if i%3 == 0 {
			w.drains.begin(of)
		}
		if i%5 == 0 {
			of.drained, of.reason = true, "a bad DIMM"
		}
	}
	for range d.Jobs {
		w.at(Epoch.Add(time.Duration(w.rng.Int64N(int64(w.config.FaultsFor)))), w.drains.submit)
	}
	for range d.Admins {
		w.at(Epoch.Add(time.Duration(w.rng.Int64N(int64(w.config.FaultsFor)))), w.drains.administer)
	}
}

// some is a node by chance.
func (d *drains) some() (string, *drainable) {
	ids := slices.Sorted(maps.Keys(d.nodes))
	id := ids[d.w.rng.IntN(len(ids))]
	return id, d.nodes[id]
}

func (d *drains) begin(n *drainable) {
	n.job = true
	d.w.after(time.Duration(d.w.rng.Int64N(int64(longestJob))), func() {
		if n.job && n.drained && bos.MarkOf(n.reason) != "" {
			d.w.happened(DrainWaited)
		}
		n.job = false
	})
}

// submit begins a job on a node that takes one.
func (d *drains) submit() {
	id, n := d.some()
	is, _ := d.w.room.Node(id, d.w.Now)
	if !n.drained && !n.job && is.Booted && d.w.Now.Sub(n.served) >= firstJobs {
		d.begin(n)
	}
}

// administer drains a node, also one that is drained by somebody else, or ends such a
// drain of an administrator.
func (d *drains) administer() {
	switch _, n := d.some(); {
	case n.drained && bos.MarkOf(n.reason) == "":
		n.drained, n.reason, n.served = false, "", d.w.Now
	case n.drained:
		d.w.happened(DrainTakenOver)
		fallthrough
	default:
		n.drained, n.reason = true, "a bad DIMM"
	}
}

// acts holds a power action against the jobs of its node.
func (d *drains) acts(op bos.PowerOp, id string) {
	n := d.nodes[id]
	if n == nil {
		return
	}
	if is, _ := d.w.room.Power(id, d.w.Now); n.job && is == bos.PowerStateOn && op != bos.PowerOn && d.w.config.Drains.Policy.On {
		d.w.violated("%s of %s ends a job on it", op, id)
	}
	if op == bos.PowerOn {
		n.well, n.called = d.w.Now.Add(time.Duration(d.w.rng.Int64N(int64(badHealth)))), time.Time{}
		if n.drained && bos.MarkOf(n.reason) == "" {
			d.w.happened(DrainForeign)
		}
	}
}

// ended holds a node that is no longer in work against the manager.
func (d *drains) ended(r bos.Record) {
	n := d.nodes[r.ID]
	if n == nil || r.Enabled || r.Goal != bos.GoalBoot || r.Excluded() {
		return
	}
	if r.Status.StatusOverride == bos.StatusFailed {
		if n.drained && bos.MarkOf(n.reason) != "" {
			d.w.happened(DrainKept)
		}
		return
	}
	if n.drained && bos.MarkOf(n.reason) != "" && d.w.config.Drains.Policy.On {
		d.w.violated("%s is done and stays drained for %q", r.ID, n.reason)
	}
	if d.w.config.Drains.Health && n.called.IsZero() {
		d.w.violated("%s is done and nobody called it healthy", r.ID)
	}
}

// given reports whether no drain is to be ended any more.
func (d *drains) given() bool {
	tended, err := d.w.store.Components(d.w.ctx, bos.ComponentFilter{Tended: true})
	return err == nil && !slices.ContainsFunc(tended, func(r bos.Record) bool { return r.Work.Left.Waits() })
}

// over holds the manager against the nodes when all sessions are over: one that is drained
// by this service has failed, is shut down, was rebooted and taken out of its session, or
// says that its drain could not be ended, as when the manager is out for long.
func (d *drains) over() {
	if !d.w.config.Drains.Policy.On {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(d.nodes)) {
		n := d.nodes[id]
		r, ok := d.w.check.stored(id)
		if !ok || d.w.check.deleted[id] || !n.drained || bos.MarkOf(n.reason) == "" {
			continue
		}
		if words := strings.TrimPrefix(n.reason, bos.MarkOf(n.reason)+" "); strings.HasPrefix(words, "failed (") || words == "shut down" || strings.HasPrefix(words, "taken out of its session") {
			continue
		}
		if r.Work.Left.State == bos.LeftGivenUp && r.Work.Left.Tries >= fewestTries {
			d.w.happened(DrainGivenUp)
			continue
		}
		if r.Status.StatusOverride == bos.StatusFailed && r.Work.Cause != bos.CauseCancelled {
			continue
		}
		d.w.violated("%s stays drained for %q when all is over: %s, %+v, %+v", id, n.reason, r.DeriveStatus(), r.Work.Drain, r.Work.Left)
	}
}

// workload is the manager as a process has it: the adapter of a site, over commands
// that are carried out here.
type workload struct{ p *process }

func (m workload) adapter() *wlm.Manager { return wlm.New(workloadCommands(m), wlm.ByXname{}) }

// Probe asks for nodes.
func (m workload) Probe(ctx context.Context, ids []string, each func(bos.WorkloadReading)) {
	w, asked := m.p.w, m.p.w.Now
	m.adapter().Probe(ctx, ids, func(r bos.WorkloadReading) {
		r.Asked = asked
		if w.config.Bug == BugLiftsForeign && r.State == bos.WorkloadForeign {
			record := w.check.record(r.ID)
			r.State, r.Mark = bos.WorkloadDrained, bos.DrainMark(record.Key())
		}
		if w.config.Bug == BugJobsUnseen {
			r.Jobs = false
		}
		each(r)
	})
}

// Drain drains nodes.
func (m workload) Drain(ctx context.Context, reason string, ids []string, each func(bos.CallResult)) {
	m.adapter().Drain(ctx, reason, ids, m.each(ids, bos.EffectDrain, each))
}

// Reword gives drains another reason.
func (m workload) Reword(ctx context.Context, reason string, ids []string, each func(bos.CallResult)) {
	m.adapter().Reword(ctx, reason, ids, m.each(ids, bos.EffectReword, each))
}

// Return ends drains.
func (m workload) Return(ctx context.Context, mark string, ids []string, each func(bos.CallResult)) {
	if m.p.w.config.Bug == BugLiftsForeign {
		_ = workloadCommands(m).Resume(ctx, ids)
	}
	m.adapter().Return(ctx, mark, ids, m.each(ids, bos.EffectReturn, each))
}

// each holds a call against the others under way, until it is answered.
func (m workload) each(ids []string, kind bos.EffectKind, each func(bos.CallResult)) func(bos.CallResult) {
	m.p.w.check.begins(m.p, kind, ids...)
	return func(r bos.CallResult) {
		m.p.w.check.answered(m.p, r.ID)
		each(r)
	}
}

// workloadCommands are the commands: what was read is still so when the next one is
// carried out, for that is as short as a program's start.
type workloadCommands struct{ p *process }

var errManager = errors.New("exit status 1: unable to contact the controller")

// Nodes tells of nodes.
func (m workloadCommands) Nodes(_ context.Context, names []string) (map[string]wlm.Node, error) {
	w := m.p.w
	m.p.sleep(w.delay())
	if w.out[Manager] {
		m.p.sleep(dialTimeout)
		return nil, errManager
	}
	nodes := make(map[string]wlm.Node, len(names))
	for _, name := range names {
		if n := w.drains.nodes[name]; n != nil {
			is, _ := w.room.Node(name, w.Now)
			nodes[name] = wlm.Node{Drained: n.drained, Reason: n.reason, Jobs: n.job, Heard: is.Booted, State: fmt.Sprintf("drained %t", n.drained)}
		}
	}
	return nodes, nil
}

// change carries a command out, or not, and answers, or not.
func (m workloadCommands) change(names []string, do func(id string, n *drainable)) error {
	w := m.p.w
	lost := w.out[Manager] || w.chance(w.config.Drains.Lost)
	if !lost || w.rng.IntN(2) == 0 && !w.out[Manager] {
		for _, name := range names {
			do(name, w.drains.nodes[name])
		}
	}
	m.p.sleep(w.delay())
	if lost {
		w.happened(DrainLost)
		return errManager
	}
	return nil
}

// Drain drains nodes.
func (m workloadCommands) Drain(_ context.Context, names []string, reason string) error {
	w := m.p.w
	return m.change(names, func(id string, n *drainable) {
		switch {
		case n.drained && bos.MarkOf(n.reason) == "":
			w.violated("the drain of %s by somebody else is given the reason %q", id, reason)
		case n.drained && n.reason == reason:
			w.violated("%s is drained twice for %q", id, reason)
		}
		n.drained, n.reason = true, reason
	})
}

// Resume ends drains, whosever they are.
func (m workloadCommands) Resume(_ context.Context, names []string) error {
	w := m.p.w
	return m.change(names, func(id string, n *drainable) {
		if n.drained && bos.MarkOf(n.reason) == "" {
			w.violated("the drain of %s by somebody else (%q) is lifted", id, n.reason)
		}
		if r, ok := w.check.stored(id); ok && !r.Enabled {
			w.happened(DrainAbandoned)
		} else {
			w.happened(DrainReturned)
		}
		n.drained, n.reason, n.served = false, "", w.Now
	})
}

// healthCheck is the health check as a process has it.
type healthCheck struct{ p *process }

// Probe asks for nodes.
func (h healthCheck) Probe(_ context.Context, ids []string, each func(bos.HealthReading)) {
	w, asked := h.p.w, h.p.w.Now
	h.p.sleep(w.delay())
	for _, id := range ids {
		r := bos.HealthReading{ID: id, Asked: asked, Detail: "no answer"}
		switch n := w.drains.nodes[id]; {
		case w.out[Checker], w.chance(w.config.Faults.Refuse):
		case w.Now.Before(n.well):
			w.happened(UnhealthyThen)
			r.Verdict, r.Detail = bos.Unhealthy, "lustre is not mounted"
		default:
			n.called, r.Verdict = w.Now, bos.Healthy
		}
		if w.config.Bug == BugUnknownIsHealthy {
			r.Verdict = bos.Healthy
		}
		each(r)
	}
}
