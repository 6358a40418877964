package postgres

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// OpenTraced opens a database and tells of each statement that is sent.
func OpenTraced(ctx context.Context, dsn string, tracer pgx.QueryTracer) (*Store, error) {
	where, err := parse(dsn, nil)
	if err != nil {
		return nil, err
	}
	where.config.Tracer = tracer
	return open(ctx, where, tables.Config{
		Dialect: dialect, MaxEvents: tables.DefaultMaxEvents, EventAge: tables.DefaultEventAge, Log: slog.New(slog.DiscardHandler), Shared: true, TurnTime: turnTime,
	})
}

// TurnTime is for how long a process begins with further writes in one transaction.
func TurnTime(d time.Duration) Option { return func(c *settings) { c.TurnTime = d } }

// Works asks whether a process of the database is at work, as who waits for one does.
func (s *Store) Works(pid uint32) bool { return s.signs[0].works(asked{pid, true}) }

// Reading is how many connections there are that read.
func (s *Store) Reading() (n int) {
	for _, p := range s.pools[len(s.signs):] {
		n += int(p.Stat().TotalConns())
	}
	return n
}

// LineOfTurn is the number of the lock by which writers queue up for the turn.
const LineOfTurn = lineOfTurn
