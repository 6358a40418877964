package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// A standby that is promoted, and a backup that is recovered up to some time, begin another
// history of the database. It may lack what was written last and was read by services that
// go on: a revision that is given out twice would be taken by them for what they know, and
// what was written under it for nothing new.

const (
	// thisHistory names it: PostgreSQL numbers each as a timeline, which is of no connection,
	// as a pooler may lead one to another server.
	thisHistory = "left(pg_walfile_name(pg_current_wal_lsn()), 8)"
	// skipped is how many numbers a new history passes over at least, and at most twice
	// as many, by chance: two that begin at the same place are to have none in common.
	skipped = 1 << 20
)

// namesHistory is how the database that a connection leads to is asked in which history it
// is: nothing where it does not tell, as what only speaks like a PostgreSQL may not.
func namesHistory(ctx context.Context, conn *pgx.Conn) (string, error) {
	ctx, done := context.WithTimeout(ctx, roundTrip)
	defer done()
	var is string
	err := conn.QueryRow(ctx, "SELECT "+thisHistory).Scan(&is)
	if err == nil {
		return thisHistory, nil
	}
	if conn.IsClosed() {
		return "", judgedGone(ctx, err)
	}
	return "''", nil
}

// beginHistory notes in which history is written from here on, in the transaction that has
// the turn, and commits. Behind another one revisions go on behind a gap, and so do the
// numbers of boot artifacts, which every process knows for ever, and those of events: who has
// read up to one that is lost would not be told of another that has the same number.
func (c *connection) beginHistory(ctx context.Context, was, is string) error {
	c.waiting = append(c.waiting, tables.Statement{Query: "UPDATE turn SET writer = '', history = $1", Args: []any{is}})
	if was != "" {
		gap := skipped + rand.Int64N(skipped) //nolint:gosec // no secret
		c.waiting = append(c.waiting,
			tables.Statement{Query: "INSERT INTO changes (revision, size, what) SELECT MAX(revision) + $1, 1, '[]' FROM changes", Args: []any{gap}},
			tables.Statement{Query: "INSERT INTO event_gaps (last, size) SELECT last_event, $1 FROM turn", Args: []any{gap}},
			tables.Statement{Query: "UPDATE turn SET last_event = last_event + $1", Args: []any{gap}},
			tables.Statement{Query: "SELECT setval(s, nextval(s) + $1) FROM (SELECT CAST(pg_get_serial_sequence('artifacts', 'id') AS regclass) AS s) AS l", Args: []any{gap}},
			tables.Statement{Query: tellOthers, Args: []any{channel, c.id}},
		)
	}
	if _, err := c.exchange(ctx, roundTrip, tables.Statement{Query: "COMMIT"}); err != nil {
		c.rollBack(ctx)
		return fmt.Errorf("note that the database is led by another server: %w", err)
	}
	if was != "" {
		c.log.Warn("the database has gone on elsewhere since it was written to last, as after a failover; what had not come there is lost, and services look at all anew that know of it", "timeline", is, "before", was)
	}
	return nil
}
