package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// columns lists what a query finds, but for what only one database needs.
func columns(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		if table != "turn" && table != "goose_db_version" && !strings.HasPrefix(table, "sqlite_") {
			list = append(list, table+"."+column)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// TestBothDatabasesHaveTheSameColumns: a change of the tables is two migrations.
func TestBothDatabasesHaveTheSameColumns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	lite, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer lite.Close() //nolint:errcheck // the test is over
	db, err := sql.Open(liteDriver(t), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	want := columns(t, db, "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'")
	dsn := postgrestest.New(t)
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	other := stdlib.OpenDB(*config)
	defer other.Close() //nolint:errcheck // the test is over
	got := columns(t, other, "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()")
	if !slices.Equal(got, want) {
		t.Errorf("PostgreSQL has\n%s\nSQLite has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// liteDriver is the driver of SQLite that this program is built with.
func liteDriver(t *testing.T) string {
	t.Helper()
	for _, name := range sql.Drivers() {
		if strings.HasPrefix(name, "sqlite") {
			return name
		}
	}
	t.Fatal("there is no driver of SQLite")
	return ""
}

// TestBothDatabasesHaveTheSameMigrationsFromTheFirstThatBothHave.
func TestBothDatabasesHaveTheSameMigrationsFromTheFirstThatBothHave(t *testing.T) {
	numbers := func(of string) (list []string) {
		entries, err := os.ReadDir("../" + of + "/migrations")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			number, _, _ := strings.Cut(e.Name(), "_")
			list = append(list, number)
		}
		return list
	}
	got, want := numbers("postgres"), numbers("sqlite")
	if len(got) == 0 || !slices.Equal(got, want[slices.Index(want, got[0]):]) {
		t.Errorf("PostgreSQL has the migrations %v, SQLite has %v", got, want)
	}
}

func TestOfManyProcessesThatStartOnAnEmptyDatabaseEachFindsItReady(t *testing.T) {
	dsn := postgrestest.New(t)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			s, err := postgres.Open(t.Context(), dsn)
			if err != nil {
				t.Errorf("process %d: %v", i, err)
				return
			}
			_, key := s.NodeKey(t.Context())
			if err := s.Close(); err != nil || key != nil {
				t.Error(fmt.Errorf("process %d: %w, %w", i, err, key))
			}
		})
	}
	all.Wait()
}

// TestADatabaseIsNotUpgradedUnderAServiceThatIsAlive: what an older program writes may not be
// what the newer reads.
func TestADatabaseIsNotUpgradedUnderAServiceThatIsAlive(t *testing.T) {
	dsn := postgrestest.New(t)
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close() //nolint:errcheck // the test is over
	// It has a version less than this program.
	if _, err := db.ExecContext(t.Context(), "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		for at := time.Unix(0, 1); ctx.Err() == nil; at = at.Add(time.Second) {
			if _, err := s.Lease(context.WithoutCancel(ctx), "alive", at, bos.Lease{}); err != nil {
				t.Error(err)
			}
		}
	}()
	newer, err := postgres.Open(t.Context(), dsn)
	if err == nil {
		_ = newer.Close()
	}
	if tables.TroubleOf(err) != tables.InUse || !strings.Contains(err.Error(), "stop all services") {
		t.Errorf("it was opened with %v", err)
	}
	stop()
	<-renewed
}

// TestAProgramWritesNothingIntoADatabaseThatANewerOneHasUpgraded: it was suspended, or stood
// by, while the tables were upgraded.
func TestAProgramWritesNothingIntoADatabaseThatANewerOneHasUpgraded(t *testing.T) {
	dsn := postgrestest.New(t)
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	lease, err := s.Lease(t.Context(), "old", time.Unix(0, 1), bos.Lease{})
	if err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close() //nolint:errcheck // the test is over
	if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) SELECT max(version_id) + 1, true FROM goose_db_version"); err != nil {
		t.Fatal(err)
	}
	_, renewal := s.Lease(t.Context(), "old", time.Unix(0, 2), bos.Lease{})
	_, commit := s.Commit(t.Context(), bos.Commit{Fence: lease.Fence, Events: []bos.Event{{Kind: "k"}}})
	_, pause := s.MutateSitePause(t.Context(), func(b *bos.Brake) error { *b = bos.NewBrake("r", "", time.Unix(0, 3)); return nil })
	for what, err := range map[string]error{"a renewal of the lease": renewal, "a commit of the engine": commit, "a pause": pause, "a look whether it takes writes": s.Ping(t.Context())} {
		if !errors.Is(err, bos.ErrOutdated) || tables.TroubleOf(err) != tables.Newer || !strings.Contains(err.Error(), "start the newer program") {
			t.Errorf("%s ends with %v", what, err)
		}
	}
	if newer, err := postgres.Open(t.Context(), dsn); err == nil || tables.TroubleOf(err) != tables.Newer {
		_ = newer.Close()
		t.Errorf("it is opened again with %v", err)
	}
}
