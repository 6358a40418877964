package provider

import (
	"context"
	"math/rand/v2"
	"time"
)

// firstPause is the pause after the first poll; each later one is twice as
// long, up to the poll interval.
const firstPause = 200 * time.Millisecond

// waiter polls something until it is done.
type waiter struct {
	// after is the clock, chance a number from 0 up to 1.
	after  func(time.Duration) <-chan time.Time
	chance func() float64
	// interval is the longest pause between two polls.
	interval time.Duration
	// news, where there is any, says that another poll is worth it now. It
	// may be nil.
	news <-chan struct{}
}

func newWaiter(after func(time.Duration) <-chan time.Time, interval time.Duration, news <-chan struct{}) waiter {
	return waiter{after: after, chance: rand.Float64, interval: interval, news: news}
}

// until calls poll until it reports done or ctx ends: at once, then with
// growing pauses up to the interval, and whenever there is news. It returns
// whether poll reported done.
func (w waiter) until(ctx context.Context, poll func(context.Context) bool) bool {
	for pause := min(firstPause, w.interval); ; pause = min(2*pause, w.interval) {
		if ctx.Err() != nil {
			return false
		}
		if poll(ctx) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-w.news:
		case <-w.after(w.jittered(pause)):
		}
	}
}

// jittered makes the pause up to a fifth shorter, so that many waits that began
// together do not go on in step.
func (w waiter) jittered(pause time.Duration) time.Duration {
	return pause - time.Duration(w.chance()*float64(pause)/5)
}
