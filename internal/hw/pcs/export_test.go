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
	c.pause = func(_ context.Context, d time.Duration, _ <-chan struct{}) bool {
		pass(d)
		return true
	}
	c.asks.WithoutPauses()
}

// WaitForNews makes the client's pauses end with news only, and calls paused before each.
func (c *Client) WaitForNews(paused func()) {
	c.pause = func(ctx context.Context, _ time.Duration, news <-chan struct{}) bool {
		paused()
		select {
		case <-news:
			return true
		case <-ctx.Done():
			return false
		}
	}
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
