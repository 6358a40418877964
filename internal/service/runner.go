package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/api"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

const (
	// moment is how long a pass waits for company of what woke it: answers
	// about many nodes arrive one by one, and one pass over all of them is one
	// commit and few requests. After a pass that took longer it waits for as
	// long as that, up to longestMoment.
	moment        = 2 * time.Millisecond
	longestMoment = 40 * time.Millisecond
	// drainTimeout is how long a stopping service waits for calls in flight.
	drainTimeout = 15 * time.Second
	// storeRetry is the pause after a database that failed.
	storeRetry = time.Second
)

// runner is the clock of one engine: it waits for something to happen, steps,
// commits, and starts what the step asked for.
type runner struct {
	service *Service
	ports   engine.Ports
	log     *slog.Logger
	fence   int64

	engine *engine.Engine
	// inventories are those that the sessions new to this pass were accepted by:
	// they are set up by the same, which need not be read twice.
	inventories map[bos.SessionKey]bos.Inventory
	// next gathers what the next step takes in.
	next    engine.Inputs
	inbox   *inbox
	epoch   int // of the engine, in the inbox
	calls   sync.WaitGroup
	flights flights
}

func newRunner(s *Service, fence int64) *runner {
	return &runner{
		service: s, ports: s.ports, log: s.config.Log, fence: fence,
		inbox: newInbox(),
	}
}

func (r *runner) run(ctx context.Context) error {
	calls, stopCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCalls()
	renew := time.NewTicker(leaseTTL / 3)
	defer renew.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		began := time.Now()
		wake, err := r.pass(ctx, calls)
		took := time.Since(began)
		if errors.Is(err, bos.ErrFenced) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			r.log.Error("the database failed; the engine starts afresh from it", "error", err)
			r.engine = nil
			wake = time.Now().Add(storeRetry)
		}
		timer.Reset(until(wake))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-renew.C:
			if err := r.renew(ctx); err != nil {
				return err
			}
		case <-r.service.changes.signal:
		case <-r.inbox.signal:
		}
		if r.next.Empty() {
			// A pass that took long is followed by a longer pause, so that
			// much comes together where much is going on.
			pause(ctx, min(max(moment, 2*took-time.Since(began)), longestMoment))
		}
		r.inbox.take(&r.next)
		if ctx.Err() != nil {
			return r.drain(calls, stopCalls)
		}
	}
}

// pause lets time pass, unless the context ends.
func pause(ctx context.Context, d time.Duration) {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
	case <-ctx.Done():
	}
}

func until(wake time.Time) time.Duration {
	if wake.IsZero() {
		return time.Hour
	}
	return max(time.Until(wake), 0)
}

func (r *runner) renew(ctx context.Context) error {
	fence, err := r.service.config.Store.Lease(ctx, r.service.holder, time.Now(), leaseTTL)
	switch {
	case errors.Is(err, bos.ErrLeaseHeld):
		return err
	case err != nil:
		r.log.Warn("cannot renew the engine's lease", "error", err)
		return nil
	}
	r.fence = fence
	return nil
}

// pass is one step with its commit; it returns when the next one is due.
func (r *runner) pass(ctx, calls context.Context) (time.Time, error) {
	in := r.next
	r.next = engine.Inputs{}
	if err := r.load(ctx, &in); err != nil {
		return time.Time{}, err
	}
	out := r.engine.Step(time.Now(), in)
	r.service.arrivals.follow(out)
	effects, err := r.commit(ctx, out)
	if err != nil {
		return time.Time{}, err
	}
	r.start(calls, out, effects)
	if !r.next.Empty() {
		return time.Now(), nil
	}
	return out.Wake, nil
}

// load adds what others wrote to the inputs; without an engine it makes one
// and loads all that is open.
func (r *runner) load(ctx context.Context, in *engine.Inputs) error {
	changed := r.service.changes.take()
	r.inventories = changed.inventories
	if r.engine == nil {
		cold, err := r.ports.Load(ctx, r.service.config.Limits, time.Now())
		if err != nil {
			return err
		}
		r.epoch = r.inbox.begin()
		r.service.arrivals.reset()
		r.engine = engine.New(engine.Settings{
			MaxUnreachable: r.service.config.MaxUnreachable,
			SetupGiveUp:    r.service.config.MaxSetupWait,
			Limits:         r.service.config.Limits,
			Configures:     r.ports.Configuration != nil,
			NoInventory:    r.ports.Inventory == nil,
		})
		*in = cold
		r.service.setLevel(*cold.Options)
		return nil
	}
	err := r.loadChanges(ctx, changed, in)
	if err != nil {
		return fmt.Errorf("load what changed: %w", err)
	}
	return nil
}

func (r *runner) loadChanges(ctx context.Context, changed taken, in *engine.Inputs) error {
	in.Hints = append(in.Hints, changed.hints...)
	if changed.options || changed.all {
		options, err := r.ports.Store.Options(ctx)
		if err != nil {
			return err
		}
		in.Options = &options
		r.service.setLevel(options)
	}
	if changed.all {
		enabled := true
		records, err := r.ports.Store.Components(ctx, bos.ComponentFilter{Enabled: &enabled})
		if err != nil {
			return err
		}
		in.Records = append(in.Records, records...)
	}
	in.Records = append(in.Records, changed.records...)
	if err := r.loadComponents(ctx, changed.components, in); err != nil {
		return err
	}
	return r.loadSessions(ctx, changed, in)
}

func (r *runner) loadComponents(ctx context.Context, ids []string, in *engine.Inputs) error {
	if len(ids) == 0 {
		return nil
	}
	records, err := r.ports.Store.Components(ctx, bos.ComponentFilter{IDs: ids})
	if err != nil {
		return err
	}
	in.Records = append(in.Records, records...)
	found := make(map[string]bool, len(records))
	for _, rec := range records {
		found[rec.ID] = true
	}
	for _, id := range ids {
		if !found[id] {
			in.Deleted = append(in.Deleted, id)
		}
	}
	return nil
}

func (r *runner) loadSessions(ctx context.Context, changed taken, in *engine.Inputs) error {
	if changed.all {
		open, err := r.ports.OpenSessions(ctx, time.Now())
		if err != nil {
			return err
		}
		in.Sessions = append(in.Sessions, open...)
	}
	for _, key := range changed.sessions {
		rec, err := r.ports.Store.Session(ctx, key)
		switch {
		case errors.Is(err, bos.ErrNotFound):
			in.GoneSessions = append(in.GoneSessions, key)
		case err != nil:
			return err
		default:
			in.Sessions = append(in.Sessions, rec)
			if rec.Status.Status == bos.SessionComplete {
				r.flights.halt(rec.Name)
			}
		}
	}
	return nil
}

// commit makes the step durable and returns the effects that may start. Those
// of records that had changed meanwhile are left out, and the records are taken
// up again with the next step.
func (r *runner) commit(ctx context.Context, out engine.Outputs) ([]decide.Batch, error) {
	effects := out.Effects
	if !engine.Empty(out.Commit) {
		out.Commit.Fence = r.fence
		done, err := r.ports.Store.Commit(ctx, out.Commit)
		if err != nil {
			return nil, fmt.Errorf("commit a pass: %w", err)
		}
		r.next.Committed = &done
		if !done.None() {
			effects, r.next.Dropped = engine.Survivors(effects, done.Components)
			r.service.changes.add(api.Change{Components: done.Components, Sessions: done.Sessions})
		}
	}
	for _, setup := range out.SetupCommits {
		if err := r.commitSetup(ctx, setup); err != nil {
			return nil, err
		}
	}
	return effects, nil
}

// commitSetup arms the nodes of one session, all or none.
func (r *runner) commitSetup(ctx context.Context, setup engine.SetupCommit) error {
	setup.Commit.Fence = r.fence
	done, err := r.ports.Store.Commit(ctx, setup.Commit)
	if err != nil {
		return fmt.Errorf("commit the setup of session %q: %w", setup.Key.Name, err)
	}
	if !done.None() {
		r.next.Retry = append(r.next.Retry, setup.Key)
		r.service.changes.add(api.Change{Sessions: done.Sessions})
		return nil
	}
	records, sessions := engine.Written(setup.Commit, done.Revision)
	r.next.Records = append(r.next.Records, records...)
	r.next.Sessions = append(r.next.Sessions, sessions...)
	return nil
}

// start carries out what the step asked for, each thing in a goroutine of its
// own; the adapters bound what is in flight.
func (r *runner) start(ctx context.Context, out engine.Outputs, effects []decide.Batch) {
	for _, batch := range effects {
		flight := r.flights.begin(batch.Session)
		r.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			defer r.flights.end(flight)
			r.ports.Run(bos.WithHalt(ctx, flight.halt), batch, func(res engine.Result) {
				answer(func(in *engine.Inputs) { in.Results = append(in.Results, res) })
			})
		})
	}
	if looks := out.Looks; len(looks) > 0 {
		asked := time.Now().UTC().Round(0)
		r.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			r.ports.Power.Look(ctx, looks, func(reading bos.PowerReading) {
				reading.Asked = asked
				answer(func(in *engine.Inputs) { in.Readings = append(in.Readings, reading) })
			})
		})
	}
	if looks := out.ConfigurationLooks; len(looks) > 0 {
		asked := time.Now().UTC().Round(0)
		r.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			r.ports.Configuration.Look(ctx, looks, func(reading bos.ConfigurationReading) {
				reading.Asked = asked
				answer(func(in *engine.Inputs) { in.Configurations = append(in.Configurations, reading) })
			})
		})
	}
	if clean := out.Clean; clean != nil {
		r.call(ctx, func(ctx context.Context, _ func(func(*engine.Inputs))) {
			if err := r.ports.Clean(ctx, *clean, time.Now()); err != nil && ctx.Err() == nil {
				r.log.Warn("cannot remove what is old", "error", err)
			}
		})
	}
	for _, session := range out.Setups {
		ports := r.ports
		if inventory, ok := r.inventories[session.Key()]; ok {
			ports.Inventory = asRead{inventory}
		}
		r.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			facts := ports.SetupFacts(ctx, session)
			answer(func(in *engine.Inputs) { in.Setups = append(in.Setups, facts) })
		})
	}
	for _, session := range out.Completions {
		r.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			facts := r.ports.CompletionFacts(ctx, session)
			answer(func(in *engine.Inputs) { in.Completions = append(in.Completions, facts) })
		})
	}
	if out.Discover {
		r.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			facts := r.ports.DiscoveryFacts(ctx)
			if facts.Err != nil {
				r.log.Warn("cannot discover nodes", "error", facts.Err)
			}
			answer(func(in *engine.Inputs) { in.Discovery = facts })
		})
	}
}

// call runs one thing in the background. Its answers go to the engine that
// asked; a later one, started after the database failed, has asked anew.
func (r *runner) call(ctx context.Context, run func(context.Context, func(func(*engine.Inputs)))) {
	epoch := r.epoch
	r.calls.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, engine.CallTimeout)
		defer cancel()
		run(ctx, func(put func(*engine.Inputs)) { r.inbox.put(epoch, put) })
	})
}

// drain ends a run: no new call starts, those in flight are given a moment,
// and their answers are recorded.
func (r *runner) drain(calls context.Context, stopCalls context.CancelFunc) error {
	finished := make(chan struct{})
	go func() { r.calls.Wait(); close(finished) }()
	patience := time.NewTimer(drainTimeout)
	defer patience.Stop()
	select {
	case <-finished:
	case <-patience.C:
		stopCalls()
		<-finished
	}
	in := r.next
	r.inbox.take(&in)
	if r.engine == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(calls), drainTimeout)
	defer cancel()
	if err := r.load(ctx, &in); err != nil {
		return err
	}
	out := r.engine.StepToStop(time.Now(), in)
	_, err := r.commit(ctx, out)
	return err
}
