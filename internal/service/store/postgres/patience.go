package postgres

import (
	"context"
	"time"
)

// longestExchange bounds one exchange, however much the database is at work.
const longestExchange = time.Minute

const selectWorks = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active')"

// patient bounds an exchange: it ends when for so long there was no sign of life of the
// database. One that is merely slow, as its machine has much to do, is waited for: a large
// transaction that is given up would be made anew, for nothing.
func (c *connection) patient(ctx context.Context, within time.Duration) (bounded context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	pid := c.server
	if pid == 0 {
		pid = c.conn.PgConn().PID()
	}
	go func() {
		// It is asked twice in that time. One question that is not answered may take a half of
		// it, and one that fails at once says little: its own connection may be lost, or the
		// answer to the exchange be on its way.
		tick := time.NewTicker(within / 2)
		defer tick.Stop()
		began := time.Now()
		for heard := began; ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			switch {
			case time.Since(began) > longestExchange:
				cancel()
				return
			case c.works(pid):
				heard = time.Now()
			case time.Since(heard) >= within*3/4:
				cancel()
				return
			}
		}
	}()
	return ctx, cancel
}

// works reports whether a process of the database is at work, asked over another
// connection. One of a pooler is none.
func (p pool) works(pid uint32) bool {
	ctx, done := context.WithTimeout(context.Background(), roundTrip/2)
	defer done()
	for range 2 { // the connection may have been lost since it was used last
		var is bool
		if err := p.QueryRow(ctx, selectWorks, int32(pid)).Scan(&is); err == nil {
			return is
		}
	}
	return false
}
