package postgres_test

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// noted writes an event, and returns the number that it has.
func noted(t *testing.T, s *postgres.Store, kind string) int64 {
	t.Helper()
	if err := s.Note(t.Context(), bos.Event{Kind: kind}); err != nil {
		t.Fatal(err)
	}
	list, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite(), Newest: true, Limit: 1})
	if err != nil || len(list) != 1 || list[0].Kind != kind {
		t.Fatalf("the newest event is %+v, %v", list, err)
	}
	return list[0].ID
}

// TestWhatAFailoverPassesOverRemovesNoHistory: how much of it is kept goes by how many events
// there are, and numbers that nothing was written under are none.
func TestWhatAFailoverPassesOverRemovesNoHistory(t *testing.T) {
	t.Parallel()
	const keeps, some = 500, 200
	dsn := postgrestest.New(t)
	s, err := postgres.Open(t.Context(), dsn, postgres.KeepEvents(keeps, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	kept := func() int {
		if err := s.Note(t.Context(), slices.Repeat([]bos.Event{{Kind: "k"}}, some)...); err != nil {
			t.Fatal(err)
		}
		list, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite()})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	// Each history is that of a server that was promoted, and the last two of one in which
	// nothing but that was written.
	for history, want := range []int{some, 2 * some, keeps, keeps, keeps} {
		if n := kept(); n != want {
			t.Errorf("%d events are kept in the history number %d, want %d", n, history, want)
		}
		for range 1 + history/2 {
			if err := executed(t.Context(), conn, "UPDATE turn SET history = '0000000F'"); err != nil {
				t.Fatal(err)
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestNoRevisionOfWhatAFailoverLostIsGivenOutAgain: who has read up to there would take what
// is written under it for what it knows.
func TestNoRevisionOfWhatAFailoverLostIsGivenOutAgain(t *testing.T) {
	primary, standby, _, both := pair(t)
	drives, other := open(t, both), open(t, both)
	defer drives.Close() //nolint:errcheck // the test is over
	defer other.Close()  //nolint:errcheck // the test is over
	if err := primary.WaitFor(t.Context(), standby); err != nil {
		t.Fatal(err)
	}
	start, err := drives.Changes(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := insert(t, other, "kept"); err != nil {
		t.Fatal(err)
	}
	known := noted(t, other, "kept")
	kept, err := drives.Changes(t.Context(), start.Newest)
	if err != nil || kept.All || len(kept.Components) != 1 {
		t.Fatalf("the feed tells %+v, %v of one write", kept, err)
	}
	// The last write comes to nobody but the primary, which is told to wait for no standby.
	if err := standby.Stop(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := primary.Stop(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if err := primary.Run(append([]string{"synchronous_standby_names="}, postgrestest.Settings...)...); err != nil {
		t.Fatal(err)
	}
	if err := insert(t, other, "lost"); err != nil {
		t.Fatal(err)
	}
	knownLost := noted(t, other, "lost")
	lost, err := drives.Changes(t.Context(), kept.Newest)
	if err != nil || lost.All || len(lost.Components) != 1 {
		t.Fatalf("the feed tells %+v, %v of one more", lost, err)
	}
	if err := primary.Stop(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if err := standby.Run(postgrestest.Settings...); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	if err := insert(t, other, "new"); err != nil {
		t.Fatal(err)
	}
	written, err := other.Components(t.Context(), bos.ComponentFilter{IDs: []string{"new"}})
	if err != nil || len(written) != 1 || written[0].Revision <= lost.Newest {
		t.Errorf("after revision %d was lost %+v, %v is written", lost.Newest, written, err)
	}
	isNew := noted(t, other, "new")
	for name, after := range map[string]int64{"is there": known, "was lost": knownLost, "is ahead of that": knownLost + 1} {
		events, err := drives.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite(), After: after})
		if err != nil || len(events) != 1 || events[0].ID != isNew {
			t.Errorf("who pages from what %s is told the events %+v, %v", name, events, err)
		}
	}
	for name, after := range map[string]int64{"read what was lost": lost.Newest, "read anything ahead": lost.Newest + 1} {
		if fed, err := drives.Changes(t.Context(), after); err != nil || !fed.All || !fed.Foreign {
			t.Errorf("who has %s is told %+v, %v", name, fed, err)
		}
	}
	// Who has read no more than is there goes on.
	fed, err := drives.Changes(t.Context(), kept.Newest)
	if err != nil || fed.All || len(fed.Components) != 1 || fed.Components[0].ID != "new" {
		t.Errorf("who has read no more than is there is told %+v, %v", fed, err)
	}
	if err := insert(t, drives, "newer"); err != nil {
		t.Error(err)
	}
	if fed, err = drives.Changes(t.Context(), fed.Newest); err != nil || fed.All || len(fed.Components) != 1 {
		t.Errorf("after another write the feed tells %+v, %v", fed, err)
	}
}
