package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// TestReadsThatLoseTheirConnectionsTogetherAreMadeAnew: as many as there are connections,
// none of which may keep its own, which is lost, while it waits for another.
func TestReadsThatLoseTheirConnectionsTogetherAreMadeAnew(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.New(t)
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	for _, statement := range []string{"BEGIN", "LOCK TABLE templates"} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	const reads = 3 // as many as may be urgent at once
	ctx, done := context.WithTimeout(bos.Urgent(t.Context()), 20*time.Second)
	defer done()
	var all sync.WaitGroup
	for range reads {
		all.Go(func() {
			if _, err := s.Templates(ctx, bos.AllTenants()); err != nil {
				t.Error(err)
			}
		})
	}
	const waiting = " FROM pg_locks WHERE relation = 'templates'::regclass AND NOT granted"
	for n := 0; n < reads; {
		if err := conn.QueryRow(t.Context(), "SELECT count(*)"+waiting).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range []string{"SELECT pg_terminate_backend(pid)" + waiting, "COMMIT"} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
}
