package postgres_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// two are two processes on one database.
func two(t *testing.T) (a, b *postgres.Store) {
	t.Helper()
	dsn := postgrestest.New(t)
	stores := []*postgres.Store{open(t, dsn), open(t, dsn)}
	for _, s := range stores {
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return stores[0], stores[1]
}

// TestAReaderOfTheFeedMissesNoWriteOfSeveralProcesses: commits become visible in the order
// of their revisions, whoever makes them.
func TestAReaderOfTheFeedMissesNoWriteOfSeveralProcesses(t *testing.T) {
	a, b := two(t)
	const writers, writes = 4, 50
	var all sync.WaitGroup
	for i := range writers {
		s := []*postgres.Store{a, b}[i%2]
		all.Go(func() {
			for n := range writes {
				id := fmt.Sprint("w", i, "n", n)
				if _, err := s.MutateComponents(t.Context(), []string{id}, func(*bos.Record, bool) error { return nil }, bos.Event{Kind: id}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	written := make(chan struct{})
	go func() { all.Wait(); close(written) }()
	position, last := int64(1), false
	revisions := make(map[string]int64)
	for !last {
		select {
		case <-written:
			last = true
		default:
		}
		fed, err := b.Changes(t.Context(), position)
		if err != nil || fed.All {
			t.Fatal(fed.All, err)
		}
		for _, c := range fed.Components {
			if c.Revision <= position {
				t.Errorf("%s was written in revision %d, after a reader was told of all up to %d", c.ID, c.Revision, position)
			}
			revisions[c.ID] = c.Revision
		}
		position = fed.Newest
	}
	if len(revisions) != writers*writes {
		t.Errorf("the feed told of %d writes, %d were made", len(revisions), writers*writes)
	}
	events, err := a.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite()})
	if err != nil || len(events) != writers*writes {
		t.Fatal(len(events), err)
	}
	for i, e := range events {
		if e.ID != int64(i)+1 {
			t.Fatalf("event %d is in place %d: one seems to be missing", e.ID, i)
		}
	}
}

func TestWhatTwoProcessesCountUpTogetherIsCountedWhole(t *testing.T) {
	a, b := two(t)
	const rounds = 100
	var all sync.WaitGroup
	for _, s := range []*postgres.Store{a, b, a, b} {
		all.Go(func() {
			for range rounds {
				_, err := s.MutateComponents(t.Context(), []string{"x"}, func(r *bos.Record, _ bool) error { r.EventStats.PowerOnAttempts++; return nil })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	list, err := b.Components(t.Context(), bos.ComponentFilter{})
	if err != nil || len(list) != 1 || list[0].EventStats.PowerOnAttempts != 4*rounds {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestBootArtifactsThatAnotherProcessWroteFirstAreShared: what a process knows of them
// lasts until another writes.
func TestBootArtifactsThatAnotherProcessWroteFirstAreShared(t *testing.T) {
	a, b := two(t)
	for i, s := range []*postgres.Store{a, b, a} {
		artifacts := bos.BootArtifacts{Kernel: fmt.Sprint("k", i), KernelParameters: strings.Repeat("p", 4096)}
		for _, kernel := range []string{"shared", artifacts.Kernel} {
			artifacts.Kernel = kernel
			if _, err := s.Commit(t.Context(), bos.Commit{Tokens: map[string]bos.BootArtifacts{fmt.Sprint("t", i, kernel): artifacts}, Fence: bos.NoFence}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 3 {
		got, known, err := b.Token(t.Context(), fmt.Sprint("t", i, "shared"))
		if err != nil || !known || got.Kernel != "shared" {
			t.Errorf("token %d means %+v, %t, %v", i, got, known, err)
		}
	}
}

// TestAProcessThatStopsInTheMiddleOfAWriteLosesItAndKeepsNobody, as one that was suspended.
func TestAProcessThatStopsInTheMiddleOfAWriteLosesItAndKeepsNobody(t *testing.T) {
	stopped, other := two(t)
	write := func(s *postgres.Store, by string, meanwhile func()) error {
		_, err := s.MutateComponents(t.Context(), []string{"x"}, func(r *bos.Record, _ bool) error { r.Error = by; meanwhile(); return nil })
		return err
	}
	var between error
	err := write(stopped, "stopped", func() { between = write(other, "other", func() {}) })
	if between != nil {
		t.Errorf("the other process could not write: %v", between)
	}
	if err == nil {
		t.Error("the write of the process that was stopped is said to be made")
	}
	if err := write(stopped, "stopped again", func() {}); err != nil {
		t.Errorf("it writes no more: %v", err)
	}
	list, err := other.Components(t.Context(), bos.ComponentFilter{})
	if err != nil || len(list) != 1 || list[0].Error != "stopped again" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestWhatTheDatabaseRefusesOfOneWriteUndoesNoOther(t *testing.T) {
	s := fresh(t)
	long := make([]byte, 9000)
	_, _ = rand.Read(long) // it never fails
	for i := range long {
		long[i] = 'a' + long[i]%26
	}
	// They wait together behind one that is being made.
	entered, leave := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_, err := s.MutateComponents(context.WithoutCancel(t.Context()), []string{"first"}, func(*bos.Record, bool) error { close(entered); <-leave; return nil })
		if err != nil {
			t.Error(err)
		}
	})
	<-entered
	ids := []string{"x1", "x2", string(long), "x3", "x4"}
	errs := make([]error, len(ids))
	for i, id := range ids {
		all.Go(func() {
			_, errs[i] = s.MutateComponents(t.Context(), []string{id}, func(r *bos.Record, _ bool) error { r.Error = "e"; return nil }, bos.Event{Kind: "k"})
		})
	}
	close(leave)
	all.Wait()
	for i, err := range errs {
		if refused := ids[i] == string(long); (err != nil) != refused {
			t.Errorf("the write of %.5s ended with %v", ids[i], err)
		}
	}
	got, err := s.ComponentIDs(t.Context(), bos.ComponentFilter{})
	if err != nil || !slices.Equal(got, []string{"first", "x1", "x2", "x3", "x4"}) {
		t.Errorf("there are %q, %v", got, err)
	}
	events, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite()})
	if err != nil || len(events) != 4 || events[3].ID != 4 {
		t.Errorf("the history is %+v, %v", events, err)
	}
}
