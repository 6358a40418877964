package tables_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestTheKeyOfNodeTokensIsMadeOnceAndKept(t *testing.T) {
	for name, empty := range kinds {
		t.Run(name, func(t *testing.T) {
			d := empty(t)
			s := d.open()
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
			kept, err := d.open().NodeKey(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range keys {
				if !bytes.Equal(key, kept) || len(key) != bos.NodeKeySize {
					t.Errorf("%d bytes, or another key than %d bytes", len(key), len(kept))
				}
			}
			if key, err := empty(t).open().NodeKey(t.Context()); err != nil || bytes.Equal(key, kept) {
				t.Errorf("another database has the same key (%v)", err)
			}
		})
	}
}
