package service

import (
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// arrivals are those of the engine, shared by its runner and the API.
type arrivals struct {
	mu    sync.RWMutex
	clock *clock
	engine.Arrivals
}

// Arrive is called by the API in the transaction of a report.
func (a *arrivals) Arrive(r *bos.Record, wall time.Time) error {
	now, _ := a.clock.now()
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.Arrivals.Arrive(r, now, wall)
}

func (a *arrivals) follow(out engine.Outputs) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Follow(out)
}

// reset forgets all nodes, as a new engine knows none.
func (a *arrivals) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Arrivals = engine.Arrivals{}
}
