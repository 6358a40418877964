package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
)

// TestAPlanThatWasMadeForFewNodesServesManyToo: a connection that has written the few nodes
// of a small room often, of which nobody has told the database yet that it has grown.
func TestAPlanThatWasMadeForFewNodesServesManyToo(t *testing.T) {
	t.Parallel()
	dsn := unswept(t)
	s, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it is closed already, where all went well
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	const few = 16
	enable := func(r *bos.Record, _ bool) error { r.Enabled = !r.Enabled; return nil }
	if _, err := s.MutateComponents(t.Context(), manyIDs(few), enable); err != nil {
		t.Fatal(err)
	}
	if err := executed(t.Context(), conn, "ANALYZE components"); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := s.MutateComponents(t.Context(), manyIDs(few), enable); err != nil {
			t.Fatal(err)
		}
	}
	if err := executed(t.Context(), conn, roomOfAll[1]+" ON CONFLICT DO NOTHING"); err != nil {
		t.Fatal(err)
	}
	const many = 10_000
	if list, err := s.MutateComponents(t.Context(), manyIDs(many), enable); err != nil || len(list) != many {
		t.Fatalf("%d nodes were written, %v", len(list), err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	// A process of the database has told what it read when it is gone.
	for others := 1; others > 0; {
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()").Scan(&others); err != nil {
			t.Fatal(err)
		}
	}
	var read int64
	if err := conn.QueryRow(t.Context(), "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relid = 'components'::regclass").Scan(&read); err != nil {
		t.Fatal(err)
	}
	if read >= many {
		t.Errorf("%d rows were read by going through the whole table", read)
	}
}
