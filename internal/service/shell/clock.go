package shell

import (
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// clock is the service's: the engine's clock with the times of the runtime.
type clock struct {
	runtime Runtime

	mu sync.Mutex
	engine.Clock
}

// resume starts it, or starts it again where it stood.
func (c *clock) resume(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Resume(at, c.runtime.Mono(), c.runtime.Wall())
}

func (c *clock) now() (time.Time, engine.Times) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Now(c.runtime.Mono(), c.runtime.Wall())
}

// when is what the clock showed at a monotonic time.
func (c *clock) when(mono time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.When(mono)
}
