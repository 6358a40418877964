package postgres_test

import (
	"os"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/storetest"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv(stops); dsn != "" {
		os.Exit(stopInTheMiddle(dsn))
	}
	os.Exit(postgrestest.Main(m))
}

func open(t *testing.T, dsn string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fresh(t *testing.T) *postgres.Store {
	t.Helper()
	s := open(t, postgrestest.New(t))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	postgrestest.Skip(t)
	storetest.Run(t, func(t *testing.T) bos.Store { return fresh(t) })
}

func TestHostBoots(t *testing.T) {
	postgrestest.Skip(t)
	storetest.RunHostBoots(t, func(t *testing.T) storetest.HostBootStore { return fresh(t) })
}

// TestStoreWithoutPreparedStatements is what reads and writes each kind of value, as it is
// behind PgBouncer, where the guide has default_query_exec_mode=exec in the connection string.
func TestStoreWithoutPreparedStatements(t *testing.T) {
	postgrestest.Skip(t)
	storetest.RunSome(t, func(t *testing.T) bos.Store {
		s := open(t, postgrestest.New(t)+"&default_query_exec_mode=exec")
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}, "many records are written as each alone is", "filters are combined, and pages follow each other", "a document is the record as the API shows it",
		"a session and its components change together", "history is listed by id, session and component", "tokens are known as soon as their commit returns")
}
