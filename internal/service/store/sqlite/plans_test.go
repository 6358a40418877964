package sqlite

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// plan is how SQLite reads what a query asks for.
func plan(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	return steps(t, s.read, query, args...)
}

func TestOldActualStatesAreFoundWithoutReadingAllRecords(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "bos.db"))
	for _, after := range []string{"", "x1"} {
		where, args, err := conditions(bos.ComponentFilter{Unconfirmed: time.Unix(1e9, 0), After: after})
		if err != nil {
			t.Fatal(err)
		}
		got := plan(t, s, componentColumns+where+" ORDER BY id LIMIT 10", args...)
		if !strings.Contains(got, "components_confirmed") {
			t.Errorf("after %q they are found by\n%s", after, got)
		}
	}
}

// TestAnUpgradeUnpacksEachListOnce: once for each node of the list, a session of tens of
// thousands would keep the service away for hours.
func TestAnUpgradeUnpacksEachListOnce(t *testing.T) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	db, err := sql.Open(driverName, dataSource(filepath.Join(t.TempDir(), "bos.db"), false))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	unpacked := 0
	for _, file := range files {
		text, err := migrations.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for statement := range strings.SplitSeq(string(text), ";\n") {
			if strings.Contains(statement, "json_each(") {
				unpacked++
				if got := steps(t, db, statement); !strings.HasPrefix(got, "SCAN s\nSCAN m VIRTUAL TABLE") {
					t.Errorf("%s unpacks lists by\n%s", file, got)
				}
			}
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
	}
	if unpacked == 0 {
		t.Error("no migration unpacks a list")
	}
}

// steps is how SQLite carries a statement out.
func steps(t *testing.T, db *sql.DB, statement string, args ...any) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	err = eachRow(rows, func(row scanner) error {
		var id, parent, unused int
		var step string
		err := row.Scan(&id, &parent, &unused, &step)
		all.WriteString(step + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
