package shell

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

const (
	// hearingInterval is how often the service that drives a shared store looks whether
	// another waits for it to hear, where no hint says so.
	hearingInterval = 250 * time.Millisecond
	// askingFirst and askingMost are the pauses between looks whether it has.
	askingFirst, askingMost = 5 * time.Millisecond, 100 * time.Millisecond
	// askingTime bounds the tries to ask.
	askingTime = 20 * time.Second
)

// hearing is how far this service acts on what others wrote, and how far it is asked to.
type hearing struct {
	mu          sync.Mutex
	asked, upto int64
}

// ask notes what was asked when the lease was renewed.
func (h *hearing) ask(position int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = max(h.asked, position)
}

// heard notes that all up to a position was read, and the calls stopped that it forbids.
func (h *hearing) heard(position int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.upto = max(h.upto, position)
}

func (h *hearing) position() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.upto
}

// behind reports whether there is something to be heard that may forbid any call.
func (h *hearing) behind() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked > h.upto
}

// hearInBackground hears what others ask this service to, beside the passes: one that
// takes long must keep nobody waiting, nor let a call be made meanwhile. stop returns
// when none of it is under way.
func (s *Shell) hearInBackground(ctx context.Context) (stop func()) {
	if !s.Shared {
		return func() {}
	}
	return inBackground(ctx, s.Runtime, s.listen)
}

func (s *Shell) listen(ctx context.Context) {
	for troubled := false; ; {
		s.others.Wait(ctx, s.Runtime.Mono()+hearingInterval)
		if ctx.Err() != nil {
			return
		}
		err := s.hear(ctx)
		if err != nil && !troubled && ctx.Err() == nil && !lost(err) {
			s.Alert.Warn("cannot hear what other services on this database were told; what they wrote is acted on with the next pass", "error", err)
		}
		troubled = err != nil
	}
}

// hear takes in what others wait for, says so, and takes the hints that they left.
func (s *Shell) hear(ctx context.Context) error {
	is, err := s.Ports.Store.Heard(ctx)
	if err != nil {
		return err
	}
	fence := s.lease.held().Fence
	if is.Asked > is.Upto && s.hearing.position() > 0 { // else the first engine is about to read all
		if s.hearing.position() < is.Asked {
			if err := s.readOthers(ctx); err != nil {
				return err
			}
			s.wake.Raise() // the engine is to know as well
		}
		if err := s.Ports.Store.Hear(ctx, fence, s.hearing.position()); err != nil {
			return err
		}
	}
	if !is.Hints {
		return nil
	}
	hints, err := s.Ports.Store.Told(ctx, fence)
	if err != nil {
		return err
	}
	s.changes.tell(hints)
	return nil
}

// leave leaves hints that come while this service stands by for the one that drives, as
// long as one is seen to; else they are for this one, which may be about to drive. What
// was written the feed tells.
func (s *Shell) leave(ctx context.Context, driven bool) {
	hints := s.changes.forOthers(driven)
	if hints.Empty() {
		return
	}
	if err := s.Ports.Store.Tell(ctx, hints); err != nil {
		s.changes.tell(hints) // what is not passed on would make a boot look as if nothing had been fetched
	}
}

// readOthers reads what was written since and stops the calls that it forbids.
func (s *Shell) readOthers(ctx context.Context) error {
	reader := FeedReader{position: s.hearing.position()}
	fed, err := s.Ports.Store.Changes(ctx, reader.position)
	if err != nil {
		return err
	}
	fed.Options = false // which stop no call
	var in engine.Inputs
	if fed.All {
		err = s.Ports.loadBrakes(ctx, &in)
	} else {
		err = reader.loadChanged(ctx, s.Ports, fed, nil, &in)
	}
	if err != nil {
		return fmt.Errorf("read what others wrote: %w", err)
	}
	if fed.All { // what exactly cannot be said: the engine orders anew what is wanted
		s.flights.haltAll()
	}
	s.stopFor(&in)
	s.hearing.heard(fed.Newest)
	return nil
}

// stopFor stops the calls that what was loaded forbids.
func (s *Shell) stopFor(in *engine.Inputs) {
	s.brakes.put(in.SitePause, in.Sessions, in.GoneSessions)
	s.flights.written(in.Records)
	s.flights.halt(in.Deleted)
}

// loadBrakes loads what stops calls and is in no order of theirs.
func (p Ports) loadBrakes(ctx context.Context, in *engine.Inputs) error {
	if err := p.loadSitePause(ctx, in); err != nil {
		return err
	}
	sessions, err := p.OpenSessions(ctx, time.Time{})
	in.Sessions = sessions
	return err
}

// Written is told that another process has written to the store. It never blocks.
func (s *Shell) Written() {
	s.wake.Raise()
	s.others.Raise()
}

// Freed is told that nobody has the lease of the store any more: a service that stands by
// need not wait for its next look. It never blocks.
func (s *Shell) Freed() { s.lease.free.Raise() }

// Settle returns when no call is made any more that was decided on before what is stored
// now, wherever: in this service calls are stopped when Changed returns, in the one that
// drives a shared store when it has heard. One that is not heard of for as long as its
// lease lasts makes none. An error says that nobody knows.
func (s *Shell) Settle(ctx context.Context) error {
	if !s.Shared || s.lease.mayAct() {
		return nil
	}
	rest := s.Runtime.Signal()
	position, err := s.ask(ctx, rest)
	if err != nil {
		return err
	}
	over := s.Runtime.Mono() + LeaseTTL
	for pause := askingFirst; s.Runtime.Mono() < over; pause = min(2*pause, askingMost) {
		is, err := s.Ports.Store.Heard(ctx)
		if err == nil && (is.Nobody || is.Upto >= position) {
			return nil
		}
		rest.Wait(ctx, s.Runtime.Mono()+pause)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// ask asks for all that is stored to be heard, for as long as the database does not take
// it.
func (s *Shell) ask(ctx context.Context, rest Signal) (int64, error) {
	for over := s.Runtime.Mono() + askingTime; ; {
		position, err := s.Ports.Store.Ask(ctx)
		if err == nil {
			return position, nil
		}
		rest.Wait(ctx, s.Runtime.Mono()+askingMost)
		if ctx.Err() != nil {
			return 0, errors.Join(ctx.Err(), err)
		}
		if s.Runtime.Mono() >= over {
			return 0, err
		}
	}
}
