package postgres_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// TestAProcessThatStopsInTheMiddleOfAnExchangeKeepsNobodyFromWriting: while it takes none of
// an answer, and while a part of what it sends has come, the database waits for it and
// bounds that by none of its own times.
func TestAProcessThatStopsInTheMiddleOfAnExchangeKeepsNobodyFromWriting(t *testing.T) {
	begin := []string{"BEGIN", "SELECT set_config('idle_in_transaction_session_timeout', '3s', true), set_config('statement_timeout', '9s', true)"}
	for name, sends := range map[string]func(f *pgproto3.Frontend){
		"while it is answered": func(f *pgproto3.Frontend) {
			f.Send(&pgproto3.Query{String: "SELECT writer FROM turn FOR UPDATE"})
			f.Send(&pgproto3.Query{String: "SELECT repeat('x', 1000) FROM generate_series(1, 100000)"})
		},
		"while it is next, and no more": func(f *pgproto3.Frontend) {
			f.Send(&pgproto3.Parse{Query: "SELECT pg_advisory_xact_lock(" + postgres.LineOfTurn + ")"})
			f.Send(&pgproto3.Bind{})
			f.Send(&pgproto3.Execute{})
			f.Send(&pgproto3.Parse{Query: "SELECT 1"})
			f.Send(&pgproto3.Flush{})
		},
		"while it sends": func(f *pgproto3.Frontend) {
			f.Send(&pgproto3.Parse{Query: "SELECT writer FROM turn FOR UPDATE"})
			f.Send(&pgproto3.Bind{})
			f.Send(&pgproto3.Execute{})
			f.Send(&pgproto3.Parse{Query: "SELECT 1"})
			f.Send(&pgproto3.Flush{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := postgrestest.New(t)
			said := make(lines, 100)
			s, err := postgres.Open(t.Context(), dsn, postgres.Log(slog.New(slog.NewTextHandler(said, nil))))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // the test is over
			stops, err := pgx.Connect(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer stops.Close(t.Context()) //nolint:errcheck // the test is over
			for _, statement := range begin {
				if _, err := stops.Exec(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			raw, err := stops.PgConn().Hijack()
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Conn.Close() //nolint:errcheck // the test is over
			sends(raw.Frontend)
			if err := raw.Frontend.Flush(); err != nil {
				t.Fatal(err)
			}
			for held := false; !held; {
				held = lockedTurn(t, dsn)
			}
			if _, err := s.MutateOptions(t.Context(), func(o *bos.Options) error { o.PollingFrequency++; return nil }); err != nil {
				t.Error(err)
			}
			for !strings.Contains(<-said, "was disconnected") {
			}
		})
	}
}

// lines are those of a log.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

// lockedTurn reports whether somebody has the turn, or is the next who does.
func lockedTurn(t *testing.T, dsn string) bool {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // it has answered
	var free, next int
	err = conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM (SELECT FROM turn FOR UPDATE SKIP LOCKED) AS t),
(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 'turn'::regclass::oid AND granted)`).Scan(&free, &next)
	if err != nil {
		t.Fatal(err)
	}
	return free == 0 || next > 0
}
