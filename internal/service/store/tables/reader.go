package tables

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// querier is one connection that reads, in the words of the dialect.
type querier struct {
	dialect *Dialect
	conn    Querier
}

func (q querier) query(ctx context.Context, query string, args ...any) (Rows, error) {
	return q.conn.Query(ctx, q.dialect.SQL(query), args...)
}

func (q querier) row(ctx context.Context, query string, args ...any) scanner {
	return lateRow(func(dest []any) error {
		rows, err := q.query(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // rows.Err tells
		if !rows.Next() {
			return cmp.Or(rows.Err(), sql.ErrNoRows)
		}
		return rows.Scan(dest...)
	})
}

// lane is the connections that a reader waits for.
func (s *Store) lane(ctx context.Context) Readers {
	if bos.IsUrgent(ctx) {
		return s.reserved
	}
	return s.read
}

// reading lets read use one connection, for which it waits until ctx ends. What it
// looks up while it goes through rows, it must look up there: it then sees the same
// state of the database, and readers cannot wait for each other.
func (s *Store) reading(ctx context.Context, read func(q querier) error) error {
	return s.lane(ctx).Reading(ctx, func(conn Querier) error { return read(querier{s.dialect, conn}) })
}

// each calls fn on each row of a query.
func (s *Store) each(ctx context.Context, fn func(scanner) error, query string, args ...any) error {
	return s.reading(ctx, func(q querier) error { return each(ctx, q, fn, query, args...) })
}

// row is the first row of a query, which is made when it is scanned.
func (s *Store) row(ctx context.Context, query string, args ...any) scanner {
	return lateRow(func(dest []any) error {
		return s.reading(ctx, func(q querier) error {
			return q.row(ctx, query, args...).Scan(dest...)
		})
	})
}

type lateRow func(dest []any) error

func (r lateRow) Scan(dest ...any) error { return r(dest) }

// each calls fn on each row of a query over one connection.
func each(ctx context.Context, q querier, fn func(scanner) error, query string, args ...any) error {
	rows, err := q.query(ctx, query, args...)
	if err != nil {
		return err
	}
	return eachRow(rows, fn)
}

func eachRow(rows Rows, fn func(scanner) error) error {
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// counting is a query, and what takes its rows in.
type counting struct {
	query string
	args  []any
	row   func(scanner) error
}

// snapshot lets several queries see one state of the database.
func (s *Store) snapshot(ctx context.Context, list []counting) error {
	statements := make([]Statement, len(list))
	for i, c := range list {
		statements[i] = Statement{s.dialect.SQL(c.query), c.args}
	}
	return s.lane(ctx).Snapshot(ctx, statements, func(i int, row Scanner) error { return list[i].row(row) })
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
