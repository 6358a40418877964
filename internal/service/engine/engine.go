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
	// NoPower says that there is no power control.
	NoPower bool
	// NoInventory says that there is none: sessions cannot be set up and
	// discovery does not run.
	NoInventory bool
}

// Engine is the state of all that is due. It is not safe for concurrent use.
type Engine struct {
	settings Settings
	options  bos.Options
	policy   bos.Policy

	nodes     map[string]*node
	bySession map[bos.SessionKey]int // enabled components per session
	sessions  map[bos.SessionKey]*session
	byName    map[string]map[bos.SessionKey]*session
	// gathering are the sessions whose setup facts are being gathered, in rounds.
	gathering map[bos.SessionKey]*round
	rounds    int
	// flights are the effects that were started and are not answered, also of
	// nodes that were disabled or deleted meanwhile: a node that comes back
	// waits for the answer.
	flights map[string]bos.EffectKind
	// asked are the nodes whose power is being asked for, also of those not in
	// work: a BMC that hangs is given no second question.
	asked map[string]bool
	ramp  *ramp
	site  bos.Brake
	room  *room
	// outage is that of the BMCs.
	outage outage
	paces  paces
	// ranks counts the nodes that power actions are under way on.
	ranks map[bos.Action]ranks
	wakes *wakes

	nextDiscovery time.Time
	nextRecheck   time.Time
	nextClean     time.Time

	step step
}

// node is an enabled component with what is going on around it.
type node struct {
	rec           bos.Record
	reading       bos.PowerReading
	configuration bos.ConfigurationReading
	// since is when the component was last armed by somebody else: older
	// readings do not count.
	since time.Time
	// silence is the unbroken row of power readings that do not settle what the power
	// is, missing that of
	// answers of the configuration service without the node.
	silence, missing row
	// power and configured are the questions to the two upstreams.
	power, configured look
	// awaits says that the last decision waits for the power to change, or
	// to become known; hinted is when a hint came meanwhile that no look has
	// followed yet.
	awaits bool
	hinted time.Time
	// accepted is the power action that its target is known to have taken.
	// It shows in the record with the next write, which is soon enough:
	// after a crash the power state tells.
	accepted time.Time
	// unstored is the effect of that action until a write of the node is durable.
	unstored bos.EffectKind
	// answered is when that was known: its call may have waited long for its
	// turn among those of other nodes.
	answered time.Time
	// stopped is since when a brake keeps it, zero if none does.
	stopped time.Time
	// shifted is when the power action under way was decided, if a brake has kept the
	// node since: it then says nothing about how long that takes.
	shifted time.Time
	// unwritten says that the record is ahead of the stored one, by boot
	// parameters that the boot service has: after a restart it is given them again.
	unwritten bool
	// rank is the node's among those that have the power action of a time
	// under way; the first of them are scouts.
	rank   int
	ranked time.Time
}

// row is an unbroken row of readings that say nothing.
type row struct {
	// since is when the first one came, at when the last one did; zero if the
	// row is broken.
	since, at time.Time
	// elapsed is what the newest adds to the row, used once.
	elapsed time.Duration
}

// add takes the newest reading in; longest bounds what it can add.
func (r *row) add(bad bool, now time.Time, longest time.Duration) {
	r.elapsed = 0
	if bad && !r.at.IsZero() {
		r.elapsed = min(now.Sub(r.at), longest)
	}
	if !bad {
		r.since, r.at = time.Time{}, time.Time{}
		return
	}
	if r.at.IsZero() {
		r.since = now
	}
	r.at = now
}

// length is how long the row has lasted.
func (r *row) length() time.Duration { return r.at.Sub(r.since) }

// take is the time that the newest reading adds, once.
func (r *row) take() time.Duration {
	elapsed := r.elapsed
	r.elapsed = 0
	return elapsed
}

// step is what one Step gathers; it is emptied before the next.
type step struct {
	// now is the time of the clock, which measures waits; times are the others.
	now     time.Time
	times   Times
	out     Outputs
	touched map[string]bool
	writes  map[string]bos.Record
	effects map[string]decide.Wanted
	check   map[string]bool // session names to check for completion
	assess  *decide.Assessment
	// manyUnanswered is what the room says of it, nil until somebody asks.
	manyUnanswered *bool
}

// New is an engine that knows nothing yet.
func New(s Settings) *Engine {
	e := &Engine{
		settings:  s,
		nodes:     make(map[string]*node),
		bySession: make(map[bos.SessionKey]int),
		sessions:  make(map[bos.SessionKey]*session),
		byName:    make(map[string]map[bos.SessionKey]*session),
		gathering: make(map[bos.SessionKey]*round),
		flights:   make(map[string]bos.EffectKind),
		asked:     make(map[string]bool),
		ramp:      newRamp(s.Limits),
		room:      newRoom(),
		paces:     make(paces),
		ranks:     make(map[bos.Action]ranks),
		wakes:     newWakes(),
	}
	e.setOptions(bos.DefaultOptions())
	return e
}

func (e *Engine) setOptions(o bos.Options) {
	e.options = o
	p := o.Policy()
	orElse := func(v, otherwise time.Duration) time.Duration {
		if v > 0 {
			return v
		}
		return otherwise
	}
	p.MaxUnreachable = orElse(e.settings.MaxUnreachable, p.MaxUnreachable)
	p.ConfirmGrace = orElse(e.settings.ConfirmGrace, p.ConfirmGrace)
	p.SetupGiveUp = orElse(e.settings.SetupGiveUp, p.SetupGiveUp)
	p.Configures = e.settings.Configures
	p.Limits = e.ramp.limits
	e.policy = p
	e.room.patience, e.room.blind = p.MaxUnreachable, e.settings.NoPower
	e.room.fresh = min(max(p.MaxUnreachable/2, 2*time.Second), 30*time.Second)
}

// Step takes in what happened and says what to do. The work is proportional to
// what is due, not to the size of the system.
func (e *Engine) Step(now time.Time, in Inputs) Outputs {
	last := e.step.out.Commit
	e.begin(now, in.Times)
	e.committed(in.Committed, last)
	e.takeIn(in)
	e.wake()
	for _, id := range sortedKeys(e.step.touched) {
		e.decide(id)
	}
	e.takeTurns()
	e.finishWrites()
	e.runSessions(in)
	e.runDiscovery(in.Discovery)
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
	e.finishWrites()
	return e.step.out
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
		writes:  make(map[string]bos.Record),
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
			n.unstored = bos.EffectNone
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
		delete(e.flights, id)
		e.ramp.landed(id, false, e.step.now)
		if _, ok := e.nodes[id]; ok {
			e.step.touched[id] = true
		}
	}
	maps.Copy(e.flights, in.Flights)
	for _, r := range in.Records {
		e.track(r)
	}
	for _, id := range in.Deleted {
		e.untrack(id)
	}
	for _, r := range in.Readings {
		e.sight(r)
	}
	e.paces.settle(e.step.now)
	for _, r := range in.Configurations {
		e.sightConfiguration(r)
	}
	for _, r := range in.Results {
		e.settle(r)
	}
	for _, id := range in.Hints {
		e.hint(id)
	}
}

// track takes over a record that somebody else wrote.
func (e *Engine) track(r bos.Record) {
	e.step.check[r.Session] = true
	e.step.check[r.StagedState.Session] = true
	if !r.Enabled {
		e.untrack(r.ID)
		return
	}
	r.Work = present(r.Work, e.step.now)
	n, known := e.nodes[r.ID]
	if known && r.Revision < n.rec.Revision {
		return
	}
	if !known {
		n = &node{since: e.step.now, power: look{out: e.asked[r.ID]}}
		e.nodes[r.ID] = n
		e.room.use(r.ID)
	} else {
		e.count(n.rec.Key(), -1)
		if r.Revision != n.rec.Revision && r.Work.JustArmed() {
			n.since = e.step.now
			n.reading, n.configuration = bos.PowerReading{}, bos.ConfigurationReading{}
		}
	}
	if known && n.awaits && r.ActualState != n.rec.ActualState {
		// It reports: whatever its power is waited for has come to pass.
		n.hinted = e.step.now
	}
	if !n.accepted.IsZero() && r.Work.Flight.At.Equal(n.accepted) {
		r.Work.Flight.Kind = bos.EffectNone
	}
	n.rec, n.unwritten = r, false
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
	e.room.setAway(id, false, e.step.now)
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

// sight takes a power reading in, for the node and for what is known of its BMC.
func (e *Engine) sight(r bos.PowerReading) {
	bad := r.State == bos.PowerStateUnknown || r.State == bos.PowerStatePoweringOff
	delete(e.asked, r.ID)
	e.room.see(r, e.step.now)
	n, ok := e.nodes[r.ID]
	if !ok {
		return
	}
	n.power.out = false
	e.step.touched[r.ID] = true
	if r.Asked.Before(n.since) {
		return
	}
	n.silence.add(bad, e.step.now, 2*e.room.fresh)
	if decide.DefersByInability(r.Undone) {
		e.room.setAway(r.ID, true, e.step.now)
	}
	action := n.rec.LastAction.Action
	if o, ok := outcomeOf(n, r); ok && e.paces.learn(action, o) {
		e.learned(action)
	}
	n.reading = r
}

// sightConfiguration takes an answer of the configuration service in.
func (e *Engine) sightConfiguration(r bos.ConfigurationReading) {
	n, ok := e.nodes[r.ID]
	if !ok {
		return
	}
	n.configured.out = false
	e.step.touched[r.ID] = true
	if r.Asked.Before(n.since) {
		return
	}
	n.missing.add(r.Missing, e.step.now, 2*max(e.policy.Polling, time.Second))
	n.configuration = r
}

// settle takes the answer to an effect in.
func (e *Engine) settle(r Result) {
	if e.flights[r.ID] == r.Effect.Kind { // else it is of an earlier call, told to an engine that starts
		delete(e.flights, r.ID)
	}
	if r.Effect.Kind.PowerOp() != "" {
		e.ramp.landed(r.ID, r.Outcome != bos.CallNotAttempted, e.step.now)
		e.room.setAway(r.ID, decide.DefersByInability(r.CallResult), e.step.now)
		e.room.answered(r.CallResult, e.step.now)
	}
	n, ok := e.nodes[r.ID]
	if !ok {
		return
	}
	e.step.touched[r.ID] = true
	now := e.step.now
	if r.Withheld && !n.stopped.IsZero() {
		e.write(n, decide.Withhold(n.rec, r.Effect.Kind))
		return
	}
	switch r.Effect.Kind {
	case bos.EffectWriteBoot:
		if r.Token != "" && r.Outcome == bos.CallDone {
			if e.step.out.Commit.Tokens == nil {
				e.step.out.Commit.Tokens = make(map[string]bos.BootArtifacts)
			}
			e.step.out.Commit.Tokens[r.Token] = r.Effect.Artifacts
		}
		next := decide.SettleBoot(n.rec, r.Effect.Artifacts, r.Token, r.CallResult, now)
		if r.Outcome == bos.CallDone && n.power.out && next.Enabled {
			// What the look that is out leads to is written in a moment.
			n.rec, n.unwritten = stamped(n.rec, next, e.step.times.Wall), true
			return
		}
		e.write(n, next)
	case bos.EffectConfigure:
		// What was read before is no longer what the service has.
		n.configuration = bos.ConfigurationReading{}
		e.write(n, decide.SettleConfigure(n.rec, r.Effect.Configuration, r.CallResult, now))
	default:
		next := decide.Settle(n.rec, r.Effect, e.room.shared(r.CallResult), now)
		if r.Outcome == bos.CallDone && next.Work.Attempt.At.Equal(n.rec.Work.Attempt.At) {
			n.accepted, n.answered, n.rec = next.Work.Flight.At, now, stamped(n.rec, next, e.step.times.Wall)
			n.unstored = r.Effect.Kind
			return
		}
		e.write(n, next)
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
	return sortedKeys(e.nodes), keys
}

// Accepted are the answers that this engine has taken in and that are not stored
// yet, as they travel with the next write of their node: for the engine that follows
// it in this process. What was decided since, and not stored either, changes nothing.
func (e *Engine) Accepted() []Result {
	var results []Result
	for _, id := range sortedKeys(e.nodes) {
		if kind := e.nodes[id].unstored; kind != bos.EffectNone {
			results = append(results, Result{Effect: bos.Effect{Kind: kind}, CallResult: bos.CallResult{ID: id}})
		}
	}
	return results
}

// decide asks for the decision on one node and takes it over.
func (e *Engine) decide(id string) {
	n, ok := e.nodes[id]
	if !ok {
		return
	}
	gate := e.gate(id, n)
	if e.flights[id] != bos.EffectNone {
		return
	}
	now := e.step.now
	if n.stopped.IsZero() && !n.rec.Work.StoppedAt.IsZero() {
		n.silence.restart(now)
		n.missing.restart(now)
	}
	o := decide.Observation{
		Gate:  gate,
		Power: n.reading, Elapsed: n.silence.take(), Unknown: n.silence.length(), Expect: e.expect(n), Scouted: e.scouted(n),
		Configuration: n.configuration, ConfigurationElapsed: n.missing.take(),
		Hearing: e.step.times.Hearing, Wall: e.step.times.Wall,
	}
	o.Power.Undone = e.room.shared(o.Power.Undone)
	if n.reading.State == bos.PowerStateUnknown && !n.reading.Asked.IsZero() {
		o.Verdict = e.verdict(id)
	}
	if n.rec.Work.Flight.Unanswered && n.rec.Work.Flight.Kind != bos.EffectNone {
		o.ManyUnanswered = e.manyUnanswered()
	}
	before := n.rec
	d := decide.Decide(n.rec, o, e.policy, now)
	n.wentOn(before, d.Next)
	e.ramp.decided(id, d)
	e.write(n, d.Next)
	e.note(before, d)
	e.noteOutage(id, o, d)
	if d.Effect.Kind != bos.EffectNone {
		e.flights[id] = d.Effect.Kind
		e.step.effects[id] = decide.Wanted{Effect: d.Effect, Session: d.Next.Session}
		e.step.out.Orders[id] = d.Next.Order()
	}
	e.schedule(id, n, d)
}

// manyUnanswered reports whether power actions go unanswered for an outage; the room
// is asked once in a step.
func (e *Engine) manyUnanswered() bool {
	if e.step.manyUnanswered == nil {
		many := e.room.manyUnanswered(e.step.now)
		e.step.manyUnanswered = &many
	}
	return *e.step.manyUnanswered
}

// takeTurns decides on the nodes whose turn has come to use the power limits. A
// turn that is not needed any more goes to the next.
func (e *Engine) takeTurns() {
	for ids := e.ramp.turns(e.step.now); len(ids) > 0; ids = e.ramp.turns(e.step.now) {
		for _, id := range ids {
			if _, ok := e.nodes[id]; !ok || e.flights[id] != bos.EffectNone {
				e.ramp.leave(id)
				continue
			}
			e.decide(id)
		}
	}
}

// write keeps the next record of a node, to be committed with the pass.
func (e *Engine) write(n *node, next bos.Record) {
	if next == n.rec && (!n.unwritten || n.power.out) {
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
	e.step.writes[next.ID] = next
	n.rec = next
}

// finishWrites puts the changed records into the commit and the effects into
// batches; from here on memory is ahead of the store by this commit, until the next
// step is told its revision.
func (e *Engine) finishWrites() {
	out := &e.step.out
	out.Commit.Components = make([]bos.Record, 0, len(e.step.writes))
	for _, id := range sortedKeys(e.step.writes) {
		next := e.step.writes[id]
		out.Commit.Components = append(out.Commit.Components, next)
		if !next.Enabled {
			e.untrack(id)
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
