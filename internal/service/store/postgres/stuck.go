package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// stuckAfter is how long a writer waits for the turn before it looks who has it,
	// stuckEvery how often it looks then, and stuckFor for how long the one that has it is
	// to be found where it was.
	stuckAfter = time.Second
	stuckEvery = time.Second / 2
	stuckFor   = 3 * time.Second
)

// selectStuck are those who have the turn and wait for their process: to send the rest of
// what it sends, or to take what it is answered, and likewise who is next. Those who wait for
// the turn have none of these locks, and wait for one.
const selectStuck = `SELECT a.pid, a.state_change::text, COALESCE(host(a.client_addr), 'the machine of the database')
FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE (l.locktype = 'relation' AND l.relation = 'turn'::regclass AND l.mode IN ('RowShareLock', 'RowExclusiveLock')
OR l.locktype = 'advisory' AND l.classid = ` + lineClass + ` AND l.objid = 'turn'::regclass::oid AND l.objsubid = 1)
AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND a.wait_event_type = 'Client'`

// endStuck ends one that is still where it was.
const endStuck = "SELECT COALESCE(bool_or(pg_terminate_backend(pid)), false) FROM pg_stat_activity WHERE pid = $1 AND state_change::text = $2 AND wait_event_type = 'Client'"

// stuck is one that has the turn, at something that it does.
type stuck struct {
	pid   int32
	since string
}

// watchTurn has an eye on who has the turn while it is waited for, until stop is called.
// The database undoes by itself the transaction of a process that asks it nothing for three
// seconds, and no such bound of it holds in the middle of an exchange: one that stops
// there would keep all others from writing, and from taking its lease, until it goes on.
// So it gets three seconds here as well. One whose statement the database works on is
// waited for (patient); what tells them apart is for whom its process there waits.
func (c *connection) watchTurn() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	timer := time.AfterFunc(stuckAfter, func() {
		// Where it cannot be looked, as where there are no connections left, that may be over
		// before the turn comes.
		for ctx.Err() == nil {
			if err := c.endStuck(ctx); err != nil && ctx.Err() == nil {
				c.log.Debug("cannot look who keeps this process from writing", "error", err)
			}
			select {
			case <-time.After(stuckAfter):
			case <-ctx.Done():
			}
		}
	})
	return func() {
		timer.Stop()
		cancel()
	}
}

// endStuck looks again and again who has the turn, and disconnects one that does not move.
// How long that takes is measured here: the clock of the database may step, and looks that
// were late follow each other closely.
func (c *connection) endStuck(ctx context.Context) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it is of no use any more
	tick := time.NewTicker(stuckEvery)
	defer tick.Stop()
	for seen := make(map[stuck]time.Time); ; {
		asked := time.Now()
		from, err := whoIsStuck(ctx, conn)
		if err != nil {
			return err
		}
		now := make(map[stuck]time.Time, len(from))
		for is, at := range from {
			first, again := seen[is]
			if !again {
				first = time.Now()
			}
			if now[is] = first; asked.Sub(first) < stuckFor {
				continue
			}
			ended, err := disconnect(context.WithoutCancel(ctx), conn, is)
			if err != nil {
				return err
			}
			if ended {
				c.log.Warn("a process that stopped in the middle of a write was disconnected from the database, as nobody else could write", "backend", is.pid, "from", at)
			}
		}
		seen = now
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// whoIsStuck are those, and where their processes are.
func whoIsStuck(ctx context.Context, conn *pgx.Conn) (map[stuck]string, error) {
	ctx, done := context.WithTimeout(ctx, roundTrip)
	defer done()
	rows, err := conn.Query(ctx, selectStuck)
	if err != nil {
		return nil, err
	}
	from := make(map[stuck]string)
	var is stuck
	var at string
	_, err = pgx.ForEachRow(rows, []any{&is.pid, &is.since, &at}, func() error { from[is] = at; return nil })
	return from, err
}

func disconnect(ctx context.Context, conn *pgx.Conn, is stuck) (ended bool, err error) {
	ctx, done := context.WithTimeout(ctx, roundTrip)
	defer done()
	err = conn.QueryRow(ctx, endStuck, is.pid, is.since).Scan(&ended)
	return ended, err
}
