// Package sim runs the whole service under virtual time: the production shell, the
// real engine, the real decisions and the real SQLite store against the emulated
// room, one thing at a time, from one seed. It injects faults, outages, crashes and
// pauses, lets clients write in between, and checks what must always hold, in the
// ports and in the store. A seed that fails fails again.
package sim

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// Epoch is when every simulation starts.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Config is one run.
type Config struct {
	Seed  uint64
	Nodes int
	Dead  []string
	// Faults go wrong until FaultsFor has passed; 0 is until the end.
	Faults    Faults
	FaultsFor time.Duration
	// Rules are faults of the room that stay until somebody lifts them.
	Rules []fault.Rule
	// Outages are services that do not answer for a while.
	Outages []Outage
	// Proof is what proves a boot besides reports, which half of the nodes then do not
	// send.
	Proof bos.BootProof
	// CFS gives the sessions a configuration.
	CFS bool
	// Away is when the service is not there, and takes no reports; Steps are
	// those of its wall clock.
	Away  []Away
	Steps []ClockStep
	// AwayAtPowerOn is for how long the service goes away when it has powered on the
	// first node: 0 is not at all.
	AwayAtPowerOn time.Duration
	// Full is when the disk of the database is full: nothing is written, and no
	// report is taken.
	Full []Away
	// Slow is how long all questions about power take, before FaultsFor has
	// passed: as long as an upstream may.
	Slow time.Duration
	// Queue is the longest that a power action waits for its turn at its BMC.
	Queue time.Duration
	// Limits bound the power actions.
	Limits bos.PowerLimits
	// Polling is the option polling_frequency; 0 is its default.
	Polling int
	// Portion is how many nodes one step decides on at most; 0 is the engine's own.
	Portion int
	// CrashAt is the commit after which the service crashes; 0 is never,
	// EveryCommit after each until the faults end. CrashShare is the share of commits after which it
	// does by chance, until the faults end. With BeforeEffects the effects of
	// the commit are lost as well, else only their answers; by chance it is
	// either.
	CrashAt       int
	CrashShare    float64
	BeforeEffects bool
	// CommitErrors is the share of commits that the database refuses: the
	// engine starts afresh in the same process, with calls under way.
	CommitErrors float64
	// PauseShare is the share of commits after which the process is stopped for a
	// while, which may be longer than its lease, and another one is started.
	PauseShare float64
	// StopShare is the share of commits after which the process is told to stop, as by
	// an upgrade, and another one is started, which may be before it has ended.
	StopShare float64
	// Writes is how many writes clients make by chance, Hints how often HSM
	// says of some nodes that their power changed; before the faults end.
	Writes, Hints int
	// Paused is when the site is, and Held a node that is held for ten minutes from
	// before the first session on.
	Paused []Away
	Held   string
	// Meddle is the share of calls during which a client writes to their node.
	Meddle float64
	// TakeOver is the share of accepted power actions right after which a client wants
	// something else of their node.
	TakeOver float64
	// Patches is how many more writes are changes of single nodes.
	Patches int
	// Horizon bounds the virtual time; 0 is a day.
	Horizon time.Duration
	// Grain is to which multiple of it all times are put off, so that much happens at one
	// time; 0 is to none.
	Grain time.Duration
	// Rollout is that of the session that the run is about, whose nodes run before, but
	// for each so many that is down. With BadImage its image boots on no node until
	// somebody resumes the rollout.
	Rollout  *bos.Rollout
	Down     int
	BadImage bool
	// Operation is that of the session that the run is about, a reboot where it is empty.
	Operation bos.Operation
	// Foreign is how many times others write to its nodes while it is under way: take
	// them for another session, disable or delete them, or press their power buttons.
	Foreign int
	// Drains are a workload manager and a health check; none by default.
	Drains Drains
	// Standbys are how many processes stand by while another drives. Of their hints that
	// something was written LostHints is the share that gets lost, and of their reads
	// SlowReads that which takes a while. Deaf is when the one that drives cannot read what
	// others wrote.
	Standbys             int
	LostHints, SlowReads float64
	Deaf                 []Away
	// Bug breaks the shell on purpose, to show that the checks find it.
	Bug Bug
}

// EveryCommit crashes after each commit.
const EveryCommit = -1

// Faults are the shares of calls that go wrong, from 0 to 1.
type Faults struct {
	// Drop is that of resets that are accepted and never happen, Refuse that
	// of resets and probes answered with 503, Hang that of BMCs that take a
	// while to answer nothing, for one call in two; FailBoot that of boots
	// without a report, FailConfig that of configurations that fail.
	Drop, Refuse, Hang, FailBoot, FailConfig float64
	// Deaf is the share of BMCs that tell their nodes' power and answer no reset, of
	// which they carry out one in two.
	Deaf float64
	// Stale is for how long BMCs tell the power state from before a reset.
	Stale time.Duration
}

// The names of the rules that a run gives its room.
const (
	faultsOfNodes = "faults of nodes"
	outageOfBMCs  = "outage of BMCs"
)

// rules are those of the faults that the room itself has.
func (f Faults) rules() (rules []fault.Rule) {
	add := func(share float64, r fault.Rule) {
		if share > 0 {
			r.Name, r.Probability = faultsOfNodes, share
			rules = append(rules, r)
		}
	}
	add(f.FailBoot, fault.Rule{Fault: fault.Boot})
	add(f.FailConfig, fault.Rule{Fault: fault.Config})
	if f.Stale > 0 {
		add(1, fault.Rule{Fault: fault.Stale, Delay: f.Stale})
	}
	return rules
}

// Upstream is a service that can be out.
type Upstream string

// The upstreams. Power is what stands between the service and all BMCs (PCS),
// BMCs are all of them at once.
const (
	HSM   Upstream = "HSM"
	BSS   Upstream = "BSS"
	CFS   Upstream = "CFS"
	Power Upstream = "PCS"
	BMCs  Upstream = "BMCs"
	// Inventory is HSM that answers with the first half of its nodes, or with none.
	HalfInventory Upstream = "half of HSM"
	NoInventory   Upstream = "nothing in HSM"
	// Endpoints is the inventory's knowledge of BMCs: power control answers that
	// it knows nobody.
	Endpoints Upstream = "Endpoints"
)

// Outage is an upstream that does not answer.
type Outage struct {
	Of        Upstream
	From, For time.Duration
}

// Away is a time in which the service is not there.
type Away struct{ From, For time.Duration }

// ClockStep is a step of the service's wall clock.
type ClockStep struct{ At, By time.Duration }

// The delays of calls, and of the service's restart.
const (
	dialTimeout  = 3 * time.Second
	hangTimeout  = 20 * time.Second
	restartTime  = time.Second
	reportRetry  = 500 * time.Millisecond
	awayRetry    = 5 * time.Second
	clientRetry  = time.Second
	defaultSpan  = 24 * time.Hour
	longestDelay = 50 * time.Millisecond
	longestPause = 30 * time.Second
)

// World is a simulation under way.
type World struct {
	Now     time.Time
	Commits int
	Steps   int
	// Violations are the checks that failed.
	Violations []string
	// Happened counts what went wrong, and what was done in between.
	Happened map[Kind]int
	// Rollouts counts what the rollout of the run did.
	Rollouts Tally

	config Config
	ctx    context.Context //nolint:containedctx // a simulation is one call, its context never ends
	rng    *rand.Rand
	store  bos.Store
	room   *machineroom.Room
	// processes are those that live, current the one that was started last, lives
	// counts them; away says that none is started.
	processes []*process
	current   *process
	lives     int
	away      bool
	// left says that it has gone away at a power-on.
	left bool
	// Endings are the errors that services ended with.
	Endings []error
	// lease is the lease as it was renewed last, leaseStored what the store has
	// of it. written counts the writes to the store.
	lease, leaseStored bos.Lease
	written            int
	// skew is by how much the wall clock is ahead of virtual time.
	skew      time.Duration
	reportsAt time.Time
	queue     events
	sequence  int
	tokens    int
	// full says that the database has no room.
	full    bool
	hearing hearing
	// drove is who drove last.
	drove *process
	// states is what was true of a node when the inventory was asked for its state, asked
	// are the nodes whose proof was asked for.
	states map[string]state
	asked  map[string]bool
	// kernels counts those that clients asked for by hand.
	kernels int
	// policy is what the options say that the engine was told last.
	policy   bos.Policy
	out      map[Upstream]bool
	faulty   bool
	sessions int
	open     map[bos.SessionKey]bool
	// awaited is the session that the run is about.
	awaited bos.SessionKey
	check   checks
	drains  *drains
	// powerActions counts those of the service, outside the reboots from outside.
	powerActions, outside int
}

// New prepares a run on an empty store.
func New(store bos.Store, c Config) (*World, error) {
	emulated, err := machineroom.New(machineroom.Config{Nodes: c.Nodes, Seed: c.Seed, Dead: c.Dead})
	if err != nil {
		return nil, err
	}
	if err := emulated.AddFaults(Epoch, append(c.Faults.rules(), c.Rules...)...); err != nil {
		return nil, err
	}
	w := &World{
		Now: Epoch, config: c, ctx: context.Background(), store: store, room: emulated,
		rng:      rand.New(rand.NewPCG(c.Seed, 1)), //nolint:gosec // a simulation must repeat
		Happened: make(map[Kind]int), out: make(map[Upstream]bool), open: make(map[bos.SessionKey]bool), faulty: true,
		states: make(map[string]state), asked: make(map[string]bool),
	}
	w.check = newChecks(w)
	for _, o := range c.Outages {
		w.Outage(o)
	}
	for _, a := range c.Away {
		w.at(Epoch.Add(a.From), func() { w.leave(a.For) })
	}
	for _, f := range c.Full {
		w.at(Epoch.Add(f.From), func() { w.fill(f.For) })
	}
	for _, a := range c.Deaf {
		w.at(Epoch.Add(a.From), func() { w.hearing.deaf = true })
		w.at(Epoch.Add(a.From+a.For), func() { w.hearing.deaf = false })
	}
	for _, s := range c.Steps {
		w.at(Epoch.Add(s.At), func() { w.step(s.By) })
	}
	if c.FaultsFor > 0 {
		w.at(Epoch.Add(c.FaultsFor), w.endFaults)
	}
	for range c.Writes {
		w.at(Epoch.Add(time.Duration(w.rng.Int64N(int64(c.FaultsFor)))), w.write)
	}
	w.planBrakes()
	w.planDrains()
	for range c.Patches {
		w.at(Epoch.Add(time.Duration(w.rng.Int64N(int64(c.FaultsFor)))), w.patch)
	}
	for range c.Hints {
		w.at(Epoch.Add(time.Duration(w.rng.Int64N(int64(c.FaultsFor)))), w.hint)
	}
	if err := w.planRollout(); err != nil {
		return nil, err
	}
	if c.Polling > 0 {
		_, err = store.MutateOptions(w.ctx, func(o *bos.Options) error { o.PollingFrequency = c.Polling; return nil })
	}
	return w, err
}

// Outage makes an upstream stop answering for a while, counted from now.
func (w *World) Outage(o Outage) {
	w.after(o.From, func() { w.setOut(o.Of, true) })
	w.after(o.From+o.For, func() { w.setOut(o.Of, false) })
}

func (w *World) setOut(u Upstream, out bool) {
	w.out[u] = out
	if u != BMCs {
		return
	}
	if !out {
		w.room.LiftFaults(outageOfBMCs)
	} else if err := w.room.AddFaults(w.Now, fault.Rule{Name: outageOfBMCs, Fault: fault.Outage, Service: fault.BMCs}); err != nil {
		w.violated("begin an outage: %s", err)
	}
}

// endFaults heals everything but dead BMCs.
func (w *World) endFaults() {
	w.faulty = false
	for u := range w.out {
		w.setOut(u, false)
	}
	w.room.LiftFaults(faultsOfNodes)
	w.applyTheRest()
}

// Room is the emulated room.
func (w *World) Room() *machineroom.Room { return w.room }

// step sets the wall clock.
func (w *World) step(by time.Duration) {
	w.skew += by
	if by < 0 {
		w.happened(ClockBack)
	} else {
		w.happened(ClockForward)
	}
}

// fill leaves the database no room for a while.
func (w *World) fill(d time.Duration) {
	w.full = true
	w.check.stopped()
	if w.inWork() {
		w.happened(DiskFull)
	}
	w.after(d, func() {
		w.full = false
		w.check.stops++
	})
}

// mono is the monotonic time, wall what the service takes for the time.
func (w *World) mono() time.Duration { return w.Now.Sub(Epoch) }
func (w *World) wall() time.Time     { return w.Now.Add(w.skew) }

// delay is how long a call takes, by the seed.
func (w *World) delay() time.Duration {
	return time.Millisecond + time.Duration(w.rng.Int64N(int64(longestDelay)))
}

// turn is how long a power action waits for its turn.
func (w *World) turn() time.Duration {
	if !w.faulty || w.config.Queue == 0 {
		return w.delay()
	}
	return time.Duration(w.rng.Int64N(int64(w.config.Queue)))
}

// chance draws whether a fault hits, while there are any.
func (w *World) chance(share float64) bool { return w.faulty && share > 0 && w.rng.Float64() < share }

// Run sets a session up on the nodes that the limit keeps and returns its record
// when all sessions are complete and all faults over, as it was where it has been deleted
// for its age; it fails when the horizon is reached before.
func (w *World) Run(op bos.Operation, limit string) (bos.SessionRecord, error) {
	w.Start()
	key, err := w.RunSession(op, limit)
	if err != nil {
		return bos.SessionRecord{}, err
	}
	w.check.end()
	w.End()
	if rec, old := w.check.old[key]; old {
		return rec, nil
	}
	return w.store.Session(w.ctx, key)
}

// Start starts the service.
func (w *World) Start() { w.start() }

// RunSession runs one session more, and what else is open, to the end.
func (w *World) RunSession(op bos.Operation, limit string) (bos.SessionKey, error) {
	created := w.Now.Add(2 * time.Second)
	var key bos.SessionKey
	w.whenServed(created, func() {
		key = w.createSession(request{op: op, limit: limit, rollout: w.config.Rollout})
		w.awaited = key
	})
	end := w.Now.Add(cmp.Or(w.config.Horizon, defaultSpan))
	faultsEnd := Epoch.Add(w.config.FaultsFor)
	for len(w.queue) > 0 {
		next := heap.Pop(&w.queue).(event) //nolint:forcetypeassert // only events are pushed
		if next.at.After(end) {
			break
		}
		w.Now = next.at
		next.run()
		if key.Name != "" && w.Now.After(created) && w.Now.After(faultsEnd) && w.idle() {
			return key, nil
		}
	}
	return key, fmt.Errorf("seed %d: %d sessions were not complete, or nodes not done, by %s", w.config.Seed, len(w.open), end.Sub(Epoch))
}

// whenServed does what a client does at a time, or as soon as there is a service.
func (w *World) whenServed(at time.Time, do func()) {
	w.at(at, func() {
		if w.serving() == nil {
			w.whenServed(w.Now.Add(clientRetry), do)
			return
		}
		do()
	})
}

// idle reports whether no session is open and no node in work, also none that a
// client has enabled.
func (w *World) idle() bool {
	if len(w.open) > 0 {
		return false
	}
	enabled := true
	ids, err := w.store.ComponentIDs(w.ctx, bos.ComponentFilter{Enabled: &enabled})
	return err == nil && len(ids) == 0 && (!w.config.Drains.Policy.On || w.drains.given())
}

func (w *World) violated(format string, args ...any) {
	w.Violations = append(w.Violations, fmt.Sprintf("seed %d at %s: ", w.config.Seed, w.Now.Sub(Epoch))+fmt.Sprintf(format, args...))
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
