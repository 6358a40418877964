package shell

import (
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// vitalsInterval is how often the BMCs are counted.
const vitalsInterval = time.Second

// Vitals are the signs of life of a shell, for whoever asks whether its service is
// well. Ages are by monotonic time, so that a stepped clock makes nobody ill.
type Vitals struct {
	// Drives says that it has the lease and makes passes.
	Drives bool
	// Pass is for how long it has made no pass, in work or not: it makes one at
	// least each feedInterval.
	Pass time.Duration
	// Engine says that there is an engine: none is while the database takes no writes.
	Engine bool
	// InventoryRead says that the inventory was read since the start, Inventory how
	// long ago, and InventoryError why not the last time.
	InventoryRead  bool
	Inventory      time.Duration
	InventoryError string
	// BMCs is how these answered.
	BMCs engine.BMCs
	// Position is how far the feed of the store was read.
	Position int64
	// Fence is the number of the lease that it had last; Acts says that nobody else can
	// have it now.
	Fence int64
	Acts  bool
}

// vitals collects them; passes write and anybody reads.
type vitals struct {
	mu     sync.Mutex
	now    Vitals
	passed time.Duration // when the last pass ended
	read   time.Duration // when the inventory was read
	next   time.Duration // when the BMCs are counted again
}

// drive notes that passes begin or end.
func (v *vitals) drive(is bool, at time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now.Drives, v.passed, v.now.Engine = is, at, false
}

// pass notes the end of one. e is the engine as it is then, nil if there is none.
func (v *vitals) pass(e *engine.Engine, position int64, at time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.passed, v.now.Engine, v.now.Position = at, e != nil, position
	if e != nil && at >= v.next {
		v.now.BMCs, v.next = e.BMCs(), at+vitalsInterval
	}
}

// discovered notes an answer of the inventory.
func (v *vitals) discovered(facts *engine.DiscoveryFacts, at time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if facts.Err != nil {
		v.now.InventoryError = facts.Err.Error()
		return
	}
	v.now.InventoryRead, v.now.InventoryError, v.read = true, "", at
}

// Vitals are the signs of life now. Any goroutine may ask.
func (s *Shell) Vitals() Vitals {
	at, acts, fence := s.Runtime.Mono(), s.lease.mayAct(), s.lease.held().Fence
	s.vitals.mu.Lock()
	defer s.vitals.mu.Unlock()
	v := s.vitals.now
	v.Pass, v.Inventory, v.Acts, v.Fence = at-s.vitals.passed, at-s.vitals.read, acts, fence
	return v
}

// InFlight is how many calls are under way, by kind. Any goroutine may ask.
func (s *Shell) InFlight() map[string]int { return s.flights.count() }
