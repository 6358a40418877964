package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/storetest"
)

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fresh(t *testing.T) *sqlite.Store {
	t.Helper()
	s := open(t, filepath.Join(t.TempDir(), "bos.db"))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) bos.Store { return fresh(t) })
}

func TestHostBoots(t *testing.T) {
	storetest.RunHostBoots(t, func(t *testing.T) storetest.HostBootStore { return fresh(t) })
}

func TestWhatWasCommittedIsThereAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	s := open(t, path)
	var r bos.Record
	r.ID, r.Work.Cause = "x1c0s0b0n0", bos.CauseBootTimeout
	done, err := s.Commit(t.Context(), bos.Commit{Components: []bos.Record{r}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close() //nolint:errcheck // the test is over
	list, err := s.Components(t.Context(), bos.ComponentFilter{})
	if err != nil || len(list) != 1 || list[0].Work.Cause != bos.CauseBootTimeout || list[0].Revision != done.Revision {
		t.Errorf("records %+v, error %v", list, err)
	}
}

func TestADatabaseThatCannotBeOpenedIsNamed(t *testing.T) {
	dir := t.TempDir()
	noDatabase := filepath.Join(dir, "text.db")
	if err := os.WriteFile(noDatabase, []byte(strings.Repeat("this is no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "no such folder", "bos.db"), noDatabase, dir} {
		s, err := sqlite.Open(t.Context(), path)
		if err == nil {
			_ = s.Close()
			t.Fatalf("%s was opened", path)
		}
		if !strings.Contains(err.Error(), path) {
			t.Errorf("%q does not name %s", err, path)
		}
	}
}
