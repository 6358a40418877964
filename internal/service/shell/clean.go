package shell

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

const (
	// cleanPage is how many components are held in memory, and written by one
	// commit.
	cleanPage = 1000
	// eventExpired is the kind of the event of a session that was kept for long
	// enough; that of an actual state is its last action.
	eventExpired = "session_expired"
)

// clean removes what is old, unless that is still being done: on a slow disk it may
// take longer than it is asked for.
func (s *Shell) clean(ctx context.Context, c *engine.Clean) {
	if c == nil || !s.cleaning.CompareAndSwap(false, true) {
		return
	}
	fence := s.lease.held().Fence
	s.call(ctx, func(ctx context.Context, _ func(func(*engine.Inputs))) {
		defer s.cleaning.Store(false)
		if err := s.Ports.Clean(ctx, *c, fence, s.Runtime.Wall()); err != nil && ctx.Err() == nil {
			s.Log.Warn("cannot remove what is old", "error", err)
		}
	})
}

// Clean deletes old sessions of every tenant, empties old actual states, and has the
// store tidy up and forget what is remembered of deleted components, as long as the lease
// with the fence is held. A component in work is left for when it is done.
func (p Ports) Clean(ctx context.Context, c engine.Clean, fence int64, now time.Time) error {
	return errors.Join(p.cleanSessions(ctx, c.Sessions, fence, now), p.cleanActual(ctx, c.Actual, fence, now), p.Store.Tidy(ctx, fence), p.Store.ForgetDeparted(ctx, fence, c.Shown))
}

// cleanSessions deletes one session after the other: each may have very many nodes.
func (p Ports) cleanSessions(ctx context.Context, age time.Duration, fence int64, now time.Time) error {
	if age == 0 {
		return nil
	}
	old, err := p.Store.Sessions(ctx, bos.SessionFilter{Of: bos.AllTenants(), Status: bos.SessionComplete, MinAge: age, Readable: true}, now)
	if err != nil {
		return fmt.Errorf("list old sessions: %w", err)
	}
	for _, s := range old {
		_, err := p.Store.Commit(ctx, bos.Commit{
			Fence: fence, Expired: []bos.ChangedSession{{Key: s.Key(), Revision: s.Revision}},
			Events: []bos.Event{{
				Time: now.UTC(), Session: s.Name, Tenant: bos.TenantOf(s.Tenant), Kind: eventExpired,
				Detail: "it is complete and started longer ago than cleanup_completed_session_ttl",
			}},
		})
		if err != nil {
			return fmt.Errorf("delete the old session %q: %w", s.Name, err)
		}
	}
	return nil
}

func (p Ports) cleanActual(ctx context.Context, before time.Time, fence int64, now time.Time) error {
	if before.IsZero() {
		return nil
	}
	filter := bos.ComponentFilter{Unconfirmed: before, Limit: cleanPage, Readable: true}
	for {
		page, err := p.Store.Components(ctx, filter)
		if err != nil {
			return fmt.Errorf("look for old actual states: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		filter.After = page[len(page)-1].ID
		// A node that has reported, or was armed, since the page was read has another
		// revision and is left alone.
		c := forgotten(page, before, now)
		if len(c.Components) == 0 {
			continue
		}
		c.Fence = fence
		if _, err := p.Store.Commit(ctx, c); err != nil {
			return fmt.Errorf("empty old actual states: %w", err)
		}
	}
}

// forgotten is what becomes of those of a page whose actual state is old.
func forgotten(page []bos.Record, before, now time.Time) bos.Commit {
	var c bos.Commit
	for _, r := range page {
		if !decide.ActualExpired(r, before) {
			continue
		}
		said := "never"
		if at := r.ActualState.LastUpdated; !at.IsZero() {
			said = at.String()
		}
		c.Components = append(c.Components, decide.ForgetActual(r, now))
		c.Events = append(c.Events, bos.Event{
			Time: now.UTC(), Component: r.ID, Session: r.Session, Kind: string(bos.ActionActualStateCleanup),
			Detail: "what it booted is not known any more: it said so last " + said + ", longer ago than component_actual_state_ttl",
		})
	}
	return c
}
