package service

import (
	"context"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

// countingStore counts the passes of the engine that wrote components.
type countingStore struct {
	*sqlite.Store
	mu      sync.Mutex
	commits int
}

func (s *countingStore) Commit(ctx context.Context, c bos.Commit) (bos.Committed, error) {
	if len(c.Components) > 0 {
		s.mu.Lock()
		s.commits++
		s.mu.Unlock()
	}
	return s.Store.Commit(ctx, c)
}

func TestWhatHappensAtOnceIsOneCommit(t *testing.T) {
	inWorld(t, 60, func(t *testing.T, w *world) {
		w.end()
		counting := &countingStore{Store: w.store}
		w.config.Store = counting
		w.start()
		w.session("s", "boot", "t", "")
		if s := w.complete("s"); s.PercentSuccessful != 100 {
			t.Errorf("%+v", s)
		}
		// They are set up; their token is stored, with their power or after
		// it; they are powered on; and they report, all at one time.
		if got := counting.commits; got > 4 {
			t.Errorf("60 nodes that did the same at the same times took %d commits", got)
		}
	})
}
