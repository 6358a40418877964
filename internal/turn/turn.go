// Package turn lets one after the other do what each would wait for under a lock: behind one
// that is held over a question to somebody else, who waits would do so for as long as all
// before him, whatever became of who asked him.
package turn

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Turn is had by one at a time, in the order in which they came. The zero value is free.
type Turn struct {
	once sync.Once
	one  *semaphore.Weighted
}

func (t *Turn) semaphore() *semaphore.Weighted {
	t.once.Do(func() { t.one = semaphore.NewWeighted(1) })
	return t.one
}

// Take waits for the turn. The error is that of the context if it ends before; else Give
// gives it to the next.
func (t *Turn) Take(ctx context.Context) error { return t.semaphore().Acquire(ctx, 1) }

// Try takes the turn where nobody has it, and reports whether it did.
func (t *Turn) Try() bool { return t.semaphore().TryAcquire(1) }

// Give gives it to who has waited for longest.
func (t *Turn) Give() { t.semaphore().Release(1) }
