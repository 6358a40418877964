package tables

import (
	"context"
	"errors"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// MutateOwned changes a session together with its components.
func (s *Store) MutateOwned(ctx context.Context, key bos.SessionKey, fn func(*bos.SessionRecord, []bos.Record, bos.Tally) error, notes ...bos.Event) (bos.SessionRecord, []bos.Record, error) {
	var out bos.SessionRecord
	var written []bos.Record
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		session, err := readSession(ctx, t, key)
		if err != nil {
			return err
		}
		out = session
		w := s.componentWriter(ctx, t)
		rows, err := t.query(ctx, componentColumns+"components"+ownMembers, key.Name, key.Tenant)
		before, err := records(rows, err, w.decoder, 0, w.damaged)
		if err != nil {
			return err
		}
		var left bos.Tally
		if err := countLeft(ctx, t, key, &left); err != nil {
			return err
		}
		after := append([]bos.Record{}, before...)
		if err := fn(&session, after, left); err != nil {
			return err
		}
		if out, written, err = w.writeOwned(session, before, after); err != nil {
			return err
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

// writeOwned writes a session and those of its components that differ, and returns them:
// in the place of after, as records are large and many.
func (w *componentWriter) writeOwned(session bos.SessionRecord, before, after []bos.Record) (bos.SessionRecord, []bos.Record, error) {
	var err error
	if session.Revision, err = putSession(w.ctx, w.tx, session); err != nil {
		return session, nil, err
	}
	if err := w.write(changes(before, after)); err != nil {
		return session, nil, err
	}
	// What was written is in after, in this order: none is overwritten before it is moved.
	written := after[:len(w.written)]
	for i := range w.written {
		written[i] = *w.written[i].record
		written[i].Revision = session.Revision
		w.written[i].record = &written[i]
	}
	return session, written, nil
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
