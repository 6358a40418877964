package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// readers is how many reads of clients go on at the same time; more wait.
	readers = 4
	// reserved is how many those of the engine and of the health check do beside
	// them (bos.Urgent): a flood of lists must not delay a pass.
	reserved = 2
)

// openReaders opens connections that read.
func openReaders(path string, n int) (*sql.DB, error) {
	db, err := sql.Open(driverName, dataSource(path, true))
	if err != nil {
		return nil, fmt.Errorf("open database %s for reading: %w", path, err)
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// querier is one connection that reads.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// lane is the connections that a reader waits for.
func (s *Store) lane(ctx context.Context) *sql.DB {
	if bos.IsUrgent(ctx) {
		return s.reserved
	}
	return s.read
}

// reading lets read use one connection, for which it waits until ctx ends. What it
// looks up while it goes through rows, it must look up there: it then sees the same
// state of the database, and readers cannot wait for each other.
func (s *Store) reading(ctx context.Context, read func(q querier) error) error {
	conn, err := s.lane(ctx).Conn(ctx)
	if err != nil {
		return fmt.Errorf("wait for a connection that reads: %w", err)
	}
	defer conn.Close() //nolint:errcheck // it goes back to the others
	return read(conn)
}

// each calls fn on each row of a query.
func (s *Store) each(ctx context.Context, fn func(scanner) error, query string, args ...any) error {
	return s.reading(ctx, func(q querier) error { return each(ctx, q, fn, query, args...) })
}

// row is the first row of a query, which is made when it is scanned.
func (s *Store) row(ctx context.Context, query string, args ...any) scanner {
	return lateRow(func(dest []any) error {
		return s.reading(ctx, func(q querier) error {
			return q.QueryRowContext(context.WithoutCancel(ctx), query, args...).Scan(dest...)
		})
	})
}

type lateRow func(dest []any) error

func (r lateRow) Scan(dest ...any) error { return r(dest) }

// each reads without a look at the context between rows: the drivers start a
// goroutine per row for it. What is read at once is bounded elsewhere.
func each(ctx context.Context, q querier, fn func(scanner) error, query string, args ...any) error {
	rows, err := q.QueryContext(context.WithoutCancel(ctx), query, args...)
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
	tx, err := s.lane(ctx).BeginTx(ctx, nil)
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

// scanOne decodes a stored document; no row is bos.ErrNotFound.
func scanOne[T any](row scanner) (T, error) {
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
