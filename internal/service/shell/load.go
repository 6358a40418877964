package shell

import (
	"context"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// load adds what others wrote to the inputs; without an engine it makes one
// and loads all that is open.
func (s *Shell) load(ctx context.Context, in *engine.Inputs) error {
	changed := s.changes.take()
	s.inventories = changed.inventories
	if s.engine == nil {
		err := s.begin(ctx, in)
		if err == nil {
			in.Hints, in.Scripts = append(in.Hints, changed.hints...), append(in.Scripts, changed.scripts...)
			s.tellLoaded(true, in)
		}
		return err
	}
	if err := s.loadChanges(ctx, changed, in); err != nil {
		return fmt.Errorf("load what changed: %w", err)
	}
	s.tellLoaded(false, in)
	return nil
}

// begin starts an engine, with all that is open and the calls that are still under
// way. It runs while the database takes writes, and what nodes report.
func (s *Shell) begin(ctx context.Context, in *engine.Inputs) error {
	if err := s.lease.renew(ctx); err != nil {
		return err
	}
	if err := s.feed.Begin(ctx, s.Ports.Store); err != nil {
		return err
	}
	// No call is made before the engine orders one, which is told of all that brakes. What was
	// known may be lost, with the revisions that said it was newer.
	s.brakes.clear()
	cold, err := s.Ports.Load(ctx, s.Engine.Limits, s.Runtime.Wall())
	if err != nil {
		return err
	}
	s.epoch = s.inbox.begin()
	s.engine = engine.New(s.Engine)
	s.lease.run(cold)
	s.brakes.put(cold.SitePause, cold.Sessions, nil)
	s.hearing.heard(s.feed.position)
	// What is answered from here on finds the new engine.
	cold.Flights = s.flights.surviving()
	s.inbox.take(&cold)
	cold.Results = append(in.Results, cold.Results...)
	*in = cold
	s.Options(*cold.Options)
	return nil
}

// loadChanges adds what the feed tells. Calls for what was written elsewhere are
// stopped here; those for what this process wrote were when it was answered.
func (s *Shell) loadChanges(ctx context.Context, changed taken, in *engine.Inputs) error {
	in.Hints = append(in.Hints, changed.hints...)
	in.Scripts = append(in.Scripts, changed.scripts...)
	if err := s.feed.Load(ctx, s.Ports, s.engine, changed.records, in); err != nil {
		return err
	}
	s.stopFor(in)
	s.hearing.heard(s.feed.position)
	if in.Options != nil {
		s.Options(*in.Options)
	}
	return nil
}

// Load is the inputs of a cold start: the options, all components in work, all
// sessions that are not complete and, where power is limited, whether power was
// ever touched.
func (p Ports) Load(ctx context.Context, limits bos.PowerLimits, now time.Time) (engine.Inputs, error) {
	options, err := p.Store.Options(ctx)
	if err != nil {
		return engine.Inputs{}, fmt.Errorf("load options: %w", err)
	}
	records, err := p.inWork(ctx)
	if err != nil {
		return engine.Inputs{}, fmt.Errorf("load components: %w", err)
	}
	pause, err := p.Store.SitePause(ctx)
	if err != nil {
		return engine.Inputs{}, err
	}
	in := engine.Inputs{Options: &options, SitePause: &pause, Records: records}
	if in.Sessions, err = p.OpenSessions(ctx, now); err != nil || !limits.Any() {
		return in, err
	}
	in.Acted, err = p.acted(ctx)
	return in, err
}

// inWork are the components that an engine works on: the enabled ones, and those
// whose boot parameters are seen to for what is staged, or whose drain is to be ended.
func (p Ports) inWork(ctx context.Context) ([]bos.Record, error) {
	enabled := true
	records, err := p.Store.Components(ctx, bos.ComponentFilter{Enabled: &enabled, Readable: true})
	if err != nil {
		return nil, err
	}
	tended, err := p.Store.Components(ctx, bos.ComponentFilter{Tended: true, Readable: true})
	return joined(records, tended), err
}

// How far back the history is read for the last power action, in events.
const (
	actionsPage = 5_000
	actionsMost = 200_000
)

// acted reports whether the history has a power action: each leaves an event in the
// commit that comes before its call. Where that cannot be found out it is as if it
// had one.
func (p Ports) acted(ctx context.Context) (bool, error) {
	f := bos.EventFilter{Seen: bos.WholeSite(), Newest: true, Limit: actionsPage}
	for range actionsMost / actionsPage {
		events, err := p.Store.Events(ctx, f)
		if err != nil {
			return false, fmt.Errorf("look for the last power action: %w", err)
		}
		for _, e := range events {
			if decide.Reason(e.Kind).Acts() {
				return true, nil
			}
			f.Before = e.ID
		}
		if len(events) < f.Limit {
			return false, nil
		}
	}
	return true, nil
}

// OpenSessions are the sessions that are pending or running.
func (p Ports) OpenSessions(ctx context.Context, now time.Time) ([]bos.SessionRecord, error) {
	var open []bos.SessionRecord
	for _, status := range []bos.SessionPhase{bos.SessionPending, bos.SessionRunning} {
		some, err := p.Store.Sessions(ctx, bos.SessionFilter{Of: bos.AllTenants(), Status: status, Readable: true}, now)
		if err != nil {
			return nil, fmt.Errorf("load %s sessions: %w", status, err)
		}
		open = append(open, some...)
	}
	return open, nil
}
