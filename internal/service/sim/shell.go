package sim

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// start loads the engine from the store, as a process does.
func (w *World) start() {
	limits := w.config.Limits
	if w.config.Bug == BugNoLimits {
		limits = bos.PowerLimits{}
	}
	cold, err := w.ports.Load(w.ctx, limits, w.Now)
	if err != nil {
		w.violated("load: %s", err)
		return
	}
	w.epoch++
	w.engine = engine.New(engine.Settings{Configures: w.config.CFS, Limits: limits})
	w.pending, w.changed, w.altered, w.options = cold, nil, nil, false
	w.tellOptions(*cold.Options, &w.pending)
	w.check.restarted()
	w.wake(w.Now)
}

func (w *World) crash() {
	w.engine, w.arrivals = nil, engine.Arrivals{}
	w.epoch++
	w.stepAt = time.Time{}
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

// loadChanges adds what clients wrote to the inputs, as the runner does.
func (w *World) loadChanges(in *engine.Inputs) {
	if len(w.changed) > 0 {
		records, err := w.store.Components(w.ctx, bos.ComponentFilter{IDs: w.changed})
		if err != nil {
			w.violated("load: %s", err)
		}
		in.Records = append(in.Records, records...)
	}
	for _, key := range w.altered {
		rec, err := w.store.Session(w.ctx, key)
		if err != nil {
			w.violated("load: %s", err)
		}
		in.Sessions = append(in.Sessions, rec)
	}
	if w.options {
		options, err := w.store.Options(w.ctx)
		if err != nil {
			w.violated("load: %s", err)
		}
		w.tellOptions(options, in)
	}
	w.changed, w.altered, w.options = nil, nil, false
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
	out := w.engine.Step(w.Now, in)
	w.arrivals.Follow(out)
	w.spoil(&out)
	effects := out.Effects
	committed := !engine.Empty(out.Commit) || len(out.SetupCommits) > 0
	if !engine.Empty(out.Commit) {
		before, _ := w.store.LastEvent(w.ctx)
		done, err := w.store.Commit(w.ctx, out.Commit)
		if err != nil {
			w.violated("commit: %s", err)
		}
		w.pending.Committed = &done
		effects, w.pending.Dropped = engine.Survivors(effects, done.Components)
		w.changed = append(w.changed, done.Components...)
		w.altered = append(w.altered, done.Sessions...)
		w.check.committed(out.Commit, done.Conflicts, before)
	}
	for _, setup := range out.SetupCommits {
		w.commitSetup(setup)
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
	if !w.pending.Empty() || len(w.changed) > 0 || len(w.altered) > 0 || w.options {
		w.wake(w.Now)
	} else if !out.Wake.IsZero() {
		w.wake(later(out.Wake, w.Now))
	}
}

func (w *World) commitSetup(setup engine.SetupCommit) {
	before, _ := w.store.LastEvent(w.ctx)
	done, err := w.store.Commit(w.ctx, setup.Commit)
	if err != nil {
		w.violated("commit a setup: %s", err)
	}
	if !done.None() {
		w.pending.Retry = append(w.pending.Retry, setup.Key)
		w.altered = append(w.altered, done.Sessions...)
		return
	}
	w.check.setUp(setup.Commit, before)
	records, sessions := engine.Written(setup.Commit, done.Revision)
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
		if w.config.Bug == BugAsksTwice {
			w.look(epoch, id, asked)
		}
	}
	if len(out.ConfigurationLooks) > 0 {
		w.lookConfiguration(epoch, out.ConfigurationLooks, asked)
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
