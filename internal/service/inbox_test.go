package service

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

func TestAnAnswerToAnEarlierEngineIsDropped(t *testing.T) {
	b := newInbox()
	see := func(id string) func(*engine.Inputs) {
		return func(in *engine.Inputs) { in.Readings = append(in.Readings, bos.PowerReading{ID: id}) }
	}
	first := b.begin()
	b.put(first, see("before"))
	second := b.begin()
	b.put(first, see("late"))
	b.put(second, see("a"))
	b.put(second, see("b"))
	in := engine.Inputs{Readings: []bos.PowerReading{{ID: "first"}}}
	b.take(&in)
	b.take(&in)
	var ids []string
	for _, r := range in.Readings {
		ids = append(ids, r.ID)
	}
	if want := []string{"first", "a", "b"}; !slices.Equal(ids, want) {
		t.Errorf("took %v, want %v", ids, want)
	}
}

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
