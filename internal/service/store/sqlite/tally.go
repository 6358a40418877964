package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// SessionTally counts the components of a session. The ids of each group come
// as one text, from an index: ten thousand rows would take longer to hand over
// than to find. All is counted in one snapshot: a node that is applied meanwhile is
// never missing from both what waits and what is worked on.
func (s *Store) SessionTally(ctx context.Context, session bos.Session) (bos.Tally, error) {
	var t bos.Tally
	own := session.Owner()
	err := s.snapshot(ctx, func(q querier) error { return countSession(ctx, q, session, own, &t) })
	if err != nil {
		return bos.Tally{}, fmt.Errorf("count the components of session %s: %w", session.Name, err)
	}
	return t, nil
}

func countSession(ctx context.Context, q querier, session bos.Session, own func(string) bool, t *bos.Tally) error {
	err := each(ctx, q, func(row scanner) error {
		var ids, status, phase string
		var enabled bool
		var n int
		if err := row.Scan(&ids, &n, &status, &phase, &enabled); err != nil {
			return err
		}
		if !session.OwnsByName() {
			n = 0
			for id := range strings.SplitSeq(ids, separator) {
				if own(id) {
					n++
				}
			}
		}
		if n > 0 {
			t.Count(n, status, bos.Phase(phase), enabled, status == bos.StatusOnHold)
		}
		return nil
	}, "SELECT GROUP_CONCAT(id, ?), COUNT(*), status, phase, enabled FROM components WHERE session = ? GROUP BY status, phase, enabled", separator, session.Name)
	if err == nil {
		err = each(ctx, q, func(row scanner) error {
			var id, text string
			err := row.Scan(&id, &text)
			if own(id) {
				t.Fail(id, text)
			}
			return err
		}, "SELECT id, error FROM components WHERE session = ? AND error <> ''", session.Name)
	}
	if err == nil {
		err = each(ctx, q, func(row scanner) error {
			var id string
			var owned bool
			err := row.Scan(&id, &owned)
			if own(id) {
				t.Wait(owned)
			}
			return err
		}, stageWaits, session.Name)
	}
	return err
}

// stageWaits is who waits for what a session has staged (bos.Record.StageWaits),
// and whether it owns them.
const stageWaits = `SELECT id, session = ?1 FROM components WHERE staged_session = ?1 AND staged_session <> ''
AND (work = '{}' OR COALESCE(work ->> '$.applied', '') <> ?1)`

// separator stands between ids; no xname holds it.
const separator = "\x1f"
