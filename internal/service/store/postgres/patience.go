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
		// Half of the time is for the question.
		tick := time.NewTicker(within / 2)
		defer tick.Stop()
		for began := time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if time.Since(began) > longestExchange || !c.works(pid) {
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
	var is bool
	err := p.QueryRow(ctx, selectWorks, int32(pid)).Scan(&is)
	return err == nil && is
}
