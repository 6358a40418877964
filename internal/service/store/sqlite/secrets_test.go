package sqlite

import (
	"bytes"
	"path/filepath"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestTheKeyOfNodeTokensIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	keys := make([][]byte, 8)
	var asked sync.WaitGroup
	for i := range keys {
		asked.Go(func() {
			var err error
			if keys[i], err = s.NodeKey(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	asked.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close() //nolint:errcheck // the test ends
	kept, err := again.NodeKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if !bytes.Equal(key, kept) || len(key) != bos.NodeKeySize {
			t.Errorf("%d bytes, or another key than %d bytes", len(key), len(kept))
		}
	}
	other, err := Open(t.Context(), filepath.Join(t.TempDir(), "bos.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close() //nolint:errcheck // the test ends
	if key, err := other.NodeKey(t.Context()); err != nil || bytes.Equal(key, kept) {
		t.Errorf("another database has the same key (%v)", err)
	}
}
