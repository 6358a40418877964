package sqlite

import (
	"os"
	"path/filepath"
	"testing"
)

// blockBackup puts a folder that is not empty where a file is to be made.
func blockBackup(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
}
