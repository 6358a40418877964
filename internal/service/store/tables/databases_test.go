package tables_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// database is one that is empty at first.
type database struct {
	// keeping is one more process that has it open, and keeps so much of the history.
	keeping func(most int64, age time.Duration) *tables.Store
	// number lets tokens be numbered after those that are there; empty where they are by
	// themselves.
	number string
}

// open is one more process that has it open.
func (d database) open() *tables.Store {
	return d.keeping(tables.DefaultMaxEvents, tables.DefaultEventAge)
}

// kinds make a database.
var kinds = map[string]func(*testing.T) database{"SQLite": inSQLite, "PostgreSQL": inPostgres}

// inBoth runs a test in a database of each kind.
func inBoth(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	for name, empty := range kinds {
		t.Run(name, func(t *testing.T) { test(t, empty(t)) })
	}
}

func inSQLite(t *testing.T) database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bos.db")
	return database{keeping: func(most int64, age time.Duration) *tables.Store {
		s, err := sqlite.Open(t.Context(), path, sqlite.KeepEvents(most, age))
		if err != nil {
			t.Fatal(err)
		}
		return closed(t, s.Store, s.Close)
	}}
}

func inPostgres(t *testing.T) database {
	t.Helper()
	dsn := postgrestest.New(t)
	return database{number: "SELECT setval(pg_get_serial_sequence('tokens', 'id'), (SELECT MAX(id) FROM tokens))", keeping: func(most int64, age time.Duration) *tables.Store {
		s, err := postgres.Open(t.Context(), dsn, postgres.KeepEvents(most, age))
		if err != nil {
			t.Fatal(err)
		}
		return closed(t, s.Store, s.Close)
	}}
}

// closed closes a store when the test ends.
func closed(t *testing.T, s *tables.Store, end func() error) *tables.Store {
	t.Helper()
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	return s
}
