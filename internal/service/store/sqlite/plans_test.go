package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// plan is how SQLite reads what a query asks for.
func plan(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	var steps strings.Builder
	err := s.each(t.Context(), func(row scanner) error {
		var id, parent, unused int
		var step string
		err := row.Scan(&id, &parent, &unused, &step)
		steps.WriteString(step + "\n")
		return err
	}, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return steps.String()
}

func TestOldActualStatesAreFoundWithoutALookAtAllRecords(t *testing.T) {
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
