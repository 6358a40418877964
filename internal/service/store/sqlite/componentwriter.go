package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	insertComponent = `INSERT INTO components (revision, enabled, phase, status, session, staged_session, error, document, work, id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	updateComponent = `UPDATE components SET revision = ?, enabled = ?, phase = ?, status = ?, session = ?, staged_session = ?, error = ?, document = ?, work = ?
WHERE id = ?`
	// updateDocument leaves every index alone.
	updateDocument = "UPDATE components SET revision = ?, document = ?, work = ? WHERE id = ?"
	// loadAtOnce is from how many on records are read by one query.
	loadAtOnce = 16
)

// filters are the values of a record that have columns of their own.
type filters struct {
	enabled                               bool
	phase, status, session, staged, error string
}

func filtersOf(r *bos.Record) filters {
	return filters{r.Enabled, string(r.Status.Phase), r.DeriveStatus(), r.Session, r.StagedState.Session, r.Error}
}

// componentWriter reads and writes records in one transaction.
type componentWriter struct {
	ctx     context.Context //nolint:containedctx // lives as long as one write
	tx      *tx
	arts    *interning
	decoder *decoder
	buffer  []byte
	// written are the records that were stored, as they are now.
	written []bos.Record
}

func (s *Store) componentWriter(ctx context.Context, t *tx) *componentWriter {
	arts := s.interning(ctx, t)
	return &componentWriter{ctx: ctx, tx: t, arts: arts, decoder: &decoder{artifacts: arts.resolve}}
}

// stored is a record as it was, or the empty one of that id.
type stored struct {
	bos.Record
	exists bool
}

// load reads the records of ids in their order.
func (w *componentWriter) load(ids []string) ([]stored, error) {
	list := make([]stored, len(ids))
	if len(ids) < loadAtOnce {
		for i, id := range ids {
			r, err := scanRecord(w.tx.row(w.ctx, readComponent, id), w.decoder)
			switch {
			case notThere(err):
				list[i].ID = id
			case err != nil:
				return nil, fmt.Errorf("read component %s: %w", id, err)
			default:
				list[i] = stored{r, true}
			}
		}
		return list, nil
	}
	encoded, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := w.tx.query(w.ctx, componentColumns+" WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", string(encoded))
	found, err := records(rows, err, w.decoder)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*bos.Record, len(found))
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	for i, id := range ids {
		if r, ok := byID[id]; ok {
			list[i] = stored{*r, true}
		} else {
			list[i].ID = id
		}
	}
	return list, nil
}

// mutate runs fn on each record and writes what it changed; an id that comes
// again sees the change before.
func (w *componentWriter) mutate(before []stored, fn func(*bos.Record, bool) error) ([]bos.Record, error) {
	out := make([]bos.Record, 0, len(before))
	latest := make(map[string]int, len(before))
	var writes []write
	for i := range before {
		old := before[i]
		if at, again := latest[old.ID]; again {
			old = stored{writes[at].record, true}
		}
		r := old.Record
		err := fn(&r, old.exists)
		if errors.Is(err, bos.ErrSkip) {
			continue
		}
		if err != nil {
			return nil, err
		}
		r.ID, r.Revision = old.ID, old.Revision
		if r != old.Record || !old.exists {
			r.Revision++
			w := write{record: r, insert: !old.exists, before: filtersOf(&old.Record)}
			if at, again := latest[old.ID]; again {
				w.insert, w.before = writes[at].insert, writes[at].before
				writes[at] = w
			} else {
				latest[old.ID] = len(writes)
				writes = append(writes, w)
			}
		}
		out = append(out, r)
	}
	return out, w.write(writes)
}

// write is a record to be stored.
type write struct {
	record bos.Record
	insert bool
	// before is what the columns hold, unless it is an insert.
	before filters
}

func (w *componentWriter) write(list []write) error {
	w.written = make([]bos.Record, len(list))
	for i := range list {
		w.written[i] = list[i].record
	}
	if err := w.arts.share(w.written); err != nil {
		return err
	}
	for i := range list {
		if err := w.put(&list[i]); err != nil {
			return fmt.Errorf("write component %s: %w", list[i].record.ID, err)
		}
	}
	return nil
}

func (w *componentWriter) put(p *write) error {
	r := &p.record
	shown := r.Component
	shown.Status.Status = ""
	w.buffer = shown.AppendJSON(w.buffer[:0], w.arts.append)
	document, work := string(w.buffer), noWork
	if r.Work != (bos.Work{}) {
		encoded, err := json.Marshal(r.Work)
		if err != nil {
			return err
		}
		work = string(encoded)
	}
	f := filtersOf(r)
	if !p.insert && f == p.before {
		_, err := w.tx.exec(w.ctx, updateDocument, r.Revision, document, work, r.ID)
		return err
	}
	query := updateComponent
	if p.insert {
		query = insertComponent
	}
	_, err := w.tx.exec(w.ctx, query, r.Revision, f.enabled, f.phase, f.status, f.session, f.staged, f.error, document, work, r.ID)
	return err
}
