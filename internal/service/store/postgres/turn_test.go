package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// TestWhatWaitsInOneProcessLetsOthersHaveTheirTurn has writes wait in one process of which
// each takes longer than others are to wait: they are not all of one transaction, for which the others would wait.
func TestWhatWaitsInOneProcessLetsOthersHaveTheirTurn(t *testing.T) {
	var transactions, jobs atomic.Int64
	s, err := postgres.Open(t.Context(), postgrestest.New(t), postgres.TurnTime(1), postgres.Wrote(func(of tables.Transaction) {
		transactions.Add(1)
		jobs.Add(int64(of.Jobs))
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	const writers = 4
	first, queued := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	write := func(n int) {
		_, err := s.MutateTemplate(t.Context(), "", fmt.Sprint("t", n), func(*bos.SessionTemplate, bool) error {
			if n == 0 {
				close(first)
				<-queued
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	all.Go(func() { write(0) })
	<-first
	for n := 1; n < writers; n++ {
		all.Go(func() { write(n) })
	}
	for s.Queue() < writers-1 {
		<-time.After(time.Millisecond)
	}
	close(queued)
	all.Wait()
	if list, err := s.Templates(t.Context(), bos.AllTenants()); err != nil || len(list) != writers {
		t.Error(list, err)
	}
	if transactions.Load() < writers || jobs.Load() < writers {
		t.Errorf("%d writes are %d transactions of %d", writers, transactions.Load(), jobs.Load())
	}
}

// TestAWriteIsAnsweredWhenItsTransactionIsOver, and not behind all that waited with it, each
// of which may wait for other services: a lease that was renewed would run out unseen.
func TestAWriteIsAnsweredWhenItsTransactionIsOver(t *testing.T) {
	s, err := postgres.Open(t.Context(), postgrestest.New(t), postgres.TurnTime(1))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	answered := make(chan error, 3)
	bound, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	var ran atomic.Int64
	together(t, s, 3, func(n int) {
		_, err := s.MutateTemplate(t.Context(), "", fmt.Sprint("t", n), func(*bos.SessionTemplate, bool) error {
			if ran.Add(1) == 1 {
				return nil
			}
			select {
			case err := <-answered:
				return err
			case <-bound.Done():
				return errors.New("the one before was not answered")
			}
		})
		if err != nil {
			t.Error(err)
		}
		answered <- err
	})
}

// TestWhatWasRefusedAfterALookUndoesNothingOfOthers: a service that stands by looks at the
// lease four times a second, among what its clients write.
func TestWhatWasRefusedAfterALookUndoesNothingOfOthers(t *testing.T) {
	var transactions atomic.Int64
	s, err := postgres.Open(t.Context(), postgrestest.New(t), postgres.Wrote(func(tables.Transaction) { transactions.Add(1) }))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	if _, err := s.Lease(t.Context(), "other", time.Time{}, bos.Lease{}); err != nil {
		t.Fatal(err)
	}
	var before atomic.Int64
	together(t, s, 9, func(n int) {
		before.CompareAndSwap(0, transactions.Load()+1) // with that which holds them up
		if n%3 == 1 {
			if _, err := s.Lease(t.Context(), "this", time.Time{}, bos.Lease{}); !errors.Is(err, bos.ErrLeaseHeld) {
				t.Error(err)
			}
			return
		}
		_, err := s.MutateTemplate(t.Context(), "", fmt.Sprint("t", n), func(of *bos.SessionTemplate, _ bool) error {
			of.Description = "x"
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	if more := transactions.Load() - before.Load(); more != 1 {
		t.Errorf("what waited together is %d transactions", more)
	}
	if list, err := s.Templates(t.Context(), bos.AllTenants()); err != nil || len(list) != 6 {
		t.Error(list, err)
	}
}

// together has n writes wait behind one.
func together(t *testing.T, s *postgres.Store, n int, write func(n int)) {
	t.Helper()
	first, queued := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_, err := s.MutateOptions(t.Context(), func(*bos.Options) error {
			close(first)
			<-queued
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-first
	for i := range n {
		all.Go(func() { write(i) })
	}
	for s.Queue() < n {
		<-time.After(time.Millisecond)
	}
	close(queued)
	all.Wait()
}
