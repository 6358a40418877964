package sqlite

import (
	"context"
	"errors"

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
