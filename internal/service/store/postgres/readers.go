package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// pool is connections that read.
type pool struct{ *pgxpool.Pool }

func newPool(ctx context.Context, where *address, size int32) (pool, error) {
	c, err := pgxpool.ParseConfig("")
	if err != nil {
		return pool{}, err
	}
	c.ConnConfig, c.MaxConns, c.MaxConnIdleTime = where.config.Copy(), size, idleTime
	c.BeforeConnect = where.authenticate
	p, err := pgxpool.NewWithConfig(ctx, c)
	return pool{p}, err
}

// Close closes them.
func (p pool) Close() error {
	p.Pool.Close()
	return nil
}

// Reading lends one.
func (p pool) Reading(ctx context.Context, read func(tables.Querier) error) error {
	conn, err := p.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("wait for a connection that reads: %w", err)
	}
	defer conn.Release()
	return troubled(read(querier{conn.Conn()}))
}

// Snapshot lends one in a transaction.
func (p pool) Snapshot(ctx context.Context, read func(tables.Querier) error) error {
	return p.Reading(ctx, func(q tables.Querier) error {
		conn := q.(querier).conn //nolint:forcetypeassert // Reading makes them
		bound, done := bound(ctx)
		defer done()
		tx, err := conn.BeginTx(bound, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return fmt.Errorf("begin to read: %w", err)
		}
		err = read(q)
		if undo := tx.Rollback(bound); undo != nil && !errors.Is(undo, pgx.ErrTxClosed) {
			err = errors.Join(err, undo)
		}
		return err
	})
}

// bound bounds a read. It does not end with who asked: a connection would be lost with
// each client that leaves.
func bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), readTime)
}

// querier is a connection.
type querier struct{ conn *pgx.Conn }

// Query reads all rows: more is asked over the same connection while they are gone
// through.
func (q querier) Query(ctx context.Context, query string, args ...any) (tables.Rows, error) {
	ctx, done := bound(ctx)
	defer done()
	rows, err := q.conn.Query(ctx, query, kept(args)...)
	if err != nil {
		return nil, err
	}
	a, err := readAll(rows, q.conn.TypeMap())
	if err != nil {
		return nil, err
	}
	return &a, nil
}
