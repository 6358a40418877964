package pcs

import (
	"runtime"
	"time"
)

// SetClock makes the client measure transitions by another clock, and ask
// without pauses.
func (c *Client) SetClock(now func() time.Time) {
	c.errands.now = now
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
