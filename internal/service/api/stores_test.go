package api

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

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
	dsn := emptyDatabase(t)
	for range replicas {
		s, err := postgres.Open(t.Context(), dsn)
		closes(s, err)
	}
	return stores
}

// tables is a database with tables, of which others are copies: that is quicker than to
// make them anew for each test.
var tables struct {
	once sync.Once
	dsn  string
	err  error
	made atomic.Int64
}

// emptyDatabase is one with empty tables.
func emptyDatabase(t *testing.T) string {
	t.Helper()
	postgrestest.Skip(t)
	tables.once.Do(func() {
		tables.dsn, tables.err = in(postgrestest.New(t), "template", "CREATE DATABASE %s")
		if tables.err != nil {
			return
		}
		s, err := postgres.Open(t.Context(), tables.dsn)
		if err == nil {
			err = s.Close()
		}
		tables.err = err
	})
	if tables.err != nil {
		t.Fatal(tables.err)
	}
	dsn, err := in(postgrestest.New(t), fmt.Sprint("copy", tables.made.Add(1)), "CREATE DATABASE %s TEMPLATE template")
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// in makes a database on the server of a connection string, and is that of the new one.
func in(dsn, name, statement string) (string, error) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, fmt.Sprintf(statement, name))
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return "", err
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Del("search_path")
	u.Path, u.RawQuery = "/"+name, q.Encode()
	return u.String(), nil
}
