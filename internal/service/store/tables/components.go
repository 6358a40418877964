package tables

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
)

const (
	componentColumns = "SELECT id, revision, goal, document, work, held, tenant FROM "
	readComponent    = componentColumns + "components WHERE id = ?"
	// documentsPage is how many documents one query of a long list reads: a
	// reader that takes its time holds no connection meanwhile.
	documentsPage = 250
	// noWork is the stored form of the zero bos.Work.
	noWork = "{}"
)

// scanRecord reads into r, which is empty: records are large, and thousands are
// not copied.
func scanRecord(row scanner, d *document.Decoder, r *bos.Record) error {
	var id, goal, document, work, held string
	if err := row.Scan(&id, &r.Revision, &goal, &document, &work, &held, &r.Tenant); err != nil {
		return err
	}
	if err := d.Component(document, &r.Component); err != nil {
		return fmt.Errorf("component %s: %w", id, err)
	}
	if work != noWork {
		if err := decodeWork(work, &r.Work); err != nil {
			return fmt.Errorf("component %s: stored work: %w", id, err)
		}
	}
	if held != "" {
		if err := json.Unmarshal([]byte(held), &r.Held); err != nil {
			return fmt.Errorf("component %s: stored hold: %w", id, err)
		}
	}
	r.ID, r.Goal = id, bos.Goal(goal)
	return nil
}

// damaged is told of a record that cannot be read; an error ends the reading.
type damaged func(err error) error

// refused lets a record that cannot be read be an error.
func refused(err error) error { return err }

// leftOut lets it be left out.
func (s *Store) leftOut(err error) error {
	s.log.Error("a record cannot be read and is left out of all work; delete it and create it again", "error", err)
	return nil
}

func (s *Store) ifDamaged(readable bool) damaged {
	if readable {
		return s.leftOut
	}
	return refused
}

// records reads all rows; about is how many are expected, 0 if that is not
// known.
func records(rows Rows, err error, d *document.Decoder, about int, ifDamaged damaged) ([]bos.Record, error) {
	return appendRecords(make([]bos.Record, 0, about), rows, err, d, ifDamaged)
}

func appendRecords(list []bos.Record, rows Rows, err error, d *document.Decoder, ifDamaged damaged) ([]bos.Record, error) {
	if err != nil {
		return nil, fmt.Errorf("read components: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		list = append(list, bos.Record{})
		if err := scanRecord(rows, d, &list[len(list)-1]); err != nil {
			if err := ifDamaged(err); err != nil {
				return nil, err
			}
			list = list[:len(list)-1]
		}
	}
	return list, rows.Err()
}

// Components lists records ordered by id. From a server a long list comes in pages: the
// answer to one query is in memory as a whole, and has to come in time. It may see one
// commit more on a later page; who follows the feed is told of that.
func (s *Store) Components(ctx context.Context, f bos.ComponentFilter) ([]bos.Record, error) {
	if !s.shared || f.Limit > 0 {
		list, _, err := s.components(ctx, f)
		return list, err
	}
	var list []bos.Record
	ids := slices.Compact(slices.Sorted(slices.Values(f.IDs)))
	if len(ids) <= loadPage {
		f.Limit = loadPage
		first, read, err := s.components(ctx, f)
		if err != nil || read < loadPage {
			return first, err
		}
		list, f.Limit = first, 0
		if len(first) > 0 { // and some could be read
			f.After = first[len(first)-1].ID
		}
		if ids, err = s.ComponentIDs(ctx, f); err != nil {
			return nil, err
		}
	}
	for page := range slices.Chunk(ids, loadPage) {
		f.IDs = page
		more, _, err := s.components(ctx, f)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

// components lists records by one query, and says how many rows there were, also of those
// that are left out.
func (s *Store) components(ctx context.Context, f bos.ComponentFilter) (list []bos.Record, read int, err error) {
	which, args, err := conditions(f)
	if err != nil {
		return nil, 0, err
	}
	query := componentColumns + which + " ORDER BY id"
	if f.Limit > 0 {
		query += " LIMIT ?"
		args = append(args, f.Limit)
	}
	left := 0
	err = s.reading(ctx, func(q querier) error {
		rows, err := q.query(ctx, query, args...)
		list, err = records(rows, err, s.decoder(ctx, q), len(f.IDs), func(err error) error { left++; return s.ifDamaged(f.Readable)(err) })
		return err
	})
	return list, len(list) + left, err
}

// ComponentIDs lists the ids of the records that pass the filter.
func (s *Store) ComponentIDs(ctx context.Context, f bos.ComponentFilter) ([]string, error) {
	which, args, err := conditions(f)
	if err != nil {
		return nil, err
	}
	query := "SELECT id FROM " + which + " ORDER BY id"
	if f.Limit > 0 {
		query += " LIMIT ?"
		args = append(args, f.Limit)
	}
	var ids []string
	err = s.each(ctx, func(row scanner) error {
		var id string
		err := row.Scan(&id)
		ids = append(ids, id)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the ids of components: %w", err)
	}
	return ids, nil
}

// decoder reads what is committed, over one connection.
func (s *Store) decoder(ctx context.Context, q querier) *document.Decoder {
	return &document.Decoder{Artifacts: func(id int64) (bos.BootArtifacts, error) { return s.committedArtifacts(ctx, q, id) }}
}

// ComponentDocuments lists the documents of the API, a page at a time. With a
// filter the ids are found first, from an index: to find them anew for each
// page would take longer the more pages there are.
func (s *Store) ComponentDocuments(ctx context.Context, f bos.ComponentFilter, each func(document []byte) error) error {
	p := documentPage{store: s, texts: make(map[int64][]byte)}
	if !filtered(f) {
		return p.all(ctx, f.After, f.Limit, each)
	}
	ids, err := s.ComponentIDs(ctx, f)
	if err != nil {
		return err
	}
	f.After, f.Limit = "", documentsPage
	for chunk := range slices.Chunk(ids, documentsPage) {
		f.IDs = chunk
		if err := p.load(ctx, f); err != nil {
			return err
		}
		if err := p.give(each); err != nil {
			return err
		}
	}
	return nil
}

func filtered(f bos.ComponentFilter) bool {
	return len(f.IDs) > 0 || len(f.Status) > 0 || f.Held || f.Tended || !f.Unconfirmed.IsZero() || f.Session != "" || f.StagedSession != "" || f.Enabled != nil || f.Phase != nil
}

// all gives every document after an id, at most limit unless it is 0.
func (p *documentPage) all(ctx context.Context, after string, limit int, each func(document []byte) error) error {
	for left := limit; ; {
		page := bos.ComponentFilter{After: after, Limit: documentsPage}
		if limit > 0 {
			page.Limit = min(documentsPage, left)
		}
		if err := p.load(ctx, page); err != nil {
			return err
		}
		if err := p.give(each); err != nil {
			return err
		}
		left -= len(p.ends)
		if len(p.ends) < page.Limit || limit > 0 && left == 0 {
			return nil
		}
		after = p.last
	}
}

func (p *documentPage) give(each func(document []byte) error) error {
	from := 0
	for _, end := range p.ends {
		if err := each(p.bytes[from:end]); err != nil {
			return err
		}
		from = end
	}
	return nil
}

// documentPage is some documents, one behind the other.
type documentPage struct {
	store *Store
	bytes []byte
	ends  []int
	last  string
	texts map[int64][]byte
}

func (p *documentPage) load(ctx context.Context, f bos.ComponentFilter) error {
	which, args, err := conditions(f)
	if err != nil {
		return err
	}
	p.bytes, p.ends = p.bytes[:0], p.ends[:0]
	err = p.store.reading(ctx, func(q querier) error {
		resolve := func(id int64) ([]byte, error) { return p.artifacts(ctx, q, id) }
		return each(ctx, q, func(row scanner) error {
			var status, text string
			if err := row.Scan(&p.last, &status, &text); err != nil {
				return err
			}
			if p.bytes, err = document.AppendView(p.bytes, text, status, resolve); err != nil {
				return fmt.Errorf("component %s: %w", p.last, err)
			}
			p.ends = append(p.ends, len(p.bytes))
			return nil
		}, "SELECT id, status, document FROM "+which+" ORDER BY id LIMIT ?", append(args, f.Limit)...)
	})
	if err != nil {
		return fmt.Errorf("read components: %w", err)
	}
	return nil
}

func (p *documentPage) artifacts(ctx context.Context, q querier, id int64) ([]byte, error) {
	if text, ok := p.texts[id]; ok {
		return text, nil
	}
	a, err := p.store.committedArtifacts(ctx, q, id)
	if err != nil {
		return nil, err
	}
	p.texts[id] = document.AppendArtifacts(nil, a)
	return p.texts[id], nil
}

// conditions is the filter as SQL, from the table on. Lists travel as one JSON parameter:
// they may be long.
func conditions(f bos.ComponentFilter) (string, []any, error) {
	from := "components"
	var terms []string
	var args []any
	add := func(term string, with ...any) {
		terms = append(terms, term)
		args = append(args, with...)
	}
	if len(f.IDs) > 0 {
		encoded, err := json.Marshal(f.IDs)
		if err != nil {
			return "", nil, err
		}
		from, args = "FOUND(components, id, ?) AS c", append(args, string(encoded))
	}
	if len(f.Status) > 0 {
		encoded, err := json.Marshal(f.Status)
		if err != nil {
			return "", nil, err
		}
		add("status IN (SELECT value FROM LIST(?) AS l)", string(encoded))
	}
	if f.Session != "" {
		add("session = ?", f.Session)
	}
	if f.StagedSession != "" {
		add("staged_session = ? AND staged_session <> ''", f.StagedSession)
	}
	if f.Enabled != nil {
		// Written out, so that the partial index can be used.
		term := "enabled = 0"
		if *f.Enabled {
			term = "enabled = 1"
		}
		add(term)
	}
	if f.Held {
		add("held <> ''")
	}
	if f.Tended {
		add("enabled = 0 AND work <> '{}' AND (COALESCE(FIELD(work, staged_boot.session), '') <> '' OR COALESCE(FIELD(work, left.state), '') = ?)", string(bos.LeftWaits))
	}
	if !f.Unconfirmed.IsZero() {
		add("enabled = 0 AND confirmed > 0 AND confirmed <= ?", f.Unconfirmed.Unix()/60)
	}
	if f.Phase != nil {
		add("phase = ?", string(*f.Phase))
	}
	if f.After != "" {
		add("id > ?", f.After)
	}
	switch {
	case len(terms) > 0:
		return from + " WHERE " + strings.Join(terms, " AND "), args, nil
	case len(f.IDs) == 1:
		return "components WHERE id = ?", []any{f.IDs[0]}, nil
	}
	return from, args, nil
}

// MutateComponents changes records in one transaction.
func (s *Store) MutateComponents(ctx context.Context, ids []string, fn func(r *bos.Record, exists bool) error, notes ...bos.Event) ([]bos.Record, error) {
	return s.MutateReported(ctx, ids, nil, func(r *bos.Record, exists bool, _ map[string]bos.BootArtifacts) error { return fn(r, exists) }, notes...)
}

// MutateReported likewise, by the tokens that nodes report.
func (s *Store) MutateReported(ctx context.Context, ids, tokens []string, fn func(r *bos.Record, exists bool, booted map[string]bos.BootArtifacts) error, notes ...bos.Event) ([]bos.Record, error) {
	var out []bos.Record
	err := s.writer.doWith(ctx, ids, tokens, func(ctx context.Context, t *tx) error {
		booted, err := t.booted(ctx, tokens)
		if err != nil {
			return err
		}
		w := s.componentWriter(ctx, t)
		before, err := w.load(ids)
		if err != nil {
			return err
		}
		told := func(r *bos.Record, exists bool) error { return fn(r, exists, booted) }
		if out, err = w.mutate(ids, before, told); err != nil {
			return err
		}
		return t.noteComponents(ctx, w.written, notes)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteComponent forgets a component.
func (s *Store) DeleteComponent(ctx context.Context, id string, notes ...bos.Event) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		var session, staged string
		err := t.row(ctx, "SELECT session, staged_session FROM components WHERE id = ?", id).Scan(&session, &staged)
		if notThere(err) {
			return bos.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("read component %s: %w", id, err)
		}
		w := s.componentWriter(ctx, t)
		w.damaged = func(error) error { return nil } // of which nothing can be remembered
		gone, err := w.load([]string{id})
		if err != nil {
			return err
		}
		if r := gone[id]; r != nil {
			if err := w.depart(r); err != nil {
				return err
			}
		}
		for _, name := range []string{session, staged} {
			w.memberships.add(loseMembers, name, id, member{state: memberLeft, outcome: bos.StatusDeleted, finished: w.now()})
		}
		if err := w.flush(); err != nil {
			return err
		}
		delete(t.ahead.records, id)
		if err := t.exec(ctx, "DELETE FROM components WHERE id = ?", id); err != nil {
			return fmt.Errorf("delete component %s: %w", id, err)
		}
		change, err := t.changing(ctx)
		if err != nil {
			return err
		}
		change.Components = append(change.Components, id)
		for _, note := range notes {
			note.Component = id
			if err := t.event(ctx, note); err != nil {
				return err
			}
		}
		return nil
	})
}

// mustAffect turns a write that touched nothing into bos.ErrNotFound.
func mustAffect(n int64, err error) error {
	if err == nil && n == 0 {
		return bos.ErrNotFound
	}
	return err
}

// notThere reports that a query found no row.
func notThere(err error) bool { return errors.Is(err, sql.ErrNoRows) }
