package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// selectGlimpses reads columns, and of the texts only what is shown.
const (
	selectGlimpses = `SELECT c.id, c.revision, c.enabled, c.phase, c.status, c.session, c.tenant, c.since, c.held,
COALESCE(FIELD(c.work, waiting.for), ''), COALESCE(FIELD(c.work, waiting.cause), ''), COALESCE(FIELD(c.work, cause), ''),
CAST(COALESCE(FIELD(c.work, batch), '0') AS BIGINT), COALESCE(FIELD(c.work, admitted), ''),
c.attempts, COALESCE(n.began, 0) FROM `
	whoseGlimpses = " AS c LEFT JOIN session_nodes n ON n.session = c.session AND n.component = c.id AND n.tenant = c.tenant ORDER BY c.id"
	someGlimpses  = selectGlimpses + "FOUND(components, id, ?)" + whoseGlimpses
	allGlimpses   = selectGlimpses + "components" + whoseGlimpses
)

// Glimpses lists what is shown of components.
func (s *Store) Glimpses(ctx context.Context, ids []string) ([]bos.Glimpse, error) {
	query, args := allGlimpses, []any{}
	if len(ids) > 0 {
		encoded, err := json.Marshal(ids)
		if err != nil {
			return nil, err
		}
		query, args = someGlimpses, []any{string(encoded)}
	}
	list := make([]bos.Glimpse, 0, len(ids))
	err := s.each(ctx, func(row scanner) error {
		g, err := scanGlimpse(row)
		list = append(list, g)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read what is shown of components: %w", err)
	}
	return list, nil
}

func scanGlimpse(row scanner) (bos.Glimpse, error) {
	var g bos.Glimpse
	var enabled bool
	var phase bos.Phase
	var status string
	var awaited bos.Cause
	var since, began int64
	var batch string
	var admitted, held string
	err := row.Scan(&g.ID, &g.Revision, &enabled, &phase, &status, &g.Session.Name, &g.Session.Tenant, &since, &held,
		&g.Wait, &awaited, &g.Cause, &batch, &admitted, &g.Attempts, &began)
	if err != nil {
		return g, err
	}
	if !enabled {
		g.Wait = bos.WaitNone
	} else if g.Wait == bos.WaitNone && batch != "0" && admitted == "" {
		g.Wait = bos.WaitRollout
	}
	if g.Cause == bos.CauseNone && g.Wait != bos.WaitNone {
		g.Cause = awaited
	}
	g.State = bos.StateOf(status, phase, enabled, g.Session.Name != "", g.Wait)
	g.Held = held != ""
	if since > 0 {
		g.Since = time.Unix(0, since).UTC()
	}
	if began > 0 {
		g.Began = time.Unix(0, began).UTC()
	}
	return g, nil
}
