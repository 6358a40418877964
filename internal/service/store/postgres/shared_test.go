package postgres_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

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

// stops, in the environment of this program, lets it be a process that stops in the middle
// of a write to the database of this name.
const stops = "BOS_TEST_STOPS"

// stopInTheMiddle writes, is stopped by itself, and fails if it wrote.
func stopInTheMiddle(dsn string) int {
	ctx := context.Background()
	s, err := postgres.Open(ctx, dsn)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	_, err = s.MutateComponents(ctx, []string{"x"}, func(r *bos.Record, _ bool) error {
		fmt.Println("stops")
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGSTOP) // who started it sees whether it does
		// The thread that calls may get further before all are stopped.
		_, _ = os.Stdin.Read(make([]byte, 1))
		r.Error = "stopped"
		return nil
	})
	if err == nil {
		fmt.Println("wrote")
		return 1
	}
	fmt.Println("refused")
	return 0
}

func TestAProcessThatStopsInTheMiddleOfAWriteLosesItAndKeepsNobody(t *testing.T) {
	dsn := postgrestest.New(t)
	other := open(t, dsn)
	defer other.Close() //nolint:errcheck // the test is over
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), program)
	child.Env = append(os.Environ(), stops+"="+dsn)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := child.StdinPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	if !said.Scan() || said.Text() != "stops" {
		t.Fatalf("the other process says %q", said.Text())
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(child.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("the other process does not stop: %v, %v", status, err)
	}
	if _, err := other.MutateComponents(t.Context(), []string{"x"}, func(r *bos.Record, _ bool) error { r.Error = "other"; return nil }); err != nil {
		t.Errorf("the other process keeps this one from writing: %v", err)
	}
	if err := child.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if !said.Scan() || said.Text() != "refused" {
		t.Errorf("the process that goes on says %q", said.Text())
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	list, err := other.Components(t.Context(), bos.ComponentFilter{})
	if err != nil || len(list) != 1 || list[0].Error != "other" {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestAWriteMayTakeLongerThanASilentProcessIsWaitedFor, as that of a large room.
func TestAWriteMayTakeLongerThanASilentProcessIsWaitedFor(t *testing.T) {
	dsn := postgrestest.New(t)
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	_, err = s.MutateComponents(t.Context(), []string{"x"}, func(*bos.Record, bool) error {
		// It computes until the database says that this takes long.
		for old := false; !old; {
			err := conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity, pg_sleep(0.2)
WHERE state = 'idle in transaction' AND xact_start < clock_timestamp() - interval '4 seconds')`).Scan(&old)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// tooLong is an id that the database refuses: longer than its indexes take, and of letters
// that cannot be packed.
func tooLong() string {
	long := make([]byte, 9000)
	_, _ = rand.Read(long) // it never fails
	for i := range long {
		long[i] = 'a' + long[i]%26
	}
	return string(long)
}

func TestWhatTheDatabaseRefusesOfOneWriteUndoesNoOther(t *testing.T) {
	s := fresh(t)
	long := tooLong()
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
	ids := []string{"x1", "x2", long, "x3", "x4"}
	errs := make([]error, len(ids))
	for i, id := range ids {
		all.Go(func() {
			_, errs[i] = s.MutateComponents(t.Context(), []string{id}, func(r *bos.Record, _ bool) error { r.Error = "e"; return nil }, bos.Event{Kind: "k"})
		})
	}
	close(leave)
	all.Wait()
	for i, err := range errs {
		if refused := ids[i] == long; (err != nil) != refused {
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

// TestWhatACommitTellsIsWrittenWithItAlsoWhenItIsMadeAnew: it found another write in its
// way, of a client that left before both were made again, each alone.
func TestWhatACommitTellsIsWrittenWithItAlsoWhenItIsMadeAnew(t *testing.T) {
	s := fresh(t)
	records, err := s.MutateComponents(t.Context(), []string{"x1"}, func(*bos.Record, bool) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	long := tooLong()
	var all sync.WaitGroup
	entered, leave := make(chan struct{}), make(chan struct{})
	all.Go(func() {
		_, err := s.MutateComponents(context.WithoutCancel(t.Context()), []string{"first"}, func(*bos.Record, bool) error { close(entered); <-leave; return nil })
		if err != nil {
			t.Error(err)
		}
	})
	<-entered
	client, left := context.WithCancel(t.Context())
	for _, write := range []func(){
		func() {
			_, _ = s.MutateComponents(client, []string{"x1"}, func(r *bos.Record, _ bool) error { r.Error = "of a client"; return nil })
		},
		func() {
			commit := bos.Commit{Components: records, Events: []bos.Event{{Kind: "told", Component: "x1"}}, Fence: bos.NoFence}
			if done, err := s.Commit(t.Context(), commit); err != nil || !done.None() {
				t.Errorf("the commit ended with %+v, %v", done, err)
			}
		},
		func() {
			if _, err := s.MutateComponents(t.Context(), []string{long}, func(*bos.Record, bool) error { left(); return nil }); err == nil {
				t.Error("what the database refuses was written")
			}
		},
	} {
		before := s.Queue()
		all.Go(write)
		for s.Queue() == before {
			runtime.Gosched() // until it waits
		}
	}
	close(leave)
	all.Wait()
	events, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite()})
	if err != nil || len(events) != 1 || events[0].Kind != "told" {
		t.Errorf("the history is %+v, %v", events, err)
	}
}
