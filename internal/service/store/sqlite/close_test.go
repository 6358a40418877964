package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// A database that was closed is one file, which may be copied.
func TestAClosedDatabaseIsOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	s := open(t, path)
	if _, err := s.Commit(t.Context(), bos.Commit{Components: []bos.Record{{Component: bos.Component{ID: "x1c0s0b0n0"}}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Components(t.Context(), bos.ComponentFilter{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(path + "-*"); err != nil || len(left) > 0 {
		t.Errorf("beside it there are %v, %v", left, err)
	}
}
