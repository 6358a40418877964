package api

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

// replicated, in the environment, has all tests of the API run against three services that
// share one PostgreSQL, with each request to the next of them.
const replicated = "BOS_TEST_REPLICAS"

// replicas is how many they are.
const replicas = 3

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// openStores opens a database for one service, or for all that share it.
func openStores(t *testing.T) (stores []bos.Store) {
	t.Helper()
	closes := func(s interface {
		bos.Store
		Close() error
	}, err error,
	) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		stores = append(stores, s)
	}
	if os.Getenv(replicated) == "" {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bos.db"))
		closes(s, err)
		return stores
	}
	dsn := records.New(t)
	for range replicas {
		s, err := postgres.Open(t.Context(), dsn)
		closes(s, err)
	}
	return stores
}

// records are databases with the tables of a service.
var records = postgrestest.Pool{Make: func(ctx context.Context, dsn string) error {
	s, err := postgres.Open(ctx, dsn)
	if err != nil {
		return err
	}
	return s.Close()
}}
