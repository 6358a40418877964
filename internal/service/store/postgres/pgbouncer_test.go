package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/storetest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// pooled is a database behind a PgBouncer.
type pooled struct {
	server  *postgrestest.Server
	bouncer *postgrestest.Bouncer
	// tables is a database with empty tables, of which others are copies: that is quicker
	// than to make them anew for each test.
	tables string
}

// TestBehindPgBouncer is what holds in each mode of a pool that is promised.
func TestBehindPgBouncer(t *testing.T) {
	postgrestest.SkipBouncer(t)
	server, err := postgrestest.Start(postgrestest.Settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	tables, dsn, err := server.Database(t.Context(), "template1")
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, dsn).Close(); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"transaction", "session"} {
		t.Run(mode, func(t *testing.T) {
			bouncer, err := postgrestest.Bounce(server, mode)
			if err != nil {
				t.Fatal(err)
			}
			defer bouncer.Close() //nolint:errcheck // the test is over
			p := &pooled{server, bouncer, tables}
			t.Run("what is stored", p.stores)
			t.Run("tables are made, by who comes first", p.makesTables)
			t.Run("processes hear of each other", p.hears)
			t.Run("writers lose no update of each other", p.loses)
			t.Run("one that stops keeps nobody from writing", p.stops)
			t.Run("a slow read is waited for", p.waits)
			t.Run("a restart is survived", p.restarts) // which ends what others have open
		})
	}
}

func (p *pooled) database(t *testing.T) string {
	t.Helper()
	name, _, err := p.server.Database(t.Context(), p.tables)
	if err != nil {
		t.Fatal(err)
	}
	return p.bouncer.Through(name)
}

func (p *pooled) open(t *testing.T, dsn string) *postgres.Store {
	t.Helper()
	s := open(t, dsn)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// stores is a part of the suite that has each kind of statement, of value and of transaction.
func (p *pooled) stores(t *testing.T) {
	storetest.RunSome(t, func(t *testing.T) bos.Store { return p.open(t, p.database(t)) },
		"many records are written as each alone is", "filters are combined, and pages follow each other", "a document is the record as the API shows it",
		"boot artifacts come back as they were written", "a failed change undoes all of its batch", "concurrent writers lose no update", "tokens are known as soon as their commit returns",
		"what is of the machine outlives its record", "who waits behind other writes may leave", "one of many creators of a session name wins", "a session and its components change together",
		"of many changes of a template none is lost", "history is listed by id, session and component",
		"who asked before a commit is woken by its events", "a commit writes only what has not changed meanwhile", "a setup arms nodes as they are when it is written",
		"the lease fences off an older holder", "the feed tells what changed, and what was deleted")
}

// makesTables: as by the first service of a site, of which two start at the same time.
func (p *pooled) makesTables(t *testing.T) {
	name, _, err := p.server.Database(t.Context(), "template1")
	if err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			s, err := postgres.Open(t.Context(), p.bouncer.Through(name))
			if err == nil {
				err = errors.Join(s.Ping(t.Context()), s.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
}

// hears: by looking, as what a commit tells reaches nobody there whose connection is another
// one each time. The lease and its fence hold, and who wrote through one reads it through the
// other.
func (p *pooled) hears(t *testing.T) {
	dsn := p.database(t)
	a, b := p.open(t, dsn), p.open(t, dsn)
	written, free := make(chan struct{}, 1000), make(chan struct{}, 1000)
	b.Follow(func() { written <- struct{}{} }, func() { free <- struct{}{} })
	first, err := a.Lease(t.Context(), "a", time.Time{}, bos.Lease{})
	if err != nil {
		t.Fatal(err)
	}
	if held, err := b.Lease(t.Context(), "b", time.Time{}, bos.Lease{}); !errors.Is(err, bos.ErrLeaseHeld) || held.Holder != "a" {
		t.Errorf("the other is given %+v, %v", held, err)
	}
	for round := range 20 {
		writer, reader := a, b
		if round%2 == 1 {
			writer, reader = b, a
		}
		id := fmt.Sprintf("x%d", round)
		if _, err := writer.MutateComponents(t.Context(), []string{id}, func(r *bos.Record, _ bool) error { r.Error = id; return nil }); err != nil {
			t.Fatal(err)
		}
		if list, err := reader.Components(t.Context(), bos.ComponentFilter{IDs: []string{id}}); err != nil || len(list) != 1 || list[0].Error != id {
			t.Errorf("what one wrote the other reads as %+v, %v", list, err)
		}
	}
	for known := int64(0); known < a.Newest(); {
		<-written
		fed, err := b.Changes(t.Context(), known)
		if err != nil {
			t.Fatal(err)
		}
		known = fed.Newest
	}
	second, err := b.Lease(t.Context(), "b", time.Time{}, first)
	if err != nil || second.Fence <= first.Fence {
		t.Fatalf("the lease of a dead holder is %+v, %v", second, err)
	}
	if _, err := a.Commit(t.Context(), bos.Commit{Fence: first.Fence, Events: []bos.Event{{Kind: "late"}}}); !errors.Is(err, bos.ErrFenced) {
		t.Errorf("who lost the lease wrote: %v", err)
	}
	if err := b.Release(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	<-free
}

// loses: nothing, as the turn is a row, which holds for a transaction and not for a connection.
func (p *pooled) loses(t *testing.T) {
	dsn := p.database(t)
	stores := []*postgres.Store{p.open(t, dsn), p.open(t, dsn)}
	const rounds = 50
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for range rounds {
				_, err := stores[i%2].MutateComponents(t.Context(), []string{"x"}, func(r *bos.Record, _ bool) error { r.EventStats.PowerOnAttempts++; return nil })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	list, err := stores[0].Components(t.Context(), bos.ComponentFilter{})
	if err != nil || len(list) != 1 || list[0].EventStats.PowerOnAttempts != 6*rounds {
		t.Errorf("%+v, %v", list, err)
	}
}

// stops: nobody is kept from writing for longer than three seconds, as the process of the
// database is ended, and not one of the pool's clients.
func (p *pooled) stops(t *testing.T) {
	dsn := p.database(t)
	s := p.open(t, dsn)
	stops, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer stops.Close(t.Context()) //nolint:errcheck // the test is over
	for _, statement := range []string{"BEGIN", "SELECT set_config('idle_in_transaction_session_timeout', '3s', true)", "SELECT writer FROM turn FOR UPDATE"} {
		if _, err := stops.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.MutateOptions(t.Context(), func(o *bos.Options) error { o.PollingFrequency++; return nil }); err != nil {
		t.Error(err)
	}
}

// waits: the number that PgBouncer gives a connection is that of no process of the database,
// and so says nothing of whether that is at work.
func (p *pooled) waits(t *testing.T) {
	dsn := p.database(t)
	s := p.open(t, dsn)
	readSlowly(t, dsn, func() error {
		_, err := s.Templates(t.Context(), bos.AllTenants())
		return err
	})
}

// restarts: of PgBouncer, and of the database behind it. The next write and read that find
// both there again are made.
func (p *pooled) restarts(t *testing.T) {
	dsn := p.database(t)
	a, b := p.open(t, dsn), p.open(t, dsn)
	number := func(s *postgres.Store) (int, error) {
		o, err := s.Options(t.Context())
		return o.PollingFrequency, err
	}
	counted, err := number(a)
	if err != nil {
		t.Fatal(err)
	}
	write := func() error {
		_, err := a.MutateOptions(t.Context(), func(o *bos.Options) error { o.PollingFrequency++; return nil })
		return err
	}
	again := func(after string) {
		t.Helper()
		// A pool looks for the database again after a second only.
		for err := write(); err != nil; err = write() {
			if tables.TroubleOf(err) != tables.Away {
				t.Fatalf("after %s a write ends with %v", after, err)
			}
		}
		counted++
		for _, s := range []*postgres.Store{a, b} {
			if got, err := number(s); err != nil || got != counted {
				t.Errorf("after %s %d is read, %v, want %d", after, got, err, counted)
			}
		}
	}
	again("nothing")
	if err := p.bouncer.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := write(); tables.TroubleOf(err) != tables.Away {
		t.Errorf("without PgBouncer a write ends with %v", err)
	}
	if err := p.bouncer.Run(); err != nil {
		t.Fatal(err)
	}
	again("a restart of PgBouncer")
	if err := p.server.Stop(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := write(); tables.TroubleOf(err) != tables.Away {
		t.Errorf("without the database a write ends with %v", err)
	}
	if err := p.server.Run(postgrestest.Settings...); err != nil {
		t.Fatal(err)
	}
	again("a restart of the database")
}
