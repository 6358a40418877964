// Package gather turns the questions of many callers about single nodes into
// few requests: what comes while one is out, or in the pause after it, goes out
// together. Nodes report one by one, and each report makes the engine ask. What
// a request looks like is the business of the adapters.
package gather

import (
	"context"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// firstGap and lastGap are the pauses between two requests while there is
	// always somebody waiting.
	firstGap = 10 * time.Millisecond
	lastGap  = 200 * time.Millisecond
	// slowGap bounds the pause after an answer that took long: it is as long as that
	// took, so that who is slow is not asked all the time.
	slowGap = 2 * time.Second
)

// Asks gathers questions about nodes that are answered with an A each. It is
// safe for concurrent use.
type Asks[A any] struct {
	ask func(ctx context.Context, ids []string) map[string]A
	// first and last bound the pause.
	first, last time.Duration

	mu sync.Mutex
	// next gathers for the request after the one that is out.
	next *round[A]
	// running says that somebody sends rounds.
	running bool
	gap     time.Duration
}

// round is one request.
type round[A any] struct {
	ids  []string
	done chan struct{}
	// answers are there once done is closed.
	answers map[string]A
}

// New gathers for ask, which answers for each of the nodes, none twice among
// them. Its context outlives the callers': others wait for the same answer.
func New[A any](ask func(ctx context.Context, ids []string) map[string]A) *Asks[A] {
	return &Asks[A]{ask: ask, first: firstGap, last: lastGap}
}

// Pausing sets the shortest and the longest pause between two requests; it is
// called before the first question.
func (a *Asks[A]) Pausing(first, last time.Duration) *Asks[A] {
	a.first, a.last = first, last
	return a
}

// WithoutPauses makes requests follow each other at once, for tests.
func (a *Asks[A]) WithoutPauses() { a.Pausing(0, 0) }

// Waiting is how many nodes wait for the next request, for tests.
func (a *Asks[A]) Waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil {
		return 0
	}
	return len(a.next.ids)
}

// Ask asks about the nodes, together with what others ask. The answers are
// shared: they may hold more nodes, and nobody may change them. The error is
// that of ctx, if it ends before they are there.
func (a *Asks[A]) Ask(ctx context.Context, ids []string) (map[string]A, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := a.add(ctx, ids)
	select {
	case <-r.done:
		return r.answers, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// add puts nodes into the next round and sees to it that it is sent.
func (a *Asks[A]) add(ctx context.Context, ids []string) *round[A] {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil {
		a.next = &round[A]{done: make(chan struct{})}
	}
	r := a.next
	r.ids = append(r.ids, ids...)
	if !a.running {
		a.running, a.gap = true, a.first
		go a.send(context.WithoutCancel(ctx))
	}
	return r
}

// send sends rounds until a pause passes without a new question.
func (a *Asks[A]) send(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		<-pause.C
		a.mu.Lock()
		r := a.next
		a.next = nil
		if r == nil {
			a.running = false
			a.mu.Unlock()
			return
		}
		gap := a.gap
		a.gap = min(2*a.gap, a.last)
		a.mu.Unlock()
		began := time.Now()
		r.answers = a.ask(ctx, bos.Distinct(r.ids))
		close(r.done)
		pause.Reset(max(gap, min(time.Since(began), slowGap)))
	}
}
