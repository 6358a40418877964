package tables_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// A database that fails over may go on without its last lease. The one that is given next
// must not have its fence: who had the one that was lost could commit under it.
func TestALeaseThatIsGivenAgainHasAnotherFence(t *testing.T) {
	fences := make(map[int64]bool)
	const given = 2 // which are the same once in a million runs
	for range given {
		s := inSQLite(t).open()
		lease, err := s.Lease(t.Context(), "one", time.Time{}, bos.Lease{})
		if err != nil {
			t.Fatal(err)
		}
		fences[lease.Fence] = true
	}
	if len(fences) != given {
		t.Errorf("%d leases that follow the same one have the fences %v", given, fences)
	}
}
