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
	// signs is asked whether the database is at work for a connection, and lost is told of one
	// that was lost: the others, of all pools, are then as well.
	signs *pool
	lost  func()
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
	return pool{Pool: p, where: where}, err
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
		if q.conn != nil && q.conn.Conn().IsClosed() {
			p.lost()
		}
		giveBack(q.conn)
	}()
	return troubled(read(q))
}

// giveBack gives one back. One that is lost is the pool's no longer, which would keep its
// place for it until its end is told to a server that may be silent: for up to 15 s.
func giveBack(conn *pgxpool.Conn) {
	switch {
	case conn == nil:
	case conn.Conn().IsClosed():
		conn.Hijack()
	default:
		conn.Release()
	}
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
	err = q.first(ctx, func(ctx context.Context, conn *pgx.Conn, over func(error) error) error {
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
		return over(err)
	})
	return answers, err
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
func (q *querier) first(ctx context.Context, ask question) error {
	if q.gone != nil {
		return q.gone
	}
	q.last.arrived()
	used := q.used
	q.used = true
	err := q.patiently(ctx, ask)
	if err == nil || used || !q.conn.Conn().IsClosed() {
		return err
	}
	q.pool.lost()
	giveBack(q.conn)
	if q.conn, q.gone = q.pool.lend(q.ctx); q.gone != nil {
		return q.gone
	}
	return q.patiently(ctx, ask)
}

// question asks something of a connection. It has over called when all is read, also after it
// has returned if that was without an error, with how that ended; over says what this means.
type question func(ctx context.Context, conn *pgx.Conn, over func(error) error) error

// patiently asks within the time of a read, and for as long as there are signs of life of
// the database. It does not end with who asked: a connection would be lost with each client
// that leaves.
func (q *querier) patiently(ctx context.Context, ask question) error {
	conn := q.conn.Conn()
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), readTime)
	ctx, rest := patient(ctx, roundTrip, readTime, func() bool { return q.pool.signs.works(asked{pid: conn.PgConn().PID()}) })
	over := func(err error) error {
		if err != nil && conn.IsClosed() {
			err = judgedGone(ctx, err)
		}
		rest()
		done()
		return err
	}
	err := ask(ctx, conn, over)
	if err != nil {
		return over(err)
	}
	return nil
}

// Query returns when the first rows are there. The others are read while these are gone
// through, and all before more is asked over the same connection.
func (q *querier) Query(ctx context.Context, query string, args ...any) (tables.Rows, error) {
	var a *arriving
	err := q.first(ctx, func(ctx context.Context, conn *pgx.Conn, over func(error) error) error {
		rows, err := conn.Query(ctx, query, kept(args)...)
		if err == nil {
			a, err = arrive(rows, conn.TypeMap(), over)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	q.last = a
	return a, nil
}
