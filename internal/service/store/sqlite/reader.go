package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// querier is the connections that read, or one of them.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// query reads without a look at the context between rows: the drivers start a
// goroutine per row for it. What is read at once is bounded elsewhere.
func (s *Store) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return rowsOf(ctx, s.read, query, args...)
}

// each calls fn on each row of a query.
func (s *Store) each(ctx context.Context, fn func(scanner) error, query string, args ...any) error {
	return each(ctx, s.read, fn, query, args...)
}

func rowsOf(ctx context.Context, q querier, query string, args ...any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return q.QueryContext(context.WithoutCancel(ctx), query, args...)
}

func each(ctx context.Context, q querier, fn func(scanner) error, query string, args ...any) error {
	rows, err := rowsOf(ctx, q, query, args...)
	if err != nil {
		return err
	}
	return eachRow(rows, fn)
}

func eachRow(rows *sql.Rows, fn func(scanner) error) error {
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// snapshot lets several queries see one state of the database.
func (s *Store) snapshot(ctx context.Context, read func(q querier) error) error {
	tx, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	err = read(tx)
	// There is nothing to undo; the end of the client ends it as well.
	if done := tx.Rollback(); done != nil && !errors.Is(done, sql.ErrTxDone) {
		err = errors.Join(err, done)
	}
	return err
}

// one decodes a stored document; no row is bos.ErrNotFound.
func one[T any](row scanner) (T, error) {
	var v T
	var document []byte
	err := row.Scan(&document)
	if notThere(err) {
		return v, bos.ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(document, &v)
	}
	return v, err
}
