package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// manyIDs are of so many components that their first are sent while the others are made.
func manyIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("x%06d", i)
	}
	return ids
}

// atFault is the component whose row a trigger does something about.
const atFault = "x000010"

// triggered has a trigger do something when the row of that component is written.
func triggered(t *testing.T, dsn, does string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the statements say whether it worked
	err = executed(t.Context(), conn,
		"CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = '"+atFault+"' THEN "+does+" END IF; RETURN NEW; END $$",
		"CREATE TRIGGER fault BEFORE INSERT OR UPDATE ON components FOR EACH ROW EXECUTE FUNCTION fault()")
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhatIsSentAheadIsOfItsOwnWrite: one whose first rows are refused while its last are
// made fails alone, among others that share its transaction, before it and behind it.
func TestWhatIsSentAheadIsOfItsOwnWrite(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.New(t)
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	triggered(t, dsn, "RAISE EXCEPTION 'of no use' USING ERRCODE = '23514';")
	many := manyIDs(1500)
	var refused atomic.Int64
	together(t, s, 5, func(n int) {
		if n != 2 {
			if _, err := s.MutateTemplate(t.Context(), "", fmt.Sprint("t", n), func(*bos.SessionTemplate, bool) error { return nil }); err != nil {
				t.Errorf("write %d: %v", n, err)
			}
			return
		}
		_, err := s.MutateComponents(t.Context(), many, func(r *bos.Record, _ bool) error { r.Enabled = true; return nil })
		if err == nil || !strings.Contains(err.Error(), "of no use") {
			t.Errorf("the write that was refused: %v", err)
		}
		refused.Add(1)
	})
	if list, err := s.Templates(t.Context(), bos.AllTenants()); err != nil || len(list) != 4 || refused.Load() != 1 {
		t.Error(list, err, refused.Load())
	}
	if list, err := s.Components(t.Context(), bos.ComponentFilter{}); err != nil || len(list) != 0 {
		t.Errorf("%d components of a write that failed: %v", len(list), err)
	}
}

// TestAWriteThatLosesItsConnectionWhileItIsMade fails as what it is, and the next one goes.
func TestAWriteThatLosesItsConnectionWhileItIsMade(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.New(t)
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	triggered(t, dsn, "PERFORM pg_terminate_backend(pg_backend_pid());")
	enable := func(r *bos.Record, _ bool) error { r.Enabled = true; return nil }
	many := manyIDs(1500)
	_, err := s.MutateComponents(t.Context(), many, enable)
	var trouble *tables.TroubleError
	if !errors.As(err, &trouble) || trouble.Kind != tables.Away {
		t.Errorf("the write whose connection was lost: %v", err)
	}
	if list, err := s.Components(t.Context(), bos.ComponentFilter{}); err != nil || len(list) != 0 {
		t.Errorf("%d components of a write that failed: %v", len(list), err)
	}
	others := many[100:]
	if list, err := s.MutateComponents(t.Context(), others, enable); err != nil || len(list) != len(others) {
		t.Errorf("%d of %d written: %v", len(list), len(others), err)
	}
}

// TestAReadThatLosesItsConnectionAmongItsRowsIsAnError, and not a list that ends early.
func TestAReadThatLosesItsConnectionAmongItsRowsIsAnError(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.New(t)
	s := open(t, dsn+"&enable_sort=off&enable_incremental_sort=off")
	defer s.Close() //nolint:errcheck // the test is over
	ids := manyIDs(3000)
	if _, err := s.MutateComponents(t.Context(), ids, func(r *bos.Record, _ bool) error { r.Enabled = true; return nil }); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	err = executed(t.Context(), conn,
		"CREATE FUNCTION there(id text) RETURNS boolean LANGUAGE plpgsql COST 1 AS $$ BEGIN IF id = 'x002500' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN true; END $$",
		"ALTER TABLE components RENAME TO stored", "CREATE VIEW components AS SELECT * FROM stored WHERE there(id)")
	if err != nil {
		t.Fatal(err)
	}
	var trouble *tables.TroubleError
	if list, err := s.Components(t.Context(), bos.ComponentFilter{}); !errors.As(err, &trouble) || trouble.Kind != tables.Away {
		t.Errorf("%d of %d components, of an answer that broke off: %v", len(list), len(ids), err)
	}
	if list, err := s.Components(t.Context(), bos.ComponentFilter{IDs: ids[:10]}); err != nil || len(list) != 10 {
		t.Errorf("the next read: %d components, %v", len(list), err)
	}
}
