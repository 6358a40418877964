package service

import (
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// clock is the service's, kept by the runner and read by the API. What it knows of
// monotonic time is time.Since.
type clock struct {
	mu    sync.Mutex
	began time.Time
	engine.Clock
}

// resume starts it, or starts it again where it stood.
func (c *clock) resume(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began = time.Now()
	c.Resume(at, 0, c.began)
}

func (c *clock) now() (time.Time, engine.Times) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	return c.Now(now.Sub(c.began), now)
}

// when is what the clock showed at a time that time.Now told.
func (c *clock) when(t time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.When(t.Sub(c.began))
}
