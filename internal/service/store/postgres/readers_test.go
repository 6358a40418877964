package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

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
	conn := templatesLocked(t, dsn)
	ctx, done := context.WithTimeout(bos.Urgent(t.Context()), 20*time.Second)
	defer done()
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			if _, err := s.Templates(ctx, bos.AllTenants()); err != nil {
				t.Error(err)
			}
		})
	}
	waitForReads(t, conn, atOnce)
	if err := executed(t.Context(), conn, "SELECT pg_terminate_backend(pid)"+lockedReads, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	all.Wait()
}
