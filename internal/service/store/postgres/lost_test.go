package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// signs tells of each sign of life that was not answered.
type signs chan struct{}

type sign struct{}

func (signs) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if data.SQL == "SELECT 1" {
		return context.WithValue(ctx, sign{}, true)
	}
	return ctx
}

func (s signs) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if ctx.Value(sign{}) != nil && data.Err != nil {
		s <- struct{}{}
	}
}

// TestAWriteSaysWhyItsConnectionWasLost, whoever finds that out: what is sent ahead, and what
// a transaction says of itself while it computes. Nothing of it is made, others write before
// that is found out, and so does the next write when the link is mended.
func TestAWriteSaysWhyItsConnectionWasLost(t *testing.T) {
	t.Parallel()
	postgrestest.Skip(t)
	server, err := postgrestest.Start(postgrestest.Settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() }) // the test is over
	for name, write := range map[string]func(t *testing.T, s *postgres.Store, direct string, silence func(), unanswered signs) error{
		"what is sent ahead": func(t *testing.T, s *postgres.Store, direct string, silence func(), _ signs) error {
			triggered(t, direct, "PERFORM pg_advisory_xact_lock(4711);")
			conn, err := pgx.Connect(t.Context(), direct)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context()) //nolint:errcheck // the test is over
			if err := executed(t.Context(), conn, "SELECT pg_advisory_lock(4711)"); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() {
				_, err := s.MutateComponents(t.Context(), manyIDs(20_000), enable)
				ended <- err
			}()
			for waits := false; !waits; {
				if err := conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted)").Scan(&waits); err != nil {
					t.Fatal(err)
				}
			}
			silence()
			if err := executed(t.Context(), conn, "SELECT pg_advisory_unlock(4711)"); err != nil {
				t.Fatal(err)
			}
			return <-ended
		},
		"a sign of life": func(t *testing.T, s *postgres.Store, _ string, silence func(), unanswered signs) error {
			_, err := s.MutateComponents(t.Context(), []string{"x"}, func(r *bos.Record, exists bool) error {
				silence()
				<-unanswered
				return enable(r, exists)
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			link, err := postgrestest.Connect(server)
			if err != nil {
				t.Fatal(err)
			}
			defer link.Close() //nolint:errcheck // the test is over
			direct := server.Schema(t)
			dsn, err := postgrestest.Through(direct, link)
			if err != nil {
				t.Fatal(err)
			}
			unanswered := make(signs, 100)
			s, err := postgres.OpenTraced(t.Context(), dsn, unanswered)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // the test is over
			other := open(t, direct)
			defer other.Close() //nolint:errcheck // the test is over
			err = write(t, s, direct, link.Silence, unanswered)
			if tables.TroubleOf(err) != tables.Away || !strings.Contains(err.Error(), "did not answer in time") {
				t.Errorf("a write whose link fell silent: %v", err)
			}
			if _, err := other.MutateComponents(t.Context(), []string{"y"}, enable); err != nil {
				t.Errorf("a write of another process: %v", err)
			}
			link.Mend()
			if _, err := s.MutateComponents(t.Context(), []string{"z"}, enable); err != nil {
				t.Errorf("the next write: %v", err)
			}
			if list, err := s.Components(t.Context(), bos.ComponentFilter{}); err != nil || len(list) != 2 {
				t.Errorf("there are %d components, want those of the two writes that were made: %v", len(list), err)
			}
		})
	}
}

func enable(r *bos.Record, _ bool) error { r.Enabled = true; return nil }
