package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
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

// readerPool is connections that read.
type readerPool struct{ *sql.DB }

// Reading lends one.
func (p readerPool) Reading(ctx context.Context, read func(tables.Querier) error) error {
	conn, err := p.Conn(ctx)
	if err != nil {
		return fmt.Errorf("wait for a connection that reads: %w", err)
	}
	defer conn.Close() //nolint:errcheck // it goes back to the others
	return read(querier{conn})
}

// Snapshot asks in a transaction.
func (p readerPool) Snapshot(ctx context.Context, list []tables.Statement, each func(int, tables.Scanner) error) error {
	tx, err := p.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	err = readEach(ctx, querier{tx}, list, each)
	// There is nothing to undo; the end of the client ends it as well.
	if done := tx.Rollback(); done != nil && !errors.Is(done, sql.ErrTxDone) {
		err = errors.Join(err, done)
	}
	return err
}

// querier is a connection, or a transaction on one.
type querier struct {
	conn interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
}

// Query reads without a look at the context between rows: the drivers start a
// goroutine per row for it. What is read at once is bounded elsewhere.
func (q querier) Query(ctx context.Context, query string, args ...any) (tables.Rows, error) {
	return q.conn.QueryContext(context.WithoutCancel(ctx), query, args...) //nolint:rowserrcheck // by who reads it
}

func readEach(ctx context.Context, q querier, list []tables.Statement, each func(int, tables.Scanner) error) error {
	for i, statement := range list {
		rows, err := q.Query(ctx, statement.Query, statement.Args...)
		if err != nil {
			return err
		}
		for rows.Next() && err == nil {
			err = each(i, rows)
		}
		if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return err
		}
	}
	return nil
}
