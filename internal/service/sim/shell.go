package sim

import (
	"errors"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// start loads the engine from the store, as a process does.
func (w *World) start() {
	if w.away || w.engine != nil {
		return // it is away, or was started since
	}
	limits := w.config.Limits
	if w.config.Bug == BugNoLimits {
		limits = bos.PowerLimits{}
	}
	if err := w.follower.Begin(w.ctx, w.store); err != nil {
		w.violated("load: %s", err)
		return
	}
	cold, err := w.ports.Load(w.ctx, limits, w.wall())
	if err != nil {
		w.violated("load: %s", err)
		return
	}
	w.epoch++
	w.engine = engine.New(engine.Settings{Configures: w.config.CFS, Limits: limits, NoPower: w.config.Bug == BugUnknownIsAlone})
	w.handOver(&cold)
	w.pending = cold
	w.resume(cold)
	w.tellOptions(*cold.Options, &w.pending)
	w.check.restarted()
	w.wake(w.Now)
}

// holder has the lease, and with it the clock.
const holder = "sim"

// resume lets the clock go on where it was when the lease was renewed last.
func (w *World) resume(cold engine.Inputs) {
	lease, err := w.store.Lease(w.ctx, holder, time.Time{}, bos.Lease{})
	if err != nil {
		w.violated("lease: %s", err)
	}
	w.fence = lease.Fence
	at := engine.Resumed(lease.Clock, cold, w.wall())
	if w.config.Bug == BugNeverAway {
		at = w.Now
	}
	w.clock.Resume(at, w.mono(), w.wall())
}

// clockNow is the time and the others that a step is given.
func (w *World) clockNow() (time.Time, engine.Times) {
	now, times := w.clock.Now(w.mono(), w.wall())
	switch w.config.Bug {
	case BugWallClock:
		return w.wall(), engine.Times{}
	case BugNeverAway:
		return now, engine.Times{Wall: times.Wall}
	default:
		return now, times
	}
}

func (w *World) crash() {
	w.stop()
	w.after(restartTime, w.start)
}

// stop ends the service without a word. Its lease was renewed a moment ago.
func (w *World) stop() {
	if w.engine == nil {
		return
	}
	renewed := w.mono() - time.Duration(w.rng.Int64N(int64(renewEvery)))
	if _, err := w.store.Lease(w.ctx, holder, w.clock.When(renewed), bos.Lease{}); err != nil {
		w.violated("lease: %s", err)
	}
	w.endEngine()
	w.life++
	clear(w.calls)
	w.late = nil
}

func (w *World) endEngine() {
	w.engine = nil
	w.epoch++
	w.stepAt = time.Time{}
}

// call is an effect under way on one node.
type call struct {
	kind   bos.EffectKind
	halted bool
}

// refused is a commit that the database refuses: the engine starts afresh, calls
// that have not begun are never made, and the answers of the pass are kept.
func (w *World) refused(in engine.Inputs) {
	if _, err := w.store.Lease(w.ctx, holder, w.clock.When(w.mono()), bos.Lease{}); err != nil {
		w.violated("lease: %s", err)
	}
	w.late = append(w.late, w.engine.Accepted()...)
	w.late = append(w.late, in.Results...)
	w.endEngine()
	for _, c := range w.calls {
		c.halted = w.config.Bug != BugForgetsCalls
	}
	w.after(restartTime, w.start)
}

// handOver gives a new engine the calls that are still under way.
func (w *World) handOver(cold *engine.Inputs) {
	if w.config.Bug == BugForgetsCalls {
		clear(w.calls)
	}
	cold.Flights = make(map[string]bos.EffectKind)
	for id, c := range w.calls {
		cold.Flights[id] = c.kind
	}
	cold.Results, w.late = w.late, nil
}

// land delivers the answers to effects, unless their process crashed since: they
// are for whatever engine there is.
func (w *World) land(life int, results ...engine.Result) {
	if w.life != life {
		return
	}
	for _, res := range results {
		delete(w.calls, res.ID)
	}
	if w.engine == nil {
		w.late = append(w.late, results...)
		return
	}
	w.pending.Results = append(w.pending.Results, results...)
	w.wake(w.Now)
}

// leave takes the service away for a while.
func (w *World) leave(d time.Duration) {
	w.stop()
	w.away = true
	w.after(d, func() {
		w.away = false
		w.start()
	})
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

// loadChanges adds what clients wrote to the inputs, as the runner does.
func (w *World) loadChanges(in *engine.Inputs) {
	told := in.Options
	if err := w.follower.Load(w.ctx, w.ports, w.engine, nil, in); err != nil {
		w.violated("load: %s", err)
	}
	if in.Options != told {
		w.tellOptions(*in.Options, in)
	}
}

// tellOptions gives the options to the engine.
func (w *World) tellOptions(o bos.Options, in *engine.Inputs) {
	w.policy = o.Policy()
	switch w.config.Bug {
	case BugOneMore:
		o.DefaultRetryPolicy++
	case BugHasty:
		o.MaxPowerOnWaitTime /= 2
		o.MaxPowerOffWaitTime /= 2
	default:
	}
	in.Options = &o
}

func (w *World) step() {
	in := w.pending
	w.pending = engine.Inputs{}
	w.loadChanges(&in)
	w.Steps++
	now, times := w.clockNow()
	in.Times = times
	out := w.engine.Step(now, in)
	w.check.stepped = now
	w.spoil(&out)
	effects, again := out.Effects, w.spoilt
	committed := !engine.Empty(out.Commit) || len(out.SetUps) > 0
	if committed && w.chance(w.config.CommitErrors) {
		w.refused(in)
		return
	}
	if !engine.Empty(out.Commit) {
		before, _ := w.store.LastEvent(w.ctx)
		out.Commit.Fence = w.fence
		done, err := w.store.Commit(w.ctx, out.Commit)
		if err != nil {
			w.violated("commit: %s", err)
		}
		w.pending.Committed = &done
		effects, w.pending.Dropped = engine.Survivors(effects, done.Components)
		again = again || !done.None()
		if !w.spoilt { // else the engine is to know what was really written
			w.follower.Wrote(done.Revision)
		}
		w.check.committed(out.Commit, done.Conflicts, before)
	}
	for _, setup := range out.SetUps {
		w.setUp(setup)
	}
	crash := false
	lost := w.config.BeforeEffects
	if committed {
		w.Commits++
		crash = w.config.CrashAt == EveryCommit && w.faulty || w.config.CrashAt == w.Commits
		if w.chance(w.config.CrashShare) {
			crash, lost = true, w.rng.IntN(2) == 0
		}
	}
	if !crash || !lost {
		w.startCalls(out, effects)
	}
	if crash {
		w.crash()
		return
	}
	if !w.pending.Empty() || again {
		w.wake(w.Now)
	} else if !out.Wake.IsZero() {
		w.wake(w.Now.Add(max(out.Wake.Sub(now), 0)))
	}
}

func (w *World) setUp(setup bos.Setup) {
	before, _ := w.store.LastEvent(w.ctx)
	setup.Fence = w.fence
	session, records, err := w.store.SetUp(w.ctx, setup)
	if errors.Is(err, bos.ErrChanged) {
		w.wake(w.Now)
		return
	}
	if err != nil {
		w.violated("set a session up: %s", err)
	}
	w.follower.Wrote(session.Revision)
	w.check.setUp(records, before)
	if session.Status.Status == bos.SessionComplete {
		w.check.completed(session)
	}
	w.pending.Records = append(w.pending.Records, records...)
	w.pending.Sessions = append(w.pending.Sessions, session)
}

func (w *World) startCalls(out engine.Outputs, effects []decide.Batch) {
	epoch := w.epoch
	for _, b := range effects {
		w.startEffect(w.life, b)
	}
	asked, _ := w.clockNow()
	for _, id := range out.Looks {
		w.look(epoch, id, asked)
		if w.config.Bug == BugAsksTwice {
			w.look(epoch, id, asked)
		}
	}
	if len(out.ConfigurationLooks) > 0 {
		w.lookConfiguration(epoch, out.ConfigurationLooks, asked)
	}
	if len(out.Setups) > 0 {
		w.after(w.delay(), func() {
			w.ports.SetupRound(w.ctx, out.Setups, nil, func(facts engine.SetupFacts) {
				w.answer(epoch, func(in *engine.Inputs) { in.Setups = append(in.Setups, facts) })
			})
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
