package sqlite_test

import (
	"path/filepath"
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

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) bos.Store {
		s := open(t, filepath.Join(t.TempDir(), "bos.db"))
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	})
}

func TestWhatWasCommittedIsThereAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	s := open(t, path)
	var r bos.Record
	r.ID, r.Work.Cause = "x1c0s0b0n0", bos.CauseBootTimeout
	if _, err := s.Commit(t.Context(), bos.Commit{Components: []bos.Record{r}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close() //nolint:errcheck // the test is over
	list, err := s.Components(t.Context(), bos.ComponentFilter{})
	if err != nil || len(list) != 1 || list[0].Work.Cause != bos.CauseBootTimeout || list[0].Revision != 1 {
		t.Errorf("records %+v, error %v", list, err)
	}
}
