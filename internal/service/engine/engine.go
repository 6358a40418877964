package engine

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// Settings are what the service, not an API client, sets; zero values stand
// for the defaults of package bos.
type Settings struct {
	MaxUnreachable time.Duration
	ConfirmGrace   time.Duration
	SetupGiveUp    time.Duration
	// Limits bound the power actions of all nodes together.
	Limits bos.PowerLimits
	// Configures says that there is a configuration service.
	Configures bool
	// BootProof is what the site takes as proof of a boot, and Proofs says that proofs
	// can be asked for.
	BootProof bos.BootProof
	Proofs    bool
	// Workload is how nodes are drained, Health how long they have to become healthy.
	Workload bos.WorkloadPolicy
	Health   bos.HealthPolicy
	// Scripted says that nodes fetch their boot scripts here, and not elsewhere.
	Scripted bool
	// NoPower says that there is no power control.
	NoPower bool
	// Portion is how many nodes one step decides on at most.
	Portion int
	// Verify has what the engine keeps of rollouts held against what it is made of, at the
	// cost of looking at every node each time. An engine that is wrong panics.
	Verify bool
	// NoInventory says that there is none: sessions cannot be set up and
	// discovery does not run.
	NoInventory bool
}

// Engine is the state of all that is due. It is not safe for concurrent use.
type Engine struct {
	settings Settings
	options  bos.Options
	policy   bos.Policy

	nodes map[string]*node
	// idle are the components that are not in work and are seen to all the same.
	idle      map[string]*idle
	bySession map[bos.SessionKey]int // enabled components per session
	sessions  map[bos.SessionKey]*session
	byName    map[string]map[bos.SessionKey]*session
	// rolling are the sessions in whose rollouts under way a node is, by node.
	rolling map[string]map[*session]bool
	// gathering are the sessions whose setup facts are being gathered, in rounds.
	gathering map[bos.SessionKey]*round
	rounds    int
	// inFlight are the effects that were started and are not answered, also of
	// nodes that were disabled or deleted meanwhile: a node that comes back
	// waits for the answer.
	inFlight map[string]bos.EffectKind
	// asked are the nodes whose power is being asked for, also of those not in
	// work: a BMC that hangs is given no second question.
	asked map[string]bool
	ramp  *ramp
	site  bos.Brake
	room  *room
	// outage is that of the BMCs.
	outage outage
	pacer  *pacer
	// configurations is what configurations took lately, by name.
	configurations map[string]time.Duration
	wakes          *wakes
	// backlog are the nodes that are to be decided on.
	backlog backlog

	// newcomers are the nodes that a discovery has found and that are to get a record.
	newcomers []string
	// discoveries counts those that were answered, and discovered says that one was with
	// the inventory.
	discoveries   int
	discovered    bool
	nextDiscovery time.Time
	nextRecheck   time.Time
	nextClean     time.Time

	step step
}

// step is what one Step gathers; it is emptied before the next.
type step struct {
	// now is the time of the clock, which measures waits; times are the others.
	now     time.Time
	times   Times
	out     Outputs
	touched map[string]bool
	writes  map[string]*node
	idle    map[string]*idle // those of idle that are written
	effects map[string]decide.Wanted
	check   map[string]bool // session names to check for completion
	assess  *decide.Assessment
	// manyUnanswered is what the room says of it, nil until somebody asks.
	manyUnanswered *bool
}

// New is an engine that knows nothing yet.
func New(s Settings) *Engine {
	if s.Portion <= 0 {
		s.Portion = portionSize
	}
	e := &Engine{
		settings:       s,
		nodes:          make(map[string]*node),
		idle:           make(map[string]*idle),
		bySession:      make(map[bos.SessionKey]int),
		sessions:       make(map[bos.SessionKey]*session),
		byName:         make(map[string]map[bos.SessionKey]*session),
		rolling:        make(map[string]map[*session]bool),
		gathering:      make(map[bos.SessionKey]*round),
		inFlight:       make(map[string]bos.EffectKind),
		asked:          make(map[string]bool),
		ramp:           newRamp(s.Limits),
		room:           newRoom(),
		pacer:          newPacer(),
		configurations: make(map[string]time.Duration),
		wakes:          newWakes(),
	}
	e.setOptions(bos.DefaultOptions())
	return e
}

func (e *Engine) setOptions(o bos.Options) {
	p := e.settings.Policy(o)
	e.options, e.policy = o, p
	e.room.patience, e.room.blind = p.MaxUnreachable, e.settings.NoPower
	e.room.fresh = min(max(p.MaxUnreachable/2, 2*time.Second), 30*time.Second)
}

// Policy is what decisions go by under these options.
func (s Settings) Policy(o bos.Options) bos.Policy {
	p := o.Policy()
	orElse := func(v, otherwise time.Duration) time.Duration {
		if v > 0 {
			return v
		}
		return otherwise
	}
	p.MaxUnreachable = orElse(s.MaxUnreachable, p.MaxUnreachable)
	p.ConfirmGrace = orElse(s.ConfirmGrace, p.ConfirmGrace)
	p.SetupGiveUp = orElse(s.SetupGiveUp, p.SetupGiveUp)
	p.Configures, p.BootProof, p.Proofs = s.Configures, s.BootProof, s.Proofs
	p.Limits, p.Workload, p.Health = s.Limits, s.Workload, s.Health
	return p
}

// Step takes in what happened and says what to do. The work is proportional to
// what is due, not to the size of the system.
func (e *Engine) Step(now time.Time, in Inputs) Outputs {
	last := e.step.out.Commit
	e.begin(now, in.Times)
	e.committed(in.Committed, last)
	e.takeIn(in)
	e.wake()
	e.backlog.add(sortedKeys(e.step.touched))
	for _, id := range e.backlog.take(e.settings.Portion) {
		e.decide(id)
	}
	e.step.out.More = len(e.backlog.ids) > 0
	e.admitQueued()
	e.runRollouts()
	e.finishWrites()
	e.runDiscovery(in.Discovery)
	e.runSessions(in)
	e.runCleanup()
	e.callWitnesses()
	e.endOutage(in)
	e.step.out.Wake = e.nextWake()
	return e.step.out
}

// StepToStop takes the last answers in for an engine that stops: it settles
// them and starts nothing new.
func (e *Engine) StepToStop(now time.Time, in Inputs) Outputs {
	last := e.step.out.Commit
	e.begin(now, in.Times)
	e.committed(in.Committed, last)
	for _, r := range in.Records {
		e.track(r)
	}
	for _, r := range in.Results {
		e.settle(r)
	}
	for _, n := range e.nodes {
		e.writeSettled(n)
	}
	e.finishWrites()
	return e.step.out
}

// writeSettled writes what answers have said of a node, also in steps before, that was to
// travel with what is decided on it next.
func (e *Engine) writeSettled(n *node) {
	if n.unwritten || n.accepted.unstored != bos.EffectNone {
		n.unwritten, n.watch.power.out = true, false
		e.write(n, n.rec)
	}
}

func (e *Engine) begin(now time.Time, times Times) {
	now = now.UTC().Round(0)
	if times.Wall.IsZero() {
		times.Wall = now
	}
	e.step = step{
		now:     now,
		times:   times,
		touched: make(map[string]bool),
		writes:  make(map[string]*node),
		idle:    make(map[string]*idle),
		effects: make(map[string]decide.Wanted),
		check:   make(map[string]bool),
		out:     Outputs{Orders: make(map[string]bos.Order)},
	}
}

// committed takes over the revision that the last commit got. Records that it
// met a newer one of are among those that follow.
func (e *Engine) committed(done *bos.Committed, last bos.Commit) {
	if done == nil {
		return
	}
	lost := make(map[string]bool, len(done.Components))
	for _, id := range done.Components {
		lost[id] = true
	}
	for _, r := range last.Components {
		if n, ok := e.nodes[r.ID]; ok && !lost[r.ID] {
			n.rec.Revision = done.Revision
			n.accepted.unstored = bos.EffectNone
		}
		if n, ok := e.idle[r.ID]; ok && !lost[r.ID] {
			n.rec.Revision = done.Revision
		}
	}
	for _, r := range last.Sessions {
		if s, ok := e.sessions[r.Key()]; ok && !slices.Contains(done.Sessions, r.Key()) {
			s.rec.Revision = done.Revision
		}
	}
}

func (e *Engine) takeIn(in Inputs) {
	if in.Options != nil {
		e.setOptions(*in.Options)
		for id := range e.nodes {
			e.step.touched[id] = true
		}
	}
	e.pauseSite(in.SitePause)
	e.ramp.restarted(in.Acted, e.step.now)
	e.ramp.expire(e.step.now)
	e.takeSessions(in)
	for _, id := range in.Dropped {
		delete(e.inFlight, id)
		e.ramp.landed(id, false, e.step.now)
		e.step.touched[id] = true
	}
	maps.Copy(e.inFlight, in.Flights)
	for _, r := range in.Records {
		e.track(r)
	}
	for _, id := range in.Deleted {
		e.noteRollouts(bos.Record{Component: bos.Component{ID: id}})
		e.untrack(id)
		delete(e.idle, id)
	}
	for _, r := range in.Readings {
		e.sight(r)
	}
	e.pacer.settle(e.step.now)
	for _, r := range in.Configurations {
		e.sightConfiguration(r)
	}
	for _, r := range in.Proofs {
		e.sightProof(r)
	}
	e.sightWorkload(in)
	for _, r := range in.Results {
		e.settle(r)
	}
	for _, id := range in.Hints {
		e.hint(id)
	}
	for _, f := range in.Scripts {
		e.fetched(f)
	}
}

// track takes over a record that somebody else wrote.
func (e *Engine) track(r bos.Record) {
	e.step.check[r.Session] = true
	e.step.check[r.StagedState.Session] = true
	e.noteRollouts(r)
	if !r.Enabled {
		e.untrack(r.ID)
		e.trackIdle(r)
		return
	}
	if n, ok := e.idle[r.ID]; ok && r.Revision < n.rec.Revision {
		return
	}
	delete(e.idle, r.ID)
	r.Work = present(r.Work, e.step.now)
	n, known := e.nodes[r.ID]
	if known && r.Revision < n.rec.Revision {
		return
	}
	if !known {
		n = &node{since: e.step.now, watch: watch{power: question{out: e.asked[r.ID]}}}
		e.nodes[r.ID] = n
		e.room.use(r.ID)
	} else {
		e.count(n.rec.Key(), -1)
		if r.Revision != n.rec.Revision && r.Work.JustArmed() {
			n.since = e.step.now
			n.reading, n.configuration, n.proof = bos.PowerReading{}, bos.ConfigurationReading{}, bos.ProofReading{}
			n.workload, n.health = bos.WorkloadReading{}, bos.HealthReading{}
			n.offSince, n.firstOff = time.Time{}, time.Time{}
		}
	}
	if known && r.ActualState != n.rec.ActualState {
		n.watch.reported = e.step.now
	}
	if known && n.watch.awaits && r.ActualState != n.rec.ActualState {
		// It reports: whatever its power is waited for has come to pass.
		n.watch.hinted = e.step.now
	}
	if !n.accepted.at.IsZero() && r.Work.Flight.At.Equal(n.accepted.at) {
		r.Work.Flight.Kind = bos.EffectNone
	}
	n.rec, n.unwritten = r, false
	e.stir(r.ID)
	e.count(r.Key(), 1)
	e.step.touched[r.ID] = true
}

func (e *Engine) untrack(id string) {
	n, ok := e.nodes[id]
	if !ok {
		return
	}
	e.count(n.rec.Key(), -1)
	delete(e.nodes, id)
	e.stir(id)
	e.room.setDeferring(id, false, e.step.now)
	e.ramp.leave(id)
	e.wakes.set(id, time.Time{})
	delete(e.step.touched, id)
}

func (e *Engine) count(session bos.SessionKey, by int) {
	if session.Name == "" {
		return
	}
	e.bySession[session] += by
	if e.bySession[session] <= 0 {
		delete(e.bySession, session)
		e.step.check[session.Name] = true
	}
}

// Known are the components in work and the sessions that are open, as far as the engine
// was told.
func (e *Engine) Known() ([]string, []bos.SessionKey) {
	keys := make([]bos.SessionKey, 0, len(e.sessions))
	for key := range e.sessions {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b bos.SessionKey) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name))
	})
	ids := slices.Concat(sortedKeys(e.nodes), sortedKeys(e.idle))
	slices.Sort(ids)
	return ids, keys
}

// Accepted are the answers that this engine has taken in and that are not stored
// yet, as they travel with the next write of their node: for the engine that follows
// it in this process. What was decided since, and not stored either, changes nothing.
func (e *Engine) Accepted() []Result {
	var results []Result
	for _, id := range sortedKeys(e.nodes) {
		if kind := e.nodes[id].accepted.unstored; kind != bos.EffectNone {
			results = append(results, Result{Effect: bos.Effect{Kind: kind}, CallResult: bos.CallResult{ID: id}})
		}
	}
	return results
}

// write keeps the next record of a node, to be committed with the pass.
func (e *Engine) write(n *node, next bos.Record) {
	if next == n.rec && (!n.unwritten || n.watch.power.out) {
		return
	}
	next = stamped(n.rec, next, e.step.times.Wall)
	n.unwritten = false
	if _, written := e.step.writes[next.ID]; !written {
		// One write per node and pass: the first fixes the revision it
		// was computed from.
		next.Revision = n.rec.Revision
	}
	if next.Key() != n.rec.Key() {
		e.count(n.rec.Key(), -1)
		e.count(next.Key(), 1)
	}
	e.step.writes[next.ID] = n
	n.rec = next
	e.stir(next.ID)
}

// finishWrites puts the changed records into the commit and the effects into
// batches; from here on memory is ahead of the store by this commit, until the next
// step is told its revision.
func (e *Engine) finishWrites() {
	out := &e.step.out
	out.Commit.Components = make([]bos.Record, 0, len(e.step.writes)+len(e.step.idle))
	for _, id := range sortedKeys(e.step.idle) {
		out.Commit.Components = append(out.Commit.Components, e.step.idle[id].rec)
		if !tended(&e.step.idle[id].rec) {
			delete(e.idle, id)
		}
	}
	for _, id := range sortedKeys(e.step.writes) {
		n := e.step.writes[id]
		out.Commit.Components = append(out.Commit.Components, n.rec)
		if !n.rec.Enabled {
			e.noteRollouts(n.rec)
			e.untrack(id)
			e.trackIdle(n.rec)
		}
	}
	out.Effects = decide.Batches(e.step.effects, e.options.MaxComponentBatchSize)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
