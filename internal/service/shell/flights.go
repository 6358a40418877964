package shell

import (
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// flights are the calls under way, one for each node. They belong to the process
// and not to an engine, nor to a session: a call that waits for its turn outlives
// both, and must not be carried out for an order that no longer stands.
type flights struct {
	mu  sync.Mutex
	all map[string]*flight
}

// flight is the call of one node.
type flight struct {
	kind   bos.EffectKind
	order  bos.Order
	halted bool
}

// begin notes calls before the commit that orders them: a write that comes after
// the commit then finds them.
func (f *flights) begin(batches []decide.Batch, orders map[string]bos.Order) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = make(map[string]*flight)
	}
	for _, b := range batches {
		for _, id := range b.IDs {
			if old := f.all[id]; old != nil {
				old.halted = true // an engine starts no second call beside one
			}
			f.all[id] = &flight{kind: b.Effect.Kind, order: orders[id]}
		}
	}
}

// of is the flights of some nodes.
func (f *flights) of(ids []string) map[string]*flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	some := make(map[string]*flight, len(ids))
	for _, id := range ids {
		some[id] = f.all[id]
	}
	return some
}

// end forgets a call that was answered.
func (f *flights) end(id string, over *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all[id] == over {
		delete(f.all, id)
	}
}

// drop forgets calls that are never made.
func (f *flights) drop(ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		delete(f.all, id)
	}
}

// may reports whether a call may still be made.
func (f *flights) may(id string, asks *flight) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return asks != nil && f.all[id] == asks && !asks.halted
}

// halt stops the calls of nodes that are not made yet.
func (f *flights) halt(ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		if flight := f.all[id]; flight != nil {
			flight.halted = true
		}
	}
}

// haltAll stops all calls that are not made yet.
func (f *flights) haltAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, flight := range f.all {
		flight.halted = true
	}
}

// written stops the calls of records that are now under another order.
func (f *flights) written(records []bos.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range records {
		if flight := f.all[records[i].ID]; flight != nil && flight.order != records[i].Order() {
			flight.halted = true
		}
	}
}

// count is how many calls are under way, by kind.
func (f *flights) count() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	kinds := make(map[string]int)
	for _, flight := range f.all {
		kinds[string(flight.kind)]++
	}
	return kinds
}

// surviving is what is under way, for an engine that starts.
func (f *flights) surviving() map[string]bos.EffectKind {
	f.mu.Lock()
	defer f.mu.Unlock()
	kinds := make(map[string]bos.EffectKind, len(f.all))
	for id, flight := range f.all {
		kinds[id] = flight.kind
	}
	return kinds
}
