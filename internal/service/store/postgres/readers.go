package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// pool is connections that read.
type pool struct {
	*pgxpool.Pool
	where *address
}

func newPool(ctx context.Context, where *address, size int32) (pool, error) {
	c, err := pgxpool.ParseConfig("")
	if err != nil {
		return pool{}, err
	}
	c.ConnConfig, c.MaxConns, c.MaxConnIdleTime = where.config.Copy(), size, idleTime
	c.BeforeConnect = where.authenticate
	// Whether a connection is lost, who asks finds out by asking.
	c.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	p, err := pgxpool.NewWithConfig(ctx, c)
	return pool{p, where}, err
}

// Close closes them.
func (p pool) Close() error {
	p.Pool.Close()
	return nil
}

// Reading lends one.
func (p pool) Reading(ctx context.Context, read func(tables.Querier) error) error {
	conn, err := p.lend(ctx)
	if err != nil {
		return err
	}
	q := &querier{pool: p, conn: conn, ctx: ctx}
	defer func() {
		q.last.arrived()
		q.conn.Release()
	}()
	return troubled(read(q))
}

func (p pool) lend(ctx context.Context) (*pgxpool.Conn, error) {
	conn, err := p.Acquire(ctx)
	if err != nil {
		return nil, troubled(fmt.Errorf("wait for a connection that reads: %w", p.where.proven(err)))
	}
	return conn, nil
}

// What begins and ends a snapshot.
const (
	beginReading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	endReading   = "COMMIT"
)

// Snapshot asks in a transaction, with one exchange from its beginning to its end.
func (p pool) Snapshot(ctx context.Context, list []tables.Statement, each func(int, tables.Scanner) error) error {
	return p.Reading(ctx, func(lent tables.Querier) error {
		answers, err := lent.(*querier).snapshot(ctx, list) //nolint:forcetypeassert // Reading makes them
		if err != nil {
			return err
		}
		for i := range answers {
			for answers[i].Next() {
				if err := each(i, &answers[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (q *querier) snapshot(ctx context.Context, list []tables.Statement) (answers []answer, err error) {
	ctx, done := bound(ctx)
	defer done()
	err = q.first(func(conn *pgx.Conn) error {
		var batch pgx.Batch
		batch.Queue(beginReading)
		for _, statement := range list {
			batch.Queue(statement.Query, kept(statement.Args)...)
		}
		batch.Queue(endReading)
		results := conn.SendBatch(ctx, &batch)
		answers, _, err = read(results, 1, len(list), conn.TypeMap())
		if closed := results.Close(); err == nil {
			err = closed
		}
		return err
	})
	return answers, err
}

// bound bounds a read. It does not end with who asked: a connection would be lost with
// each client that leaves.
func bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), readTime)
}

// querier is a connection that was lent.
type querier struct {
	pool pool
	conn *pgxpool.Conn
	ctx  context.Context //nolint:containedctx // of who it was lent to
	// used says that something was asked of it, gone why there is none any more, and last are
	// the rows that were asked for last, which may be on their way.
	used bool
	gone error
	last *arriving
}

// first asks something of the connection. If it is the first and the connection turns out
// to be lost, as all are after a restart of the database, it is asked of another one. The
// lost one is given back before: as many as have one wait for another else, for ever.
func (q *querier) first(ask func(conn *pgx.Conn) error) error {
	if q.gone != nil {
		return q.gone
	}
	q.last.arrived()
	used := q.used
	q.used = true
	err := ask(q.conn.Conn())
	if err == nil || used || !q.conn.Conn().IsClosed() {
		return err
	}
	q.pool.Reset() // the others are lost as well
	q.conn.Release()
	again, err := q.pool.lend(q.ctx)
	if err != nil {
		q.gone = err
		return err
	}
	q.conn = again
	return ask(again.Conn())
}

// Query returns when the first rows are there. The others are read while these are gone
// through, and all before more is asked over the same connection.
func (q *querier) Query(ctx context.Context, query string, args ...any) (tables.Rows, error) {
	ctx, done := bound(ctx)
	var a *arriving
	err := q.first(func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, query, kept(args)...)
		if err == nil {
			a, err = arrive(rows, conn.TypeMap(), done)
		}
		return err
	})
	if err != nil {
		done()
		return nil, err
	}
	q.last = a
	return a, nil
}
