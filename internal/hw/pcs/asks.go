package pcs

import (
	"context"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// firstGap and lastGap are the pauses between two requests while there is
	// always somebody waiting: nodes report one by one, and each report asks.
	firstGap = 25 * time.Millisecond
	lastGap  = 200 * time.Millisecond
)

// asks gathers the questions of many callers into few requests: what comes
// while one is out, or in the pause after it, goes out together.
type asks struct {
	// ask asks for the nodes; it answers for each.
	ask func(ctx context.Context, ids []string) map[string]bos.PowerReading
	// first and last bound the pause.
	first, last time.Duration

	mu sync.Mutex
	// next gathers for the request after the one that is out.
	next *round
	// running says that somebody sends rounds.
	running bool
	gap     time.Duration
}

// round is one request, however many chunks it takes.
type round struct {
	ids  []string
	done chan struct{}
	// answers are there once done is closed.
	answers map[string]bos.PowerReading
}

// add puts nodes into the next round and sees to it that it is sent.
func (a *asks) add(ctx context.Context, ids []string) *round {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil {
		a.next = &round{done: make(chan struct{})}
	}
	r := a.next
	r.ids = append(r.ids, ids...)
	if !a.running {
		a.running, a.gap = true, a.first
		go a.send(detached(ctx))
	}
	return r
}

// send sends rounds until a pause passes without a new question.
func (a *asks) send(ctx context.Context) {
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
		r.answers = a.ask(ctx, distinct(r.ids))
		close(r.done)
		pause.Reset(gap)
	}
}
