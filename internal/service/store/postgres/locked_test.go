package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// lockedReads are the reads that wait for the table of templates.
const lockedReads = " FROM pg_locks WHERE relation = 'templates'::regclass AND NOT granted"

// templatesLocked lets reads of templates wait until the connection that it returns commits.
func templatesLocked(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) }) // the test is over
	if err := executed(t.Context(), conn, "BEGIN", "LOCK TABLE templates"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// waitForReads returns when so many reads wait for that.
func waitForReads(t *testing.T, conn *pgx.Conn, n int) {
	t.Helper()
	for waiting := 0; waiting < n; {
		if err := conn.QueryRow(t.Context(), "SELECT count(*)"+lockedReads).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
}
