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
