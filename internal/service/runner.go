package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
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
	lease   *keeper

	engine   *engine.Engine
	follower engine.Follower
	// inventories are those that the sessions new to this pass were accepted by:
	// they are set up by the same, which need not be read twice.
	inventories map[bos.SessionKey]bos.Inventory
	// next gathers what the next step takes in.
	next    engine.Inputs
	inbox   *inbox
	epoch   int // of the engine, in the inbox
	calls   sync.WaitGroup
	flights *flights
}

func newRunner(s *Service, lease bos.Lease) *runner {
	return &runner{
		service: s, ports: s.ports, log: s.config.Log, lease: newKeeper(s, lease),
		inbox: newInbox(), flights: &s.flights,
	}
}

func (r *runner) run(ctx context.Context) error {
	calls, stopCalls := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCalls()
	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	var kept sync.WaitGroup
	kept.Go(func() { r.lease.keep(keeping) })
	defer kept.Wait()
	defer stopKeeping()
	timer := time.NewTimer(0)
	defer timer.Stop()
	// What another process wrote wakes nobody: the feed is read now and then.
	round := time.NewTicker(leaseTTL / 3)
	defer round.Stop()
	for {
		began := time.Now()
		wake, err := r.pass(ctx, calls)
		took := time.Since(began)
		if errors.Is(err, bos.ErrFenced) || errors.Is(err, bos.ErrLeaseHeld) {
			r.flights.haltAll()
			return err
		}
		if err != nil && ctx.Err() == nil {
			r.log.Error("the database failed; the engine starts afresh from it", "error", err)
			r.dropEngine()
			wake = time.Now().Add(storeRetry)
		}
		timer.Reset(until(wake))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-round.C:
		case err := <-r.lease.trouble:
			if errors.Is(err, bos.ErrLeaseHeld) {
				r.flights.haltAll()
				return err
			}
			// A database that takes no renewal takes no report of a node either.
			r.log.Error("cannot renew the engine's lease; the engine starts afresh when the database takes writes", "error", err)
			r.dropEngine()
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

// pass is one step with its commit; it returns when the next one is due.
func (r *runner) pass(ctx, calls context.Context) (time.Time, error) {
	in := r.next
	r.next = engine.Inputs{}
	if err := r.load(ctx, &in); err != nil {
		r.next.Results = in.Results
		return time.Time{}, err
	}
	now, times := r.lease.pass()
	in.Times = times
	out := r.engine.Step(now, in)
	effects, err := r.commit(ctx, out)
	if err != nil {
		// Nothing of this pass is started, and its answers are for the next engine.
		for _, batch := range out.Effects {
			r.flights.drop(batch.IDs)
		}
		r.next.Results = append(in.Results, r.next.Results...)
		return time.Time{}, err
	}
	r.start(calls, out, effects)
	if !r.next.Empty() {
		return time.Now(), nil
	}
	if out.Wake.IsZero() {
		return time.Time{}, nil
	}
	return time.Now().Add(out.Wake.Sub(now)), nil
}

// load adds what others wrote to the inputs; without an engine it makes one
// and loads all that is open.
func (r *runner) load(ctx context.Context, in *engine.Inputs) error {
	changed := r.service.changes.take()
	r.inventories = changed.inventories
	if r.engine == nil {
		// An engine runs while the database takes writes, and what nodes report.
		if err := r.lease.renew(ctx); err != nil {
			return err
		}
		if err := r.follower.Begin(ctx, r.ports.Store); err != nil {
			return err
		}
		cold, err := r.ports.Load(ctx, r.service.config.Limits, time.Now())
		if err != nil {
			return err
		}
		r.epoch = r.inbox.begin()
		r.engine = engine.New(engine.Settings{
			MaxUnreachable: r.service.config.MaxUnreachable,
			SetupGiveUp:    r.service.config.MaxSetupWait,
			Limits:         r.service.config.Limits,
			Configures:     r.ports.Configuration != nil,
			NoInventory:    r.ports.Inventory == nil,
			NoPower:        r.service.config.Power == nil,
		})
		r.lease.run(cold)
		// What is answered from here on finds the new engine.
		cold.Flights = r.flights.surviving()
		r.inbox.take(&cold)
		cold.Results = append(in.Results, cold.Results...)
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

// loadChanges adds what the feed tells. Calls for what was written elsewhere are
// stopped here; those for what this process wrote were when it was answered.
func (r *runner) loadChanges(ctx context.Context, changed taken, in *engine.Inputs) error {
	in.Hints = append(in.Hints, changed.hints...)
	if err := r.follower.Load(ctx, r.ports, r.engine, changed.records, in); err != nil {
		return err
	}
	r.flights.written(in.Records)
	r.flights.halt(in.Deleted)
	if in.Options != nil {
		r.service.setLevel(*in.Options)
	}
	return nil
}

// commit makes the step durable and returns the effects that may start. Those
// of records that had changed meanwhile are left out, and the records are taken
// up again with the next step.
func (r *runner) commit(ctx context.Context, out engine.Outputs) ([]decide.Batch, error) {
	effects := out.Effects
	r.flights.begin(effects, out.Orders)
	if !engine.Empty(out.Commit) {
		out.Commit.Fence = r.lease.held().Fence
		done, err := r.ports.Store.Commit(ctx, out.Commit)
		if err != nil {
			return nil, fmt.Errorf("commit a pass: %w", err)
		}
		r.next.Committed = &done
		r.follower.Wrote(done.Revision)
		if !done.None() {
			effects, r.next.Dropped = engine.Survivors(effects, done.Components)
			r.flights.drop(r.next.Dropped)
			r.service.changes.notify() // what was newer is in the feed
		}
	}
	for _, setup := range out.SetUps {
		if err := r.setUp(ctx, setup); err != nil {
			return nil, err
		}
	}
	return effects, nil
}

// setUp arms the nodes of one session. One that was written or deleted meanwhile
// is taken up again as it then is.
func (r *runner) setUp(ctx context.Context, setup bos.Setup) error {
	setup.Fence = r.lease.held().Fence
	session, records, err := r.ports.Store.SetUp(ctx, setup)
	switch {
	case errors.Is(err, bos.ErrChanged):
		r.service.changes.notify() // the feed has it
		return nil
	case err != nil:
		return fmt.Errorf("commit the setup of session %q: %w", setup.Session.Name, err)
	}
	r.follower.Wrote(session.Revision)
	r.flights.written(records)
	r.next.Records = append(r.next.Records, records...)
	r.next.Sessions = append(r.next.Sessions, session)
	return nil
}

// start carries out what the step asked for, each thing in a goroutine of its
// own; the adapters bound what is in flight.
func (r *runner) start(ctx context.Context, out engine.Outputs, effects []decide.Batch) {
	for _, batch := range effects {
		r.act(ctx, batch)
	}
	if looks := out.Looks; len(looks) > 0 {
		asked := time.Now()
		r.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			r.ports.Look(ctx, looks, func(reading bos.PowerReading) {
				reading.Asked, reading.Answered = r.timed(asked, reading.Asked)
				answer(func(in *engine.Inputs) { in.Readings = append(in.Readings, reading) })
			})
		})
	}
	if looks := out.ConfigurationLooks; len(looks) > 0 {
		asked := time.Now()
		r.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			r.ports.LookConfiguration(ctx, looks, func(reading bos.ConfigurationReading) {
				reading.Asked, reading.Answered = r.timed(asked, reading.Asked)
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
	if sessions, read := out.Setups, r.inventories; len(sessions) > 0 {
		r.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			r.ports.SetupRound(ctx, sessions, read, func(facts engine.SetupFacts) {
				answer(func(in *engine.Inputs) { in.Setups = append(in.Setups, facts) })
			})
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

// timed is when a question was sent and when its answer came, which is now, by the
// service's clock. One of which the adapter does not say when it was sent was sent
// after it was asked.
func (r *runner) timed(asked, sent time.Time) (at, answered time.Time) {
	if sent.IsZero() {
		sent = asked
	}
	return r.service.clock.when(sent), r.service.clock.when(time.Now())
}

// act carries one batch out. Each of its calls is made only while it is wanted and
// this service may act.
func (r *runner) act(ctx context.Context, batch decide.Batch) {
	flying := r.flights.of(batch.IDs)
	r.call(ctx, func(ctx context.Context, _ func(func(*engine.Inputs))) {
		may := func(id string) bool { return r.lease.mayAct() && r.flights.may(id, flying[id]) }
		r.ports.Run(bos.WithPermission(ctx, may), batch, func(res engine.Result) {
			r.inbox.result(res)
			r.flights.end(res.ID, flying[res.ID])
		})
	})
}

// dropEngine gives the engine up: the next one starts from what is stored and from
// the calls that are still under way. Those that have not begun are never made, as
// the next engine orders what is wanted then.
func (r *runner) dropEngine() {
	r.flights.haltAll()
	if r.engine != nil {
		r.next.Results = append(r.engine.Accepted(), r.next.Results...)
	}
	r.engine = nil
	r.lease.rest()
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

// drain ends a run: no new call starts, also none that waits for its turn, those in flight are given a moment,
// and their answers are recorded.
func (r *runner) drain(calls context.Context, stopCalls context.CancelFunc) error {
	r.flights.haltAll()
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
	now, times := r.lease.pass()
	in.Times = times
	out := r.engine.StepToStop(now, in)
	_, err := r.commit(ctx, out)
	return err
}
