package postgres

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// largeWrite is how many rows a transaction touches that is swept up behind.
	largeWrite = 1000
	// sweepShare says that sweeping takes one part of so many of the time.
	sweepShare = 5
	// sweepAgain is when a sweep that failed is tried again, behind the next large write.
	sweepAgain = time.Minute
)

// sweep removes what a write has left behind and counts what there is now. The database
// does so by itself, but within a minute: until then it reads each row that a query counts,
// where an index would do, and plans by what was before.
const sweep = "VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE OFF) components, session_nodes"

// sweeper sweeps up behind large writes of this process, beside all else.
type sweeper struct {
	connect func(ctx context.Context) (*pgx.Conn, error)
	log     *slog.Logger
	due     chan struct{}
	done    chan struct{}
}

func newSweeper(connect func(ctx context.Context) (*pgx.Conn, error), log *slog.Logger) *sweeper {
	return &sweeper{connect, log, make(chan struct{}, 1), make(chan struct{})}
}

// wrote is told how many rows a transaction has touched.
func (s *sweeper) wrote(rows int64) {
	if rows < largeWrite {
		return
	}
	select {
	case s.due <- struct{}{}:
	default: // it is due already
	}
}

// run sweeps until ctx ends.
func (s *sweeper) run(ctx context.Context) {
	defer close(s.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.due:
		}
		began := time.Now()
		err := s.sweep(ctx)
		rest := (sweepShare - 1) * time.Since(began)
		if err != nil && ctx.Err() == nil {
			s.log.Warn("the database was not swept up behind a large write; it does so by itself in a while, and is slower until then", "error", troubled(err))
			rest = max(rest, sweepAgain)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rest):
		}
	}
}

func (s *sweeper) sweep(ctx context.Context) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it is of no use any more
	_, err = conn.Exec(ctx, sweep)
	return err
}
