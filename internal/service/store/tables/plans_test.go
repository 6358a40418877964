package tables_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

func TestOldActualStatesAreFoundWithoutReadingAllRecords(t *testing.T) {
	s := inSQLite(t).open()
	for _, after := range []string{"", "x1"} {
		query, args, err := tables.Query(bos.ComponentFilter{Unconfirmed: time.Unix(1e9, 0), After: after})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Plan(t.Context(), query, args...)
		if err != nil || !strings.Contains(got, "components_confirmed") {
			t.Errorf("after %q they are found by\n%s, %v", after, got, err)
		}
	}
}
