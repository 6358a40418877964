package provider

import (
	"context"
	"time"
)

// firstPause is the pause after the first look; each later one is twice as
// long, up to the poll interval.
const firstPause = 200 * time.Millisecond

// poll calls look until it reports done or ctx ends: at once, and then with
// growing pauses up to interval. It returns whether look reported done. after
// is the clock.
func poll(ctx context.Context, after func(time.Duration) <-chan time.Time, interval time.Duration, look func(context.Context) bool) bool {
	for next := min(firstPause, interval); ; next = min(2*next, interval) {
		if ctx.Err() != nil {
			return false
		}
		if look(ctx) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-after(next):
		}
	}
}
