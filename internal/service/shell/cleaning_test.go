package shell

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
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

// ForgetDeparted has nothing to do either.
func (*slowStore) ForgetDeparted(context.Context, int64, time.Time) error { return nil }

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

// uncountable is a store that cannot count the nodes of a session.
type uncountable struct{ Store }

func (uncountable) SessionTally(context.Context, bos.SessionKey) (bos.Tally, error) {
	return bos.Tally{}, errors.New("a page of it is damaged")
}

func TestASessionThatCannotBeCountedIsInTheLog(t *testing.T) {
	var said bytes.Buffer
	s := New(Config{Ports: Ports{Store: uncountable{}}, Log: slog.New(slog.NewTextHandler(&said, nil))})
	s.start(t.Context(), t.Context(), engine.Outputs{Completions: []bos.SessionRecord{{Session: bos.Session{Name: "s1", Tenant: bos.TenantRef("blue")}}}}, nil)
	s.calls.wait(never)
	for _, word := range []string{"s1", "blue", "a page of it is damaged"} {
		if !strings.Contains(said.String(), word) {
			t.Errorf("the log does not say %q: %s", word, said.String())
		}
	}
}
