package sqlite

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

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
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		all.WriteString(step + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}
