package postgres_test

import (
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// TestWhoHasWaitedLongestForTheTurnHasItNext, also where whoever had it comes again
// meanwhile: a service that is passed over again and again loses its lease, and its clients
// are refused.
func TestWhoHasWaitedLongestForTheTurnHasItNext(t *testing.T) {
	const services, rounds = 3, 12
	dsn := postgrestest.New(t) + "&application_name=fair"
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	var stores []*postgres.Store
	for range services {
		s, err := postgres.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close() //nolint:errcheck // the test is over
		stores = append(stores, s)
	}
	// One of them writes until it is let go of, and says when its turn has come.
	came, going := make(chan int, services), make([]chan struct{}, services)
	var all sync.WaitGroup
	write := func(n int) {
		let := make(chan struct{})
		going[n] = let
		all.Go(func() {
			_, err := stores[n].MutateTemplate(t.Context(), "", "t", func(*bos.SessionTemplate, bool) error {
				came <- n
				<-let
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait := func(want int) {
		t.Helper()
		for waiting := -1; waiting != want; {
			if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fair' AND wait_event_type = 'Lock'").Scan(&waiting); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Millisecond)
		}
	}
	write(0)
	has := <-came
	for n := 1; n < services; n++ {
		write(n)
		wait(n)
	}
	passed := 0
	next := func() (had int) {
		had = has
		close(going[had])
		if has = <-came; has != (had+1)%services {
			passed++
		}
		return had
	}
	for range rounds { // who had it comes again before the next is over
		write(next())
		wait(services - 1)
	}
	for range services - 1 {
		next()
	}
	close(going[has])
	all.Wait()
	if passed > 0 {
		t.Errorf("who had waited longest was passed over %d times", passed)
	}
}

// TestTheTurnIsVacuumedWhileItIsHad: each write leaves an old version of its row, and the
// vacuum of the database itself passes a table over that somebody keeps it from. Where
// services write all the time somebody always has the turn.
func TestTheTurnIsVacuumedWhileItIsHad(t *testing.T) {
	dsn := postgrestest.New(t)
	s, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { said = append(said, n.Message) }
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	_, err = s.MutateTemplate(t.Context(), "", "t", func(*bos.SessionTemplate, bool) error {
		_, err := conn.Exec(t.Context(), "VACUUM (SKIP_LOCKED, ANALYZE) turn")
		return err
	})
	if err != nil || len(said) > 0 {
		t.Errorf("%v; it says %q", err, said)
	}
}
