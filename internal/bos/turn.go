package bos

import (
	"context"
	"slices"
	"sync"
)

// Turn is had by one at a time, in the order in which they came. Who waits for it does so
// until a context ends: behind a lock that is held over a question to somebody else, each
// would wait for as long as all before him. The zero value is free.
type Turn struct {
	mu      sync.Mutex // for as long as this is looked at
	taken   bool
	waiting []chan struct{}
}

// Take waits for the turn. The error is that of the context if it ends before; else Give
// gives it to the next.
func (t *Turn) Take(ctx context.Context) error {
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	t.waiting = append(t.waiting, mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := slices.Index(t.waiting, mine); at >= 0 {
		t.waiting = slices.Delete(t.waiting, at, at+1)
	} else {
		t.next() // it was given just then
	}
	return ctx.Err()
}

// Give gives it to who has waited for longest.
func (t *Turn) Give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next()
}

func (t *Turn) next() {
	if len(t.waiting) == 0 {
		t.taken = false
		return
	}
	close(t.waiting[0])
	t.waiting = t.waiting[1:]
}

// Try takes the turn where nobody has it, and reports whether it did.
func (t *Turn) Try() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.taken
	t.taken = true
	return !was
}

// Waiting is how many wait for it, for tests.
func (t *Turn) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}
