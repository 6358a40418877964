package engine

import (
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
	bySession map[string]int // enabled components per session name
	sessions  map[bos.SessionKey]*session
	room      *room
	wakes     *wakes

	nextDiscovery time.Time
	nextRecheck   time.Time

	step step
}

// node is an enabled component with what is going on around it.
type node struct {
	rec     bos.Record
	reading bos.PowerReading
	// since is when the component was last armed by somebody else: older
	// readings do not count.
	since time.Time
	// badAt is when the last of an unbroken row of unknown readings came.
	badAt time.Time
	// elapsed is what the newest reading adds to the row, used once.
	elapsed time.Duration
	looking bool
	// lookAt is when the next look is due, zero if none is or one is out.
	lookAt time.Time
	flying bos.EffectKind
}

// step is what one Step gathers; it is emptied before the next.
type step struct {
	now     time.Time
	out     Outputs
	touched map[string]bool
	writes  map[string]bos.Record
	effects map[string]bos.Effect
	check   map[string]bool // session names to check for completion
	assess  *decide.Assessment
}

// New is an engine that knows nothing yet.
func New(s Settings) *Engine {
	e := &Engine{
		settings:  s,
		nodes:     make(map[string]*node),
		bySession: make(map[string]int),
		sessions:  make(map[bos.SessionKey]*session),
		room:      newRoom(),
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
	e.policy = p
	e.room.fresh = min(max(p.MaxUnreachable/2, 2*time.Second), 30*time.Second)
}

// Step takes in what happened and says what to do. The work is proportional to
// what is due, not to the size of the system.
func (e *Engine) Step(now time.Time, in Inputs) Outputs {
	e.begin(now)
	e.takeIn(in)
	e.wake()
	for _, id := range sortedKeys(e.step.touched) {
		e.decide(id)
	}
	e.finishWrites()
	e.runSessions(in)
	e.runDiscovery(in.Discovery)
	e.callWitnesses()
	e.step.out.Wake = e.nextWake()
	return e.step.out
}

// StepToStop takes the last answers in for an engine that stops: it settles
// them and starts nothing new.
func (e *Engine) StepToStop(now time.Time, in Inputs) Outputs {
	e.begin(now)
	for _, r := range in.Records {
		e.track(r)
	}
	for _, r := range in.Results {
		e.settle(r)
	}
	e.finishWrites()
	return e.step.out
}

func (e *Engine) begin(now time.Time) {
	e.step = step{
		now:     now.UTC().Round(0),
		touched: make(map[string]bool),
		writes:  make(map[string]bos.Record),
		effects: make(map[string]bos.Effect),
		check:   make(map[string]bool),
	}
}

func (e *Engine) takeIn(in Inputs) {
	if in.Options != nil {
		e.setOptions(*in.Options)
		for id := range e.nodes {
			e.step.touched[id] = true
		}
	}
	for _, id := range in.Dropped {
		if n, ok := e.nodes[id]; ok {
			n.flying = bos.EffectNone
			e.step.touched[id] = true
		}
	}
	for _, r := range in.Records {
		e.track(r)
	}
	for _, id := range in.Deleted {
		e.untrack(id)
	}
	for _, r := range in.Readings {
		e.sight(r)
	}
	for _, r := range in.Results {
		e.settle(r)
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
	n, known := e.nodes[r.ID]
	if known && r.Revision < n.rec.Revision {
		return
	}
	if !known {
		n = &node{since: e.step.now}
		e.nodes[r.ID] = n
		e.room.add(r.ID)
	} else {
		e.count(n.rec.Session, -1)
		if r.Revision != n.rec.Revision && r.Status.StatusOverride == bos.StatusOnHold {
			n.since = e.step.now
			n.reading = bos.PowerReading{}
		}
	}
	n.rec = r
	e.count(r.Session, 1)
	e.step.touched[r.ID] = true
}

func (e *Engine) untrack(id string) {
	n, ok := e.nodes[id]
	if !ok {
		return
	}
	e.count(n.rec.Session, -1)
	delete(e.nodes, id)
	e.wakes.set(id, time.Time{})
	delete(e.step.touched, id)
}

func (e *Engine) count(session string, by int) {
	if session == "" {
		return
	}
	e.bySession[session] += by
	if e.bySession[session] <= 0 {
		delete(e.bySession, session)
		e.step.check[session] = true
	}
}

// sight takes a power reading in, for the node and for what is known of its BMC.
func (e *Engine) sight(r bos.PowerReading) {
	bad := r.State == bos.PowerStateUnknown
	e.room.see(r, e.step.now)
	n, ok := e.nodes[r.ID]
	if !ok {
		return
	}
	n.looking = false
	e.step.touched[r.ID] = true
	if r.Asked.Before(n.since) {
		return
	}
	n.elapsed = 0
	if bad && !n.badAt.IsZero() {
		n.elapsed = min(e.step.now.Sub(n.badAt), 2*e.room.fresh)
	}
	n.badAt = time.Time{}
	if bad {
		n.badAt = e.step.now
	}
	n.reading = r
}

// settle takes the answer to an effect in.
func (e *Engine) settle(r Result) {
	n, ok := e.nodes[r.ID]
	if !ok {
		return
	}
	n.flying = bos.EffectNone
	e.step.touched[r.ID] = true
	now := e.step.now
	if r.Effect.Kind != bos.EffectWriteBoot {
		e.write(n, decide.Settle(n.rec, r.Effect, r.CallResult, now))
		return
	}
	next := decide.SettleBoot(n.rec, r.Effect.Artifacts, r.Token, r.CallResult, now)
	if r.Token != "" && r.Outcome == bos.CallDone {
		if e.step.out.Commit.Tokens == nil {
			e.step.out.Commit.Tokens = make(map[string]bos.BootArtifacts)
		}
		e.step.out.Commit.Tokens[r.Token] = r.Effect.Artifacts
	}
	e.write(n, next)
}

// decide asks for the decision on one node and takes it over.
func (e *Engine) decide(id string) {
	n, ok := e.nodes[id]
	if !ok || n.flying != bos.EffectNone {
		return
	}
	now := e.step.now
	o := decide.Observation{Power: n.reading, Elapsed: n.elapsed}
	if n.reading.State == bos.PowerStateUnknown && !n.reading.Asked.IsZero() {
		o.Verdict = e.verdict(id)
	}
	n.elapsed = 0
	before := n.rec
	d := decide.Decide(n.rec, o, e.policy, now)
	e.write(n, d.Next)
	e.note(before, d)
	if d.Effect.Kind != bos.EffectNone {
		n.flying = d.Effect.Kind
		e.step.effects[id] = d.Effect
	}
	e.schedule(id, n, d)
}

// schedule turns the wish for a look or a wake into one.
func (e *Engine) schedule(id string, n *node, d decide.Decision) {
	if d.Next.Enabled && !d.Look.IsZero() && !n.looking {
		if d.Look.After(e.step.now) {
			n.lookAt = d.Look
		} else {
			e.look(id, n)
		}
	}
	at := d.Wake
	if !n.lookAt.IsZero() && (at.IsZero() || n.lookAt.Before(at)) {
		at = n.lookAt
	}
	e.wakes.set(id, at)
}

// look asks for a power reading.
func (e *Engine) look(id string, n *node) {
	n.looking = true
	n.lookAt = time.Time{}
	e.step.out.Looks = append(e.step.out.Looks, id)
}

// wake takes the nodes that fall due: a look that was put off goes out, and
// the node is decided on.
func (e *Engine) wake() {
	for _, id := range e.wakes.due(e.step.now) {
		e.step.touched[id] = true
		n, ok := e.nodes[id]
		if !ok || n.looking || n.flying != bos.EffectNone {
			continue
		}
		if !n.lookAt.IsZero() && !n.lookAt.After(e.step.now) {
			e.look(id, n)
		}
	}
}

// write keeps the next record of a node, to be committed with the pass.
func (e *Engine) write(n *node, next bos.Record) {
	if next == n.rec {
		return
	}
	if _, written := e.step.writes[next.ID]; !written {
		// One write per node and pass: the first fixes the revision it
		// was computed from.
		next.Revision = n.rec.Revision
	}
	if next.Session != n.rec.Session {
		e.count(n.rec.Session, -1)
		e.count(next.Session, 1)
	}
	e.step.writes[next.ID] = next
	n.rec = next
}

// finishWrites puts the changed records into the commit and the effects into
// batches; from here on memory is ahead of the store by this commit.
func (e *Engine) finishWrites() {
	out := &e.step.out
	for _, id := range sortedKeys(e.step.writes) {
		next := e.step.writes[id]
		out.Commit.Components = append(out.Commit.Components, next)
		n, ok := e.nodes[id]
		if !ok {
			continue
		}
		n.rec.Revision++
		if !next.Enabled {
			e.untrack(id)
		}
	}
	out.Effects = decide.Batches(e.step.effects, e.options.MaxComponentBatchSize)
}

// note writes history: every action, and every end.
func (e *Engine) note(before bos.Record, d decide.Decision) {
	held := d.Why == decide.ReasonHold && d.Next.Work.Hold != before.Work.Hold
	acts := d.Effect.Kind.PowerOp() != ""
	ends := before.Enabled && !d.Next.Enabled
	if !held && !acts && !ends {
		return
	}
	e.step.out.Commit.Events = append(e.step.out.Commit.Events, bos.Event{
		Time: e.step.now, Component: before.ID, Session: d.Next.Session, Kind: string(d.Why), Detail: d.Next.Error,
	})
}

func (e *Engine) nextWake() time.Time {
	var wake time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	if at, ok := e.wakes.next(); ok {
		earlier(at)
	}
	for _, s := range e.sessions {
		earlier(s.retryAt)
	}
	if len(e.sessions) > 0 {
		earlier(e.nextRecheck)
	}
	earlier(e.nextDiscovery)
	earlier(e.room.nextCall)
	return wake
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
