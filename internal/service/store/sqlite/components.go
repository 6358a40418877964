package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const componentColumns = "SELECT id, revision, document, work FROM components"

type scanner interface{ Scan(dest ...any) error }

func scanRecord(row scanner) (bos.Record, error) {
	var (
		r              bos.Record
		id             string
		document, work []byte
	)
	if err := row.Scan(&id, &r.Revision, &document, &work); err != nil {
		return r, err
	}
	if err := json.Unmarshal(document, &r.Component); err != nil {
		return r, fmt.Errorf("component %s: stored record: %w", id, err)
	}
	if err := json.Unmarshal(work, &r.Work); err != nil {
		return r, fmt.Errorf("component %s: stored work: %w", id, err)
	}
	r.ID = id
	return r, nil
}

func records(rows *sql.Rows, err error) ([]bos.Record, error) {
	if err != nil {
		return nil, fmt.Errorf("read components: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var list []bos.Record
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// Components lists records ordered by id.
func (s *Store) Components(ctx context.Context, f bos.ComponentFilter) ([]bos.Record, error) {
	where, args, err := conditions(f)
	if err != nil {
		return nil, err
	}
	query := componentColumns + where + " ORDER BY id"
	if f.Limit > 0 {
		query += " LIMIT ?"
		args = append(args, f.Limit)
	}
	return records(s.read.QueryContext(ctx, query, args...))
}

// conditions is the filter as SQL. Lists travel as one JSON parameter: they
// may be long.
func conditions(f bos.ComponentFilter) (string, []any, error) {
	var terms []string
	var args []any
	add := func(term string, arg any) {
		terms = append(terms, term)
		args = append(args, arg)
	}
	for _, list := range []struct {
		term   string
		values []string
	}{
		{"id IN (SELECT value FROM json_each(?))", f.IDs},
		{"status IN (SELECT value FROM json_each(?))", f.Status},
	} {
		if len(list.values) == 0 {
			continue
		}
		encoded, err := json.Marshal(list.values)
		if err != nil {
			return "", nil, err
		}
		add(list.term, string(encoded))
	}
	if f.Session != "" {
		add("session = ?", f.Session)
	}
	if f.StagedSession != "" {
		add("staged_session = ?", f.StagedSession)
	}
	if f.Enabled != nil {
		add("enabled = ?", *f.Enabled)
	}
	if f.Phase != nil {
		add("phase = ?", string(*f.Phase))
	}
	if f.After != "" {
		add("id > ?", f.After)
	}
	if len(terms) == 0 {
		return "", nil, nil
	}
	return " WHERE " + strings.Join(terms, " AND "), args, nil
}

const upsertComponent = `INSERT INTO components (id, revision, enabled, phase, status, session, staged_session, document, work)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (id) DO UPDATE SET revision = ?2, enabled = ?3, phase = ?4, status = ?5, session = ?6, staged_session = ?7, document = ?8, work = ?9`

// componentWriter writes records with one prepared statement.
type componentWriter struct{ stmt *sql.Stmt }

func newComponentWriter(ctx context.Context, tx *sql.Tx) (*componentWriter, error) {
	stmt, err := tx.PrepareContext(ctx, upsertComponent)
	return &componentWriter{stmt}, err
}

func (w *componentWriter) close() { _ = w.stmt.Close() }

// put stores r under the given revision.
func (w *componentWriter) put(ctx context.Context, r bos.Record, revision int64) error {
	shown := r.Component
	shown.Status.Status = ""
	document, err := json.Marshal(shown)
	if err != nil {
		return err
	}
	work, err := json.Marshal(r.Work)
	if err != nil {
		return err
	}
	_, err = w.stmt.ExecContext(ctx, r.ID, revision, r.Enabled, string(r.Status.Phase), r.DeriveStatus(), r.Session,
		r.StagedState.Session, string(document), string(work))
	if err != nil {
		return fmt.Errorf("write component %s: %w", r.ID, err)
	}
	return nil
}

// MutateComponents changes records in one transaction.
func (s *Store) MutateComponents(ctx context.Context, ids []string, fn func(r *bos.Record, exists bool) error) ([]bos.Record, error) {
	var changed []bos.Record
	err := s.writer.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		changed = make([]bos.Record, 0, len(ids))
		read, err := tx.PrepareContext(ctx, componentColumns+" WHERE id = ?")
		if err != nil {
			return err
		}
		defer read.Close() //nolint:errcheck // the transaction's end closes it
		w, err := newComponentWriter(ctx, tx)
		if err != nil {
			return err
		}
		defer w.close()
		for _, id := range ids {
			r, err := mutateOne(ctx, read, w, id, fn)
			if err != nil {
				return err
			}
			changed = append(changed, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

func mutateOne(ctx context.Context, read *sql.Stmt, w *componentWriter, id string, fn func(*bos.Record, bool) error) (bos.Record, error) {
	before, err := scanRecord(read.QueryRowContext(ctx, id))
	exists := err == nil
	if errors.Is(err, sql.ErrNoRows) {
		before, err = bos.Record{}, nil
		before.ID = id
	}
	if err != nil {
		return before, err
	}
	r := before
	if err := fn(&r, exists); err != nil {
		return before, err
	}
	if r == before && exists {
		return r, nil
	}
	r.ID, r.Revision = id, before.Revision+1
	return r, w.put(ctx, r, r.Revision)
}

// DeleteComponent forgets a component.
func (s *Store) DeleteComponent(ctx context.Context, id string) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return mustAffect(tx.ExecContext(ctx, "DELETE FROM components WHERE id = ?", id))
	})
}

// mustAffect turns a write that touched nothing into bos.ErrNotFound.
func mustAffect(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return bos.ErrNotFound
	}
	return err
}
