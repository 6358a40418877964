package postgres_test

import (
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// slow makes each insert of a component take as long as a database does whose machine has
// much else to do: longer than one is waited for that gives no sign of life.
const slow = `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(6); RETURN NEW; END';
CREATE TRIGGER slow BEFORE INSERT ON components FOR EACH ROW EXECUTE FUNCTION slow()`

func insert(t *testing.T, s *postgres.Store, id string) error {
	t.Helper()
	_, err := s.MutateComponents(t.Context(), []string{id}, func(*bos.Record, bool) error { return nil })
	return err
}

// TestAWriteOfASlowDatabaseIsWaitedFor, also by who waits for its turn meanwhile.
func TestAWriteOfASlowDatabaseIsWaitedFor(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.New(t)
	s, other := open(t, dsn), open(t, dsn)
	defer s.Close()     //nolint:errcheck // the test is over
	defer other.Close() //nolint:errcheck // the test is over
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	if _, err := conn.Exec(t.Context(), slow); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- insert(t, s, "x") }()
	if err := insert(t, other, "y"); err != nil {
		t.Errorf("one write ended with %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the other one ended with %v", err)
	}
}

// TestAWriteIsWaitedForAlsoWhereReadsAreAsSlow: whether the database is at work is asked
// beside them.
func TestAWriteIsWaitedForAlsoWhereReadsAreAsSlow(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.New(t)
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	for _, statement := range []string{slow, "BEGIN", "LOCK TABLE templates"} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	const reads = 3 // as many as may be urgent at once
	var all sync.WaitGroup
	for range reads {
		all.Go(func() {
			if _, err := s.Templates(bos.Urgent(t.Context()), bos.AllTenants()); err != nil {
				t.Error(err)
			}
		})
	}
	for waiting := 0; waiting < reads; {
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE relation = 'templates'::regclass AND NOT granted").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	if err := insert(t, s, "x"); err != nil {
		t.Errorf("the write ended with %v", err)
	}
	if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Error(err)
	}
	all.Wait()
}

// TestAWriteToASilentDatabaseIsGivenUp, as the way to it may be cut without a word.
func TestAWriteToASilentDatabaseIsGivenUp(t *testing.T) {
	t.Parallel()
	postgrestest.Skip(t)
	server, err := postgrestest.Start(postgrestest.Settings...)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close() //nolint:errcheck // the test is over
	link, err := postgrestest.Connect(server)
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close() //nolint:errcheck // the test is over
	dsn, err := postgrestest.Through(server.Schema(t), link)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	if err := insert(t, s, "x"); err != nil {
		t.Fatal(err)
	}
	link.Silence()
	err = insert(t, s, "y")
	link.Mend()
	if tables.TroubleOf(err) != tables.Away {
		t.Errorf("it ended with %v", err)
	}
}
