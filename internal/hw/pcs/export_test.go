package pcs

import (
	"context"
	"runtime"
	"time"
)

// SetClock makes the client measure transitions by another clock, which its pauses
// move on, and ask without pauses.
func (c *Client) SetClock(now func() time.Time, pass func(time.Duration)) {
	c.errands.now = now
	c.pause = func(_ context.Context, d time.Duration) bool {
		pass(d)
		return true
	}
	c.asks.WithoutPauses()
}

// MaxTransition and MaxQuestion are the bounds of one request.
const (
	MaxTransition = maxTransition
	MaxQuestion   = maxQuestion
)

// AwaitQuestions returns when n nodes wait for the next request.
func (c *Client) AwaitQuestions(n int) {
	for c.asks.Waiting() < n {
		runtime.Gosched()
	}
}
