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

// cleanPage is how many components are held in memory at a time.
const cleanPage = 2000

// Clean deletes old sessions of every tenant and empties old actual states, a
// page at a time. A component in work is left for when it is done.
func (p Ports) Clean(ctx context.Context, c engine.Clean, now time.Time) error {
	return errors.Join(p.cleanSessions(ctx, c.Sessions, now), p.cleanActual(ctx, c.Actual, now))
}

func (p Ports) cleanSessions(ctx context.Context, age time.Duration, now time.Time) error {
	if age == 0 {
		return nil
	}
	old, err := p.Store.Sessions(ctx, bos.SessionFilter{Status: bos.SessionComplete, MinAge: age}, now)
	if err != nil {
		return fmt.Errorf("list old sessions: %w", err)
	}
	for _, s := range old {
		if err := p.Store.DeleteSession(ctx, s.Key()); err != nil && !errors.Is(err, bos.ErrNotFound) {
			return fmt.Errorf("delete the old session %q: %w", s.Name, err)
		}
	}
	return nil
}

func (p Ports) cleanActual(ctx context.Context, before, now time.Time) error {
	if before.IsZero() {
		return nil
	}
	idle := false
	filter := bos.ComponentFilter{Enabled: &idle, Limit: cleanPage, Readable: true}
	for {
		page, err := p.Store.Components(ctx, filter)
		if err != nil {
			return fmt.Errorf("look for old actual states: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		filter.After = page[len(page)-1].ID
		var old []string
		for _, r := range page {
			if decide.ActualExpired(r, before) {
				old = append(old, r.ID)
			}
		}
		if len(old) == 0 {
			continue
		}
		// A node may have reported, or been armed, since the page was read.
		_, err = p.Store.MutateComponents(ctx, old, func(r *bos.Record, exists bool) error {
			if !exists || !decide.ActualExpired(*r, before) {
				return bos.ErrSkip
			}
			*r = decide.ForgetActual(*r, now)
			return nil
		})
		if err != nil {
			return fmt.Errorf("empty old actual states: %w", err)
		}
	}
}
