package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// TestAReadOfADatabaseThatFallsSilentIsAskedOfTheOneThatAnswers, and none but the reads that
// are under way finds out by itself: all other connections are as old.
func TestAReadOfADatabaseThatFallsSilentIsAskedOfTheOneThatAnswers(t *testing.T) {
	t.Parallel()
	postgrestest.Skip(t)
	server, err := postgrestest.Start(postgrestest.Settings...)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close() //nolint:errcheck // the test is over
	var links [2]*postgrestest.Link
	for i := range links {
		if links[i], err = postgrestest.Connect(server); err != nil {
			t.Fatal(err)
		}
		defer links[i].Close() //nolint:errcheck // the test is over
	}
	direct := server.Schema(t)
	dsn, err := postgrestest.Through(direct, links[0], links[1])
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	readTogether(t, direct, func(ctx context.Context) error {
		_, err := s.Templates(ctx, bos.AllTenants())
		return err
	})
	// Of those that are not urgent too, which have connections of their own.
	if _, err := s.Templates(t.Context(), bos.AllTenants()); err != nil {
		t.Fatal(err)
	}
	if n := s.Reading(); n != atOnce+1 {
		t.Fatalf("%d connections read, want %d", n, atOnce+1)
	}
	links[0].Silence()
	// Who asks leaves before a read is given up that nobody looks after.
	ctx, done := context.WithTimeout(bos.Urgent(t.Context()), 20*time.Second)
	defer done()
	if _, err := s.Templates(ctx, bos.AllTenants()); err != nil {
		t.Errorf("a read ended with %v", err)
	}
	if n := s.Reading(); n != 1 {
		t.Errorf("%d connections are left that read, want the one that answered", n)
	}
	links[0].Mend()
}

// atOnce is as many as may be urgent at once.
const atOnce = 3

// readTogether makes so many reads of templates that all are under way at the same time.
func readTogether(t *testing.T, dsn string, read func(ctx context.Context) error) {
	t.Helper()
	conn := templatesLocked(t, dsn)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			if err := read(bos.Urgent(t.Context())); err != nil {
				t.Error(err)
			}
		})
	}
	waitForReads(t, conn, atOnce)
	if err := executed(t.Context(), conn, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	all.Wait()
}

// TestAReadOfASlowDatabaseIsWaitedFor: as long as the database works for it.
func TestAReadOfASlowDatabaseIsWaitedFor(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.New(t)
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	readSlowly(t, dsn, func() error {
		_, err := s.Templates(t.Context(), bos.AllTenants())
		return err
	})
}

// readSlowly makes a read of templates that takes longer than one is waited for without a
// sign of life.
func readSlowly(t *testing.T, dsn string, read func() error) {
	t.Helper()
	conn := templatesLocked(t, dsn)
	ended := make(chan error)
	go func() { ended <- read() }()
	waitForReads(t, conn, 1)
	if err := executed(t.Context(), conn, "SELECT pg_sleep(8)", "COMMIT"); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the read ended with %v", err)
	}
}
