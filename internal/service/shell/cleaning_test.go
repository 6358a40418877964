package shell

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// slowStore lists sessions when it is let, and counts how often it was asked to.
type slowStore struct {
	Store
	asked atomic.Int32
	let   chan struct{}
}

func (s *slowStore) Sessions(context.Context, bos.SessionFilter, time.Time) ([]bos.SessionRecord, error) {
	s.asked.Add(1)
	<-s.let
	return nil, nil
}

// Tidy has nothing to do.
func (*slowStore) Tidy(context.Context, int64) error { return nil }

func TestACleaningThatTakesLongIsNotBegunASecondTime(t *testing.T) {
	store := &slowStore{let: make(chan struct{})}
	s := New(Config{Ports: Ports{Store: store}})
	for range 3 {
		s.clean(t.Context(), &engine.Clean{Sessions: time.Hour})
	}
	store.let <- struct{}{}
	s.calls.wait(never)
	if n := store.asked.Load(); n != 1 {
		t.Errorf("%d cleanings ran at once", n)
	}
	s.clean(t.Context(), &engine.Clean{Sessions: time.Hour})
	store.let <- struct{}{}
	s.calls.wait(never)
	if n := store.asked.Load(); n != 2 {
		t.Errorf("after one has ended there were %d", n)
	}
}
