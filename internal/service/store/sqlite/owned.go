package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// MutateOwned changes a session together with its components.
func (s *Store) MutateOwned(ctx context.Context, key bos.SessionKey, fn func(*bos.SessionRecord, []bos.Record) error, notes ...bos.Event) (bos.SessionRecord, []bos.Record, error) {
	var out bos.SessionRecord
	var written []bos.Record
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		session, err := readSession(ctx, t, key)
		if err != nil {
			return err
		}
		out = session
		w := s.componentWriter(ctx, t)
		rows, err := t.query(ctx, componentColumns+" WHERE session = ?1 OR staged_session = ?1 AND staged_session <> '' ORDER BY id", key.Name)
		before, err := records(rows, err, w.decoder, 0)
		if err != nil {
			return err
		}
		before = session.Own(before)
		after := append([]bos.Record{}, before...)
		if err := fn(&session, after); err != nil {
			return err
		}
		if session.Revision, err = putSession(ctx, t, session); err != nil {
			return err
		}
		out = session
		if err := w.write(changes(before, after)); err != nil {
			return err
		}
		written = make([]bos.Record, len(w.written))
		for i := range w.written {
			written[i] = *w.written[i].record
			written[i].Revision = session.Revision
		}
		if err := t.noteSession(ctx, key, notes); err != nil {
			return err
		}
		for i := range notes {
			notes[i].Session, notes[i].Tenant = key.Name, key.Tenant
		}
		return t.noteComponents(ctx, w.written, notes)
	})
	if errors.Is(err, bos.ErrSkip) {
		return out, nil, nil
	}
	return out, written, err
}

// changes is what differs.
func changes(before, after []bos.Record) []write {
	var list []write
	for i := range before {
		r := &after[i]
		r.ID, r.Revision = before[i].ID, before[i].Revision
		if *r == before[i] {
			continue
		}
		list = append(list, write{record: r, before: filtersOf(&before[i])})
	}
	return list
}

// SessionTally counts the components of a session. The ids of each group come
// as one text, from an index: ten thousand rows would take longer to hand over
// than to find.
func (s *Store) SessionTally(ctx context.Context, session bos.Session) (bos.Tally, error) {
	var t bos.Tally
	own := session.Owner()
	err := s.each(ctx, func(row scanner) error {
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
		err = s.each(ctx, func(row scanner) error {
			var id, text string
			err := row.Scan(&id, &text)
			if own(id) {
				t.Fail(id, text)
			}
			return err
		}, "SELECT id, error FROM components WHERE session = ? AND error <> ''", session.Name)
	}
	if err == nil {
		err = s.each(ctx, func(row scanner) error {
			var id string
			var owned bool
			err := row.Scan(&id, &owned)
			if own(id) {
				t.Wait(owned)
			}
			return err
		}, stageWaits, session.Name)
	}
	if err != nil {
		return bos.Tally{}, fmt.Errorf("count the components of session %s: %w", session.Name, err)
	}
	return t, nil
}

// stageWaits is who waits for what a session has staged (bos.Record.StageWaits),
// and whether it owns them.
const stageWaits = `SELECT id, session = ?1 FROM components WHERE staged_session = ?1 AND staged_session <> ''
AND (work = '{}' OR COALESCE(work ->> '$.applied', '') <> ?1)`

// separator stands between ids; no xname holds it.
const separator = "\x1f"

// each calls fn on each row of a query.
func (s *Store) each(ctx context.Context, fn func(scanner) error, query string, args ...any) error {
	rows, err := s.query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
