//go:build cgo

package sqlite

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mattn/go-sqlite3"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// TestADatabaseOnAShareWithoutLocksIsToldWithTheWayOut: on NFS SQLite says "locking
// protocol", which says nothing to anybody.
func TestADatabaseOnAShareWithoutLocksIsToldWithTheWayOut(t *testing.T) {
	err := troubled(fmt.Errorf("open bos.db: %w", sqlite3.Error{Code: sqlite3.ErrProtocol}))
	if TroubleOf(err) != tables.Failing || !strings.Contains(err.Error(), "a share of the network") || !strings.Contains(err.Error(), "another disk") {
		t.Errorf("%v", err)
	}
}
