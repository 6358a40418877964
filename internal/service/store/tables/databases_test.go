package tables_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// database is one that is empty at first.
type database struct {
	// open is one more process that has it open.
	open func() *tables.Store
	// number lets tokens be numbered after those that are there; empty where they are by
	// themselves.
	number string
}

// inBoth runs a test in a database of each kind.
func inBoth(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, inSQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, inPostgres(t)) })
}

func inSQLite(t *testing.T) database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bos.db")
	return database{open: func() *tables.Store {
		s, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		return closed(t, s.Store, s.Close)
	}}
}

func inPostgres(t *testing.T) database {
	t.Helper()
	dsn := postgrestest.New(t)
	return database{number: "SELECT setval(pg_get_serial_sequence('tokens', 'id'), (SELECT MAX(id) FROM tokens))", open: func() *tables.Store {
		s, err := postgres.Open(t.Context(), dsn)
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
