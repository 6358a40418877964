package postgres_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// swept tells when the database was swept up.
type swept struct{ ends chan error }

type sweeping struct{}

// TraceQueryStart notes a sweep.
func (s *swept) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, sweeping{}, strings.HasPrefix(data.SQL, "VACUUM"))
}

// TraceQueryEnd tells of its end.
func (s *swept) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if is, _ := ctx.Value(sweeping{}).(bool); is {
		s.ends <- data.Err
	}
}

// unswept is a database in a server that no other test uses, whose tables nobody sweeps up but
// a store: rows that a transaction of another test may still see are not visible to all.
func unswept(t *testing.T) (dsn string) {
	t.Helper()
	postgrestest.Skip(t)
	server, err := postgrestest.Start(append(slices.Clone(postgrestest.Settings), "autovacuum=off")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() }) // the test is over
	return server.Schema(t)
}

// TestALargeWriteIsSweptUpBehind: the nodes of a session that was written just now are
// counted from an index alone.
func TestALargeWriteIsSweptUpBehind(t *testing.T) {
	dsn := unswept(t)
	s := &swept{make(chan error, 100)}
	store, err := postgres.OpenTraced(t.Context(), dsn, s)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // the test is over
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	_, err = store.MutateComponents(t.Context(), manyIDs(2000), func(r *bos.Record, _ bool) error { r.Session = allNodes; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := <-s.ends; err != nil {
		t.Fatal(err)
	}
	var visible, known int64
	if err := conn.QueryRow(t.Context(), "SELECT relallvisible, reltuples::bigint FROM pg_class WHERE oid = 'components'::regclass").Scan(&visible, &known); err != nil {
		t.Fatal(err)
	}
	if visible == 0 || known != 2000 {
		t.Errorf("%d pages are visible to all, and %d records are known", visible, known)
	}
	got := strings.Join(plan(t, conn, tracedStatement{"SELECT status, phase, enabled, COUNT(*) FROM components WHERE session = $1 GROUP BY status, phase, enabled", []any{allNodes}}), "\n")
	if !strings.Contains(got, "Index Only Scan using components_session") {
		t.Errorf("they are counted by\n%s", got)
	}
}
