package tables

import (
	"context"
	"sync"
	"time"
)

// busyTime is how long the answer to whether the database takes writes is waited for: who
// asks is a load balancer, which takes no answer for one that something is wrong.
const busyTime = time.Second

// asking is a transaction that writes nothing of its own, which all wait for who ask while
// it is under way.
type asking struct {
	mu   sync.Mutex
	done chan struct{} // nil while there is none
	err  error
}

// Writable reports whether the database takes writes, by a transaction that writes nothing
// of its own. While others write for long it is as the last transaction found it.
func (s *Store) Writable(ctx context.Context) error {
	done, failed := s.asking.ask(func() error {
		return s.writer.do(context.WithoutCancel(ctx), func(context.Context, *tx) error { return nil })
	})
	patience := time.NewTimer(busyTime)
	defer patience.Stop()
	select {
	case <-done:
		return failed()
	case <-ctx.Done():
		return ctx.Err()
	case <-patience.C:
		return s.Trouble()
	}
}

// ask joins who asks already, or asks. failed is the answer once done is closed.
func (a *asking) ask(question func() error) (done <-chan struct{}, failed func() error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	failed = func() error {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.err
	}
	if a.done != nil {
		return a.done, failed
	}
	answered := make(chan struct{})
	a.done = answered
	go func() {
		err := question()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.err, a.done = err, nil
		close(answered)
	}()
	return answered, failed
}
