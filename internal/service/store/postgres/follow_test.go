package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

func TestWhoWaitsForEventsIsWokenByThoseOfAnotherProcess(t *testing.T) {
	a, b := two(t)
	for range 3 {
		news := b.NewEvents()
		before, err := b.LastEvent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Note(t.Context(), bos.Event{Kind: "k"}); err != nil {
			t.Fatal(err)
		}
		for last := before; last == before; {
			<-news
			news = b.NewEvents()
			if last, err = b.LastEvent(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestWhatAnotherProcessWroteIsToldOf, with the hint of its commit and, where nobody hears
// that, as behind a pooler, without.
func TestWhatAnotherProcessWroteIsToldOf(t *testing.T) {
	t.Run("by its hint", func(t *testing.T) {
		a, b := two(t)
		told := make(chan struct{}, 100)
		b.Follow(func() { told <- struct{}{} }, func() {})
		for range 3 {
			done, err := a.Commit(t.Context(), bos.Commit{Components: []bos.Record{{}}, Fence: bos.NoFence})
			if err != nil {
				t.Fatal(err)
			}
			for {
				fed, err := b.Changes(t.Context(), done.Revision-1)
				if err != nil {
					t.Fatal(err)
				}
				if fed.Newest >= done.Revision {
					break
				}
				<-told
			}
		}
	})
	t.Run("without", func(t *testing.T) {
		dsn := postgrestest.New(t)
		s := open(t, dsn)
		defer s.Close() //nolint:errcheck // the test is over
		told := make(chan struct{}, 100)
		s.Follow(func() { told <- struct{}{} }, func() {})
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context()) //nolint:errcheck // the test is over
		for range 2 {
			if _, err := conn.Exec(t.Context(), "UPDATE changes SET revision = revision + 1"); err != nil {
				t.Fatal(err)
			}
			<-told
		}
	})
}

// TestThatTheLeaseWasGivenUpIsToldOf, each time anew.
func TestThatTheLeaseWasGivenUpIsToldOf(t *testing.T) {
	a, b := two(t)
	free := make(chan struct{}, 100)
	b.Follow(func() {}, func() { free <- struct{}{} })
	for range 3 {
		if _, err := a.Lease(t.Context(), "a", time.Time{}, bos.Lease{}); err != nil {
			t.Fatal(err)
		}
		if err := a.Release(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		<-free
	}
}

func TestATokenThatAnotherProcessGaveAnewMeansTheNewest(t *testing.T) {
	a, b := two(t)
	for _, kernel := range []string{"old", "new"} {
		if _, err := a.Commit(t.Context(), bos.Commit{Tokens: map[string]bos.BootArtifacts{"t": {Kernel: kernel}}, Fence: bos.NoFence}); err != nil {
			t.Fatal(err)
		}
		if got, known, err := b.Token(t.Context(), "t"); err != nil || !known || got.Kernel != kernel {
			t.Errorf("it means %+v, %t, %v", got, known, err)
		}
	}
}
