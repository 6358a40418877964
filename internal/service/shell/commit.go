package shell

import (
	"context"
	"errors"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// commit makes the step durable and returns the effects that may start. Those
// of records that had changed meanwhile are left out, and the records are taken
// up again with the next step.
func (s *Shell) commit(ctx context.Context, out engine.Outputs) ([]decide.Batch, error) {
	effects := out.Effects
	s.flights.begin(effects, out.Orders)
	var left bos.Conflicts
	if !engine.Empty(out.Commit) {
		out.Commit.Fence = s.lease.held().Fence
		done, err := s.Ports.Store.Commit(ctx, out.Commit)
		if err != nil {
			return nil, fmt.Errorf("commit a pass: %w", err)
		}
		s.next.Committed, left = &done, done.Conflicts
		s.feed.Wrote(done.Revision)
		s.tellRetries(out.Commit.Events)
		if !done.None() {
			effects, s.next.Dropped = engine.Survivors(effects, done.Components)
			s.flights.drop(s.next.Dropped)
			s.wake.Raise() // what was newer is in the feed
		}
	}
	s.Observer.Committed(s.Runtime.Mono(), out.Commit, left, effects)
	for _, setup := range out.SetUps {
		if err := s.setUp(ctx, setup); err != nil {
			return nil, err
		}
	}
	return effects, nil
}

// tellRetries has the log say how to retry what failed of sessions that are over.
func (s *Shell) tellRetries(events []bos.Event) {
	for _, event := range events {
		if event.Kind == engine.EventRetry {
			s.Log.Warn("nodes of a session failed", "session", event.Session, "tenant", event.Tenant, "retry", event.Detail)
		}
	}
}

// setUp arms the nodes of one session. One that was written or deleted meanwhile
// is taken up again as it then is.
func (s *Shell) setUp(ctx context.Context, setup bos.Setup) error {
	setup.Fence = s.lease.held().Fence
	session, records, err := s.Ports.Store.SetUp(ctx, setup)
	switch {
	case errors.Is(err, bos.ErrChanged):
		s.wake.Raise() // the feed has it
		return nil
	case err != nil:
		return fmt.Errorf("commit the setup of session %q: %w", setup.Session.Name, err)
	}
	s.feed.Wrote(session.Revision)
	s.flights.written(records)
	s.Observer.Loaded(s.Runtime.Mono(), false, records, nil, []bos.SessionRecord{session}, nil)
	s.next.Records = joined(s.next.Records, records)
	s.next.Sessions = append(s.next.Sessions, session)
	return nil
}
