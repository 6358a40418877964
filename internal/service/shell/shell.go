// Package shell carries out what the engine says: it loads what changed, lets the
// engine decide, makes its commit durable, and then starts the calls that came with
// it. It is the only place with concurrency around the engine. What is decided is in
// decide, what is due in engine.
//
// Time, and what runs beside, come from a Runtime: the service and the simulation
// run the same shell.
package shell

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

const (
	// gathering is how long a pass waits for company of what woke it: answers
	// about many nodes arrive one by one, and one pass over all of them is one
	// commit and few requests. After a pass that took longer it waits for as
	// long as that, up to longestGathering.
	gathering        = 2 * time.Millisecond
	longestGathering = 40 * time.Millisecond
	// feedInterval is how often the feed of the store is read when nothing wakes
	// the shell: what another process wrote wakes nobody here.
	feedInterval = LeaseTTL / 3
	// drainTimeout is how long a stopping service waits for calls in flight.
	drainTimeout = 15 * time.Second
	// storeRetry is the pause after a database that failed.
	storeRetry = time.Second
)

// Config is what a shell works with.
type Config struct {
	Ports Ports
	// Engine are the settings of the engines that it starts.
	Engine engine.Settings
	// Holder names this service in the lease.
	Holder string
	// Options is told the options whenever they are read. It may be nil.
	Options func(bos.Options)
	// Shared says that other services may share the store: while one of them has the
	// lease this one stands by.
	Shared bool
	// Following is told, from one that stands by, whether the service that has the
	// lease is seen to renew it. It may be nil.
	Following func(bool)
	// Driving is told when the shell has the lease, and when it drives no more. It
	// may be nil.
	Driving func(bool)
	// Observer is told what the shell does, for whoever counts; nil is nobody.
	Observer Observer
	// Log is for what an administrator wants to know, Alert for what no option
	// may silence. Nil discards.
	Log, Alert *slog.Logger
	// Runtime is Real if it is nil.
	Runtime Runtime
	// Spoil makes mistakes on purpose in what a step is given, to show that the
	// checks of a simulation find them. It is nil in production.
	Spoil func(now time.Time, in *engine.Inputs) time.Time
}

// Shell runs one engine on one store.
type Shell struct {
	Config
	clock   *clock
	lease   *lease
	changes *changes
	flights *flights
	brakes  *brakes
	hearing *hearing
	inbox   *inbox
	calls   *calls
	vitals  vitals
	// cleaning says that what is old is being removed.
	cleaning atomic.Bool
	// wake is raised by all that a pass may wait for, others when another process has
	// written; rest by nobody.
	wake, others, rest Signal

	engine *engine.Engine
	feed   FeedReader
	epoch  int // of the engine, in the inbox
	// inventories are those that the sessions new to this pass were accepted by:
	// they are set up by the same, which need not be read twice.
	inventories map[bos.SessionKey]bos.Inventory
	// next gathers what the next step takes in; more says that it is to follow at once.
	next engine.Inputs
	more bool
}

// New makes a shell; nothing runs before Run.
func New(c Config) *Shell {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Alert == nil {
		c.Alert = slog.New(slog.DiscardHandler)
	}
	if c.Options == nil {
		c.Options = func(bos.Options) {}
	}
	if c.Driving == nil {
		c.Driving = func(bool) {}
	}
	if c.Following == nil {
		c.Following = func(bool) {}
	}
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	if c.Runtime == nil {
		c.Runtime = NewReal()
	}
	wake := c.Runtime.Signal()
	s := &Shell{
		Config: c, wake: wake, others: c.Runtime.Signal(), rest: c.Runtime.Signal(), clock: &clock{runtime: c.Runtime}, flights: &flights{}, brakes: &brakes{}, hearing: &hearing{},
		changes: newChanges(wake), inbox: newInbox(wake), calls: newCalls(c.Runtime),
	}
	s.lease = newLease(c, s.clock, s.hearing, wake)
	return s
}

// Changed is told of every write of a client in this process. Calls that wait for
// their turn for what is no longer wanted are void when it returns.
func (s *Shell) Changed(c Change) {
	s.brakes.put(c.SitePause, c.Paused, nil)
	s.flights.halt(c.Components)
	s.flights.written(c.Records)
	s.changes.add(c)
}

// Hint takes note that the power of nodes may have changed. The engine probes soon
// those of them that it waits for, and takes nothing else from it. It never blocks and
// may be called from any goroutine, also before Run; unknown nodes cost nothing.
func (s *Shell) Hint(nodes ...string) { s.changes.hint(nodes) }

// Fetched takes note that a boot script was given out. It never blocks and may be
// called from any goroutine, also before Run.
func (s *Shell) Fetched(f bos.ScriptFetch) { s.changes.fetch(f) }

// Run drives the components until ctx ends. If another service holds the database it
// waits for that lease to run out, as it does after a kill, and fails if it is renewed
// instead, unless the store is shared: it then stands by, and does so again when another
// has taken the lease from it. On the way out it waits for calls in flight and records
// their answers.
func (s *Shell) Run(ctx context.Context) error {
	for {
		err := s.lead(ctx)
		if !s.Shared || ctx.Err() != nil || !lost(err) {
			return err
		}
		s.Alert.Warn("another service has the engine's lease now, and this one stands by", "cause", err)
		s.standBy()
	}
}

// standBy forgets all that an engine of this service had under way. Whoever has the lease
// judges calls that were not answered by what it sees.
func (s *Shell) standBy() {
	s.calls.wait(s.Runtime.Mono() + drainTimeout)
	s.dropEngine()
	var late engine.Inputs
	s.inbox.take(&late)
	s.next, s.more = engine.Inputs{}, false
	s.lease.resign()
}

// lead takes the lease and drives until ctx ends or another has it.
func (s *Shell) lead(ctx context.Context) error {
	var err error
	if s.Shared {
		err = s.lease.await(ctx, func(alive bool) {
			s.leave(ctx, alive)
			s.Following(alive)
		})
	} else {
		err = s.lease.take(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, bos.ErrLeaseHeld):
		return fmt.Errorf("cannot drive this database: %w and keeps renewing it; stop the other service, or give this one a database of its own", err)
	case errors.Is(err, bos.ErrOutdated):
		return fmt.Errorf("cannot stand by: %w", err)
	case err != nil:
		return fmt.Errorf("take the engine's lease: %w", err)
	}
	s.Driving(true)
	s.vitals.drive(true, s.Runtime.Mono())
	err = s.drive(ctx)
	s.vitals.drive(false, s.Runtime.Mono())
	s.Driving(false)
	release, cancel := s.Runtime.Timeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return errors.Join(err, s.Ports.Store.Release(release, s.Holder))
}

// drive makes one pass after the other while the lease is held.
func (s *Shell) drive(ctx context.Context) error {
	ctx = bos.Urgent(ctx)
	calls, stopCalls := s.Runtime.Cancellable(context.WithoutCancel(ctx))
	defer stopCalls()
	questions, stopAsking := s.Runtime.Cancellable(calls)
	defer stopAsking()
	stopKeeping := s.lease.keepInBackground(ctx)
	defer stopKeeping()
	stopHearing := s.hearInBackground(ctx)
	defer stopHearing()
	for {
		began := s.Runtime.Mono()
		wake, err := s.pass(ctx, calls, questions)
		took := s.Runtime.Mono() - began
		if over(err) {
			s.flights.haltAll()
			return err
		}
		if err != nil {
			// What the engine remembers of this pass is not stored, also where the pass
			// failed because the service stops.
			if ctx.Err() == nil {
				s.Log.Error("the database failed; the engine starts afresh from it", "error", err)
			}
			s.dropEngine()
			wake = s.Runtime.Mono() + storeRetry
		}
		s.Observer.Passed(took)
		s.vitals.pass(s.engine, s.feed.position, s.Runtime.Mono())
		s.wake.Wait(ctx, min(wake, s.Runtime.Mono()+feedInterval))
		if err := s.lease.trouble(); over(err) {
			s.flights.haltAll()
			return err
		} else if err != nil {
			// A database that takes no renewal takes no report of a node either.
			s.Log.Error("cannot renew the engine's lease; the engine starts afresh when the database takes writes", "error", err)
			s.dropEngine()
		}
		if s.next.Empty() && !s.more {
			// A pass that took long is followed by a longer pause, so that
			// much comes together where much is going on.
			now := s.Runtime.Mono()
			s.rest.Wait(ctx, now+min(max(gathering, 2*took-(now-began)), longestGathering))
		}
		s.inbox.take(&s.next)
		if ctx.Err() != nil {
			stopAsking()
			return s.drain(calls, stopCalls)
		}
	}
}

// lost reports whether another service has the lease.
func lost(err error) bool { return errors.Is(err, bos.ErrFenced) || errors.Is(err, bos.ErrLeaseHeld) }

// over reports whether this service may drive no more: another has the lease, or is of a
// newer program.
func over(err error) bool { return lost(err) || errors.Is(err, bos.ErrOutdated) }

// pass is one step with its commit and its calls; it returns when the next one is due,
// by monotonic time.
func (s *Shell) pass(ctx, calls, questions context.Context) (time.Duration, error) {
	in := s.next
	s.next, s.more = engine.Inputs{}, false
	if err := s.load(ctx, &in); err != nil {
		s.next.Results = in.Results
		return never, err
	}
	now, times := s.lease.pass()
	in.Times = times
	if s.Spoil != nil {
		now = s.Spoil(now, &in)
	}
	out := s.engine.Step(now, in)
	effects, err := s.commit(ctx, out)
	if err != nil {
		// Nothing of this pass is started, and its answers are for the next engine.
		for _, batch := range out.Effects {
			s.flights.drop(batch.IDs)
		}
		s.next.Results = append(in.Results, s.next.Results...)
		return never, err
	}
	s.start(calls, questions, out, effects)
	s.more = out.More
	switch {
	case !s.next.Empty(), out.More:
		return s.Runtime.Mono(), nil
	case out.Wake.IsZero():
		return never, nil
	default:
		return s.Runtime.Mono() + out.Wake.Sub(now), nil
	}
}

// dropEngine gives the engine up: the next one starts from what is stored and from
// the calls that are still under way. Those that have not begun are never made, as
// the next engine orders what is wanted then.
func (s *Shell) dropEngine() {
	s.flights.haltAll()
	if s.engine != nil {
		s.next.Results = append(s.engine.Accepted(), s.next.Results...)
	}
	s.engine = nil
	s.lease.stand()
}

// drain ends a run: no new call starts, also none that waits for its turn, those in
// flight are given a moment, and their answers are recorded. Questions have ended: what
// they would have said is for an engine that goes on, and another service waits for the
// lease.
func (s *Shell) drain(calls context.Context, stopCalls context.CancelFunc) error {
	s.flights.haltAll()
	s.calls.wait(s.Runtime.Mono() + drainTimeout)
	stopCalls()
	s.calls.wait(never)
	in := s.next
	s.inbox.take(&in)
	if s.engine == nil && len(in.Results) == 0 {
		return nil
	}
	ctx, cancel := s.Runtime.Timeout(context.WithoutCancel(calls), drainTimeout)
	defer cancel()
	if err := s.load(ctx, &in); err != nil {
		return err
	}
	now, times := s.lease.pass()
	in.Times = times
	_, err := s.commit(ctx, s.engine.StepToStop(now, in))
	return err
}
