package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// TestAStatementThatWasEndedIsToldAsWhatItIs: the database has one code for those that took too
// long and for those that somebody ended, and none of both is another process that writes.
func TestAStatementThatWasEndedIsToldAsWhatItIs(t *testing.T) {
	t.Parallel()
	const failing = `CREATE FUNCTION ended() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''Anweisung wird abgebrochen'' USING ERRCODE = ''57014''; END';
CREATE TRIGGER ended BEFORE INSERT ON templates FOR EACH ROW EXECUTE FUNCTION ended()`
	for name, test := range map[string]struct {
		parameters string
		first      []string
		// then is sent when the read waits for a table.
		then string
		want []string
	}{
		"a statement that takes too long": {parameters: "&statement_timeout=100ms", first: []string{"BEGIN", "LOCK TABLE templates"}, want: []string{"due to statement timeout", "statement_timeout"}},
		"one that an administrator ended": {
			first: []string{"BEGIN", "LOCK TABLE templates"},
			then:  "SELECT pg_cancel_backend(pid) FROM pg_locks WHERE relation = 'templates'::regclass AND NOT granted", want: []string{"due to user request", "pg_cancel_backend"},
		},
		"one of which it is told in another language": {first: []string{failing}, want: []string{"Anweisung", "statement_timeout", "pg_cancel_backend"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := postgrestest.New(t)
			s := open(t, dsn+test.parameters)
			defer s.Close() //nolint:errcheck // the test is over
			conn, err := pgx.Connect(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context()) //nolint:errcheck // the test is over
			if err := executed(t.Context(), conn, test.first...); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() {
				_, err := s.Templates(t.Context(), bos.AllTenants())
				if err == nil {
					err = s.PutTemplate(t.Context(), bos.SessionTemplate{Name: "x"})
				}
				ended <- err
			}()
			for waits := test.then == ""; !waits; {
				if err := conn.QueryRow(t.Context(), "SELECT COALESCE(bool_or(c), false) FROM ("+strings.Replace(test.then, "(pid)", "(pid) AS c", 1)+") AS l").Scan(&waits); err != nil {
					t.Fatal(err)
				}
			}
			err = <-ended
			if err == nil || strings.Contains(err.Error(), "middle of a write") {
				t.Fatalf("it ended with %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("it ended with %v, without %q", err, want)
				}
			}
		})
	}
}
