package postgres

import (
	"context"
	"time"
)

// longestExchange bounds one exchange that writes, however much the database is at work.
const longestExchange = time.Minute

// selectWorks asks whether a process is at work, and which one answers.
const selectWorks = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active'), pg_backend_pid()"

// asked is who is waited for: a process of the database. It is certain where the database
// has said so itself; behind a pooler the number of a connection is none of its processes.
type asked struct {
	pid     uint32
	certain bool
}

// patient bounds an exchange that writes.
func (c *connection) patient(ctx context.Context, within time.Duration) (bounded context.Context, done func()) {
	who := asked{c.server, true}
	if c.server == 0 {
		who = asked{pid: c.conn.PgConn().PID()}
	}
	return patient(ctx, within, longestExchange, func() bool { return c.works(who) })
}

// patient bounds an exchange: it ends when for so long there was no sign of life of the
// database, and after the longest time in any case. One that is merely slow, as its machine
// has much to do, is waited for: a large transaction that is given up would be made anew,
// for nothing.
func patient(ctx context.Context, within, longest time.Duration, works func() bool) (bounded context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	began := time.Now()
	// It is asked twice in that time. One question that is not answered may take a half of
	// it, and one that fails at once says little: its own connection may be lost, or the
	// answer to the exchange be on its way.
	look := time.AfterFunc(within/2, func() {
		tick := time.NewTicker(within / 2)
		defer tick.Stop()
		for heard := began; ; {
			switch {
			case ctx.Err() != nil:
				return
			case time.Since(began) > longest:
				cancel()
				return
			case works():
				heard = time.Now()
			case time.Since(heard) >= within*3/4:
				cancel()
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return ctx, func() {
		look.Stop()
		cancel()
	}
}

// works reports whether a process of the database is at work, asked over another connection.
// Where a pooler is between and the process is not known, an answer is all that can be had.
func (p pool) works(who asked) bool {
	ctx, done := context.WithTimeout(context.Background(), roundTrip/2)
	defer done()
	for range 2 { // the connection may have been lost since it was used last
		conn, err := p.Acquire(ctx)
		if err != nil {
			continue
		}
		var is bool
		var answers uint32
		err = conn.QueryRow(ctx, selectWorks, int32(who.pid)).Scan(&is, &answers)
		pooled := conn.Conn().PgConn().PID() != answers
		giveBack(conn)
		if err == nil {
			return is || pooled && !who.certain
		}
	}
	return false
}
