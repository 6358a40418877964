package tables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
)

const (
	insertComponent = `INSERT INTO components (revision, document, work, goal, tenant, attempts, enabled, phase, status, session, staged_session, error, held, confirmed, since, id)
VALUES (?, DOCUMENT(?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	// loadAtOnce is from how many on records are read by one query.
	loadAtOnce = 16
	// loadPage is how many one query reads: what it takes in time and memory is bounded.
	loadPage = 5000
)

// filterColumns are the columns that indexes are made of.
var filterColumns = [...]string{"enabled", "phase", "status", "session", "staged_session", "error", "held", "confirmed"}

// filters are the values of a record that have columns of their own, as texts.
type filters [len(filterColumns)]string

func filtersOf(r *bos.Record) filters {
	enabled := "0"
	if r.Enabled {
		enabled = "1"
	}
	return filters{enabled, string(r.Status.Phase), r.DeriveStatus(), r.Session, r.StagedState.Session, r.Error, brakeText(r.Held), confirmed(r.ActualState)}
}

// confirmed is the minute in which a node said last what it booted: "0" if it says
// nothing, "1" if it does not say when. By minutes, as each change is one of an index.
func confirmed(s bos.ActualState) string {
	switch {
	case s.BootArtifacts.Empty() && s.BSSToken == "":
		return "0"
	case s.LastUpdated.IsZero():
		return "1"
	default:
		return strconv.FormatInt(max(s.LastUpdated.Unix()/60, 1), 10)
	}
}

// statusColumns are those of the filter columns that make a node's status, as bits: when
// one of them changes, what is shown of the node is so since then.
const statusColumns = 0b1111

// updates are the statements for each set of columns that changed, a bit for
// each: a column that is named in an update costs a write of every index it is
// in, whether it changed or not.
var updates = func() (list [1 << len(filterColumns)]string) {
	for changed := range list {
		var set strings.Builder
		for i, column := range filterColumns {
			if changed>>i&1 == 1 {
				set.WriteString(", " + column + " = ?")
			}
		}
		if changed&statusColumns != 0 {
			set.WriteString(", since = ?")
		}
		list[changed] = "UPDATE components SET revision = ?, document = DOCUMENT(?), work = ?, goal = ?, tenant = ?, attempts = ?" + set.String() + " WHERE id = ?"
	}
	return list
}()

// componentWriter reads and writes records in one transaction.
type componentWriter struct {
	ctx     context.Context //nolint:containedctx // lives as long as one write
	tx      *tx
	arts    *interning
	decoder *document.Decoder
	buffer  []byte
	args    []any
	// damaged is what becomes of a record that cannot be read; by default it is an
	// error.
	damaged damaged
	// settingUp is the session that takes its nodes in by itself.
	settingUp   string
	memberships memberships
	// ofTenants says of a session's name whether a tenant has one.
	ofTenants map[string]bool
	// written is what was stored.
	written []write
	// inBulk says that records are gathered, in bulks.
	inBulk bool
	bulks  []*bulk
	// recalled says that records were stored otherwise than they were given, with what was
	// remembered of them.
	recalled bool
}

func (s *Store) componentWriter(ctx context.Context, t *tx) *componentWriter {
	arts := interningIn(ctx, t)
	return &componentWriter{ctx: ctx, tx: t, arts: arts, decoder: &document.Decoder{Artifacts: arts.resolve}, damaged: refused}
}

// load reads the records of ids; one that is not there is left out.
func (w *componentWriter) load(ids []string) (map[string]*bos.Record, error) {
	byID := make(map[string]*bos.Record, len(ids))
	if len(ids) < loadAtOnce {
		for _, id := range ids {
			if r, ok := w.tx.ahead.take(id); ok {
				byID[id] = r
				continue
			}
			r := &bos.Record{}
			err := scanRecord(w.tx.row(w.ctx, readComponent, id), w.decoder, r)
			switch {
			case notThere(err):
			case err != nil:
				if err := w.damaged(fmt.Errorf("read component %s: %w", id, err)); err != nil {
					return nil, err
				}
			default:
				byID[id] = r
			}
		}
		return byID, nil
	}
	found, err := w.loadMany(ids)
	if err != nil {
		return nil, err
	}
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	return byID, nil
}

// loadMany is load by a query for each page of a long list. The records are ordered by id.
func (w *componentWriter) loadMany(ids []string) ([]bos.Record, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	list := make([]bos.Record, 0, len(ids))
	for page := range slices.Chunk(ids, loadPage) {
		encoded, err := json.Marshal(page)
		if err != nil {
			return nil, err
		}
		rows, err := w.tx.query(w.ctx, readComponents+" ORDER BY id", string(encoded))
		if list, err = appendRecords(list, rows, err, w.decoder, w.damaged); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// mutate runs fn on each record and writes what it changed; an id that comes
// again sees the change before.
func (w *componentWriter) mutate(ids []string, before map[string]*bos.Record, fn func(*bos.Record, bool) error) ([]bos.Record, error) {
	out := make([]bos.Record, 0, len(ids)) // never grows: writes point into it
	writes := make([]write, 0, len(ids))
	latest := make(map[string]int)
	for _, id := range ids {
		old, exists := before[id]
		if !exists {
			old = &bos.Record{}
			old.ID = id
		}
		out = append(out, *old)
		r := &out[len(out)-1]
		err := fn(r, exists)
		if errors.Is(err, bos.ErrSkip) {
			out = out[:len(out)-1]
			continue
		}
		if err != nil {
			return nil, err
		}
		r.ID, r.Revision = id, old.Revision
		if exists && *r == *old {
			continue
		}
		change, err := w.tx.changing(w.ctx)
		if err != nil {
			return nil, err
		}
		r.Revision = change.Revision
		next := write{record: r, insert: !exists, before: filtersOf(old), repeats: exists && r.Repeats(*old)}
		before[id] = r
		if at, again := latest[id]; again {
			writes[at].record, writes[at].repeats = r, writes[at].repeats && next.repeats
			continue
		}
		latest[id] = len(writes)
		writes = append(writes, next)
	}
	return out, w.write(writes)
}

// write is a record to be stored, under the revision of its job.
type write struct {
	record *bos.Record
	insert bool
	// before is what the columns hold, unless it is an insert.
	before filters
	// repeats says that it is no news (bos.Record.Repeats).
	repeats bool
}

func (w *componentWriter) write(list []write) error {
	w.written = list
	if len(list) == 0 {
		return nil
	}
	if err := w.recall(list); err != nil {
		return err
	}
	if err := w.arts.share(list); err != nil {
		return err
	}
	for page := range slices.Chunk(list, commitPage) {
		if err := w.writePage(page); err != nil {
			return err
		}
	}
	return nil
}

// writePage writes so many that no statement about them takes long.
func (w *componentWriter) writePage(list []write) error {
	change, err := w.tx.changing(w.ctx)
	if err != nil {
		return err
	}
	w.inBulk = w.tx.dialect.Arrays && len(list) >= bulkFrom
	for i := range list {
		err := w.whose(&list[i])
		if err == nil {
			err = w.put(&list[i], change.Revision)
		}
		if err == nil {
			err = w.members(&list[i])
		}
		if err != nil {
			return fmt.Errorf("write component %s: %w", list[i].record.ID, err)
		}
		change.Components = append(change.Components, list[i].record.ID)
	}
	if err := w.writeBulks(); err != nil {
		return err
	}
	return w.flush()
}

func (w *componentWriter) put(p *write, revision int64) error {
	c := p.record.Component
	c.Status.Status = "" // it is derived
	w.buffer = document.AppendComponent(w.buffer[:0], &c, w.arts.append)
	work := noWork
	if p.record.Work != (bos.Work{}) {
		encoded, err := json.Marshal(p.record.Work)
		if err != nil {
			return err
		}
		work = string(encoded)
	}
	changed := 0
	w.args = append(w.args[:0], revision, w.buffer, work, string(p.record.Goal), p.record.Tenant, int64(p.record.Tried()))
	for i, value := range filtersOf(p.record) {
		if p.insert || value != p.before[i] {
			changed |= 1 << i
			w.args = append(w.args, value)
		}
	}
	if changed&statusColumns != 0 {
		w.args = append(w.args, w.now())
	}
	w.args = append(w.args, c.ID)
	delete(w.tx.ahead.records, c.ID)
	query, bulk := updates[changed], bulkUpdates[changed]
	if p.insert {
		query, bulk = insertComponent, bulkInsert
	}
	if w.inBulk {
		return w.later(bulk)
	}
	return w.tx.exec(w.ctx, query, w.args...)
}
