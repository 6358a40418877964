// Package sim runs the whole service under virtual time: the real engine, the
// real decisions and the real SQLite store against the emulated room, on one
// goroutine, from one seed. It injects faults and crashes and checks what must
// always hold. A seed that fails fails again.
package sim

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// Epoch is when every simulation starts.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Config is one run.
type Config struct {
	Seed  uint64
	Nodes int
	Dead  []string
	// OutageFrom and OutageFor make all BMCs silent for a while.
	OutageFrom, OutageFor time.Duration
	// CrashAt is the commit after which the service crashes; 0 is never,
	// EveryCommit after each. With BeforeEffects the effects of the commit
	// are lost as well, else only their answers.
	CrashAt       int
	BeforeEffects bool
	// Horizon bounds the virtual time; 0 is a day.
	Horizon time.Duration
	// Bug breaks the shell on purpose, to show that the checks find it.
	Bug Bug
}

// EveryCommit crashes after each commit.
const EveryCommit = -1

// Bug is a mistake made on purpose.
type Bug int

// The bugs.
const (
	BugNone Bug = iota
	// BugNoBootParameters reports boot parameters as stored without storing them.
	BugNoBootParameters
	// BugStranger powers on a node that nobody asked for.
	BugStranger
	// BugTwice sends every power action twice, the second after the power changed.
	BugTwice
)

// The delays of calls, and of the service's restart.
const (
	dialTimeout  = 3 * time.Second
	restartTime  = time.Second
	reportRetry  = 500 * time.Millisecond
	defaultSpan  = 24 * time.Hour
	longestDelay = 50 * time.Millisecond
)

// World is a simulation under way.
type World struct {
	Now     time.Time
	Commits int
	// Violations are the checks that failed.
	Violations []string

	config  Config
	ctx     context.Context //nolint:containedctx // a simulation is one call, its context never ends
	rng     *rand.Rand
	store   bos.Store
	ports   engine.Ports
	room    *emulator.Room
	engine  *engine.Engine
	epoch   int
	pending engine.Inputs
	// changed are components that a client wrote since the last step.
	changed   []string
	stepAt    time.Time
	reportsAt time.Time
	queue     events
	sequence  int
	tokens    int
	session   bos.SessionKey
}

type event struct {
	at  time.Time
	seq int
	run func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return cmp.Or(q[i].at.Compare(q[j].at), cmp.Compare(q[i].seq, q[j].seq)) < 0
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is container/heap's.
func (q *events) Push(x any) { *q = append(*q, x.(event)) } //nolint:forcetypeassert // only events are pushed

// Pop is container/heap's.
func (q *events) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

// New prepares a run on an empty store.
func New(store bos.Store, c Config) (*World, error) {
	room, err := emulator.NewRoom(emulator.Config{Nodes: c.Nodes, Seed: c.Seed, Dead: c.Dead})
	if err != nil {
		return nil, err
	}
	w := &World{
		Now: Epoch, config: c, ctx: context.Background(), store: store, room: room,
		rng: rand.New(rand.NewPCG(c.Seed, 1)), //nolint:gosec // a simulation must repeat
	}
	w.ports = engine.Ports{Store: store, Inventory: w, Artifacts: w}
	if c.OutageFor > 0 {
		w.at(Epoch.Add(c.OutageFrom), func() { room.SetOutage(true) })
		w.at(Epoch.Add(c.OutageFrom+c.OutageFor), func() { room.SetOutage(false) })
	}
	return w, nil
}

// Room is the emulated room.
func (w *World) Room() *emulator.Room { return w.room }

// Inventory is the room's, as HSM would say it.
func (w *World) Inventory(context.Context) (bos.Inventory, error) { return w.room.Inventory(), nil }

// Image is one image for every path.
func (w *World) Image(_ context.Context, path string) (bos.Image, error) {
	return bos.Image{
		Path: path, ETag: "e", Kernel: bos.Artifact{Path: path + "/kernel"}, Initrd: bos.Artifact{Path: path + "/initrd"}, Rootfs: bos.Artifact{Path: path + "/rootfs"},
	}, nil
}

func (w *World) at(t time.Time, run func()) {
	w.sequence++
	heap.Push(&w.queue, event{t, w.sequence, run})
}

func (w *World) after(d time.Duration, run func()) { w.at(w.Now.Add(d), run) }

// delay is how long a call takes, by the seed.
func (w *World) delay() time.Duration {
	return time.Millisecond + time.Duration(w.rng.Int64N(int64(longestDelay)))
}

// Run boots the nodes that the limit keeps and returns when the session is
// complete, or fails when the horizon is reached before.
func (w *World) Run(op bos.Operation, limit string) (bos.SessionRecord, error) {
	w.start()
	w.after(2*time.Second, func() { w.createSession(op, limit) })
	end := Epoch.Add(cmp.Or(w.config.Horizon, defaultSpan))
	for len(w.queue) > 0 {
		next := heap.Pop(&w.queue).(event) //nolint:forcetypeassert // only events are pushed
		if next.at.After(end) {
			break
		}
		w.Now = next.at
		next.run()
		if w.session.Name == "" {
			continue
		}
		rec, err := w.store.Session(w.ctx, w.session)
		if err != nil {
			return rec, err
		}
		if rec.Status.Status == bos.SessionComplete {
			w.checkEnd(limit)
			return rec, nil
		}
	}
	return bos.SessionRecord{}, fmt.Errorf("seed %d: the session was not complete by %s", w.config.Seed, end.Sub(Epoch))
}

func (w *World) createSession(op bos.Operation, limit string) {
	no := false
	rec := bos.SessionRecord{
		Session: bos.Session{
			Name: "sim", Operation: op, TemplateName: "t", Limit: limit,
			Status: bos.SessionStatus{Status: bos.SessionPending, StartTime: bos.At(w.Now)},
		},
		Template: bos.SessionTemplate{Name: "t", EnableCFS: &no, BootSets: map[string]bos.BootSet{
			"compute": {Path: "s3://images/one/manifest.json", Type: "s3", NodeRolesGroups: []string{"Compute"}},
		}},
		Created: w.Now,
	}
	if err := w.store.CreateSession(w.ctx, rec); err != nil {
		w.violated("create the session: %s", err)
	}
	w.session = rec.Key()
	rec.Revision = 1
	w.pending.Sessions = append(w.pending.Sessions, rec)
	w.wake(w.Now)
}

func (w *World) violated(format string, args ...any) {
	w.Violations = append(w.Violations, fmt.Sprintf("seed %d at %s: ", w.config.Seed, w.Now.Sub(Epoch))+fmt.Sprintf(format, args...))
}

// start loads the engine from the store, as a process does.
func (w *World) start() {
	cold, err := w.ports.Load(w.ctx, bos.PowerLimits{}, w.Now)
	if err != nil {
		w.violated("load: %s", err)
		return
	}
	w.epoch++
	w.engine = engine.New(engine.Settings{})
	w.pending, w.changed = cold, nil
	w.wake(w.Now)
}

func (w *World) crash() {
	w.engine = nil
	w.epoch++
	w.after(restartTime, w.start)
}

// wake steps at a time, unless a step comes before anyway.
func (w *World) wake(at time.Time) {
	if w.engine == nil || !w.stepAt.IsZero() && !w.stepAt.After(at) {
		return
	}
	w.stepAt = at
	epoch := w.epoch
	w.at(at, func() {
		if w.epoch == epoch && w.stepAt.Equal(at) {
			w.stepAt = time.Time{}
			w.step()
		}
	})
}

// answer delivers what a call brought, unless the service crashed since.
func (w *World) answer(epoch int, put func(*engine.Inputs)) {
	if w.epoch != epoch || w.engine == nil {
		return
	}
	put(&w.pending)
	w.wake(w.Now)
}

func (w *World) step() {
	in := w.pending
	w.pending = engine.Inputs{}
	if len(w.changed) > 0 {
		records, err := w.store.Components(w.ctx, bos.ComponentFilter{IDs: w.changed})
		if err != nil {
			w.violated("load: %s", err)
		}
		in.Records = append(in.Records, records...)
		w.changed = nil
	}
	out := w.engine.Step(w.Now, in)
	effects := out.Effects
	committed := !engine.Empty(out.Commit) || len(out.SetupCommits) > 0
	if !engine.Empty(out.Commit) {
		conflicts, err := w.store.Commit(w.ctx, out.Commit)
		if err != nil {
			w.violated("commit: %s", err)
		}
		effects, w.pending.Dropped = engine.Survivors(effects, conflicts.Components)
		w.changed = append(w.changed, conflicts.Components...)
	}
	for _, setup := range out.SetupCommits {
		w.commitSetup(setup)
	}
	crash := false
	if committed {
		w.Commits++
		crash = w.config.CrashAt == EveryCommit || w.config.CrashAt == w.Commits
	}
	if !crash || !w.config.BeforeEffects {
		w.startCalls(out, effects)
	}
	if crash {
		w.crash()
		return
	}
	if !w.pending.Empty() || len(w.changed) > 0 {
		w.wake(w.Now)
	} else if !out.Wake.IsZero() {
		w.wake(later(out.Wake, w.Now))
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (w *World) commitSetup(setup engine.SetupCommit) {
	conflicts, err := w.store.Commit(w.ctx, setup.Commit)
	if err != nil {
		w.violated("commit a setup: %s", err)
	}
	if !conflicts.None() {
		w.pending.Retry = append(w.pending.Retry, setup.Key)
		return
	}
	records, sessions := engine.Written(setup.Commit)
	w.pending.Records = append(w.pending.Records, records...)
	w.pending.Sessions = append(w.pending.Sessions, sessions...)
}

func (w *World) startCalls(out engine.Outputs, effects []decide.Batch) {
	epoch := w.epoch
	for _, b := range effects {
		w.startEffect(epoch, b)
	}
	asked := w.Now
	for _, id := range out.Looks {
		w.look(epoch, id, asked)
	}
	for _, s := range out.Setups {
		w.after(w.delay(), func() {
			facts := w.ports.SetupFacts(w.ctx, s)
			w.answer(epoch, func(in *engine.Inputs) { in.Setups = append(in.Setups, facts) })
		})
	}
	for _, s := range out.Completions {
		w.after(w.delay(), func() {
			facts := w.ports.CompletionFacts(w.ctx, s)
			w.answer(epoch, func(in *engine.Inputs) { in.Completions = append(in.Completions, facts) })
		})
	}
	if out.Discover {
		w.after(w.delay(), func() {
			facts := w.ports.DiscoveryFacts(w.ctx)
			w.answer(epoch, func(in *engine.Inputs) { in.Discovery = facts })
		})
	}
}

func (w *World) look(epoch int, id string, asked time.Time) {
	w.after(w.delay(), func() {
		r := bos.PowerReading{ID: id, Asked: asked}
		if w.room.Silent(bos.BMCOf(id)) {
			r.Symptom, r.Detail = bos.SymptomSilent, "no answer in time"
			w.after(dialTimeout, func() { w.answer(epoch, func(in *engine.Inputs) { in.Readings = append(in.Readings, r) }) })
			return
		}
		r.State, _ = w.room.Power(id, w.Now)
		w.answer(epoch, func(in *engine.Inputs) { in.Readings = append(in.Readings, r) })
	})
}

// report applies what booted nodes tell, as the API does.
func (w *World) report(rep emulator.Report) {
	if !w.room.Reporting(rep) {
		return
	}
	patch := bos.ComponentPatch{ActualState: &bos.ActualPatch{BSSToken: &rep.Token}}
	booted, known, err := w.store.Token(w.ctx, rep.Token)
	if err != nil || !known {
		w.violated("node %s reports a token that is not stored (%v): power came before the token", rep.Node, err)
		return
	}
	_, err = w.store.MutateComponents(w.ctx, []string{rep.Node}, func(r *bos.Record, _ bool) error {
		if err := patch.CheckReport(r.Component); err != nil {
			return err
		}
		patch.Apply(r, &booted, w.Now)
		return nil
	})
	if errors.Is(err, bos.ErrReportRefused) {
		w.after(reportRetry, func() { w.report(rep) })
		return
	}
	if err != nil {
		w.violated("report of %s: %s", rep.Node, err)
	}
	w.changed = append(w.changed, rep.Node)
	w.wake(w.Now)
}

// expectReports makes the room's next report an event.
func (w *World) expectReports() {
	at, ok := w.room.Next()
	if !ok || at.Equal(w.reportsAt) {
		return
	}
	w.reportsAt = at
	w.at(at, func() {
		for _, rep := range w.room.Advance(w.Now) {
			w.report(rep)
		}
		w.expectReports()
	})
}
