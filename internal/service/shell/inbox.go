package shell

import (
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// inbox gathers what calls answer until the next step takes it. Putting never
// blocks; it holds at most what was asked: one answer per node and question.
type inbox struct {
	wake Signal

	mu sync.Mutex
	in engine.Inputs
	// epoch counts engines: an answer to an earlier one is dropped, a later
	// one has asked anew.
	epoch int
}

func newInbox(wake Signal) *inbox { return &inbox{wake: wake} }

// put lets add note an answer for the engine of an epoch.
func (b *inbox) put(epoch int, add func(*engine.Inputs)) {
	b.mu.Lock()
	if epoch == b.epoch {
		add(&b.in)
	}
	b.mu.Unlock()
	b.wake.Raise()
}

// result notes the answer to an effect, for whatever engine there is: its call
// belongs to none.
func (b *inbox) result(res engine.Result) {
	b.mu.Lock()
	b.in.Results = append(b.in.Results, res)
	b.mu.Unlock()
	b.wake.Raise()
}

// take moves what has come to the end of to.
func (b *inbox) take(to *engine.Inputs) {
	b.mu.Lock()
	defer b.mu.Unlock()
	in := b.in
	b.in = engine.Inputs{}
	to.Readings = joined(to.Readings, in.Readings)
	to.Configurations = joined(to.Configurations, in.Configurations)
	to.Proofs = joined(to.Proofs, in.Proofs)
	to.Workloads = joined(to.Workloads, in.Workloads)
	to.Healths = joined(to.Healths, in.Healths)
	to.Results = joined(to.Results, in.Results)
	to.Setups = append(to.Setups, in.Setups...)
	to.Rollouts = append(to.Rollouts, in.Rollouts...)
	to.Completions = append(to.Completions, in.Completions...)
	if in.Discovery != nil {
		to.Discovery = in.Discovery
	}
}

// joined is both lists; more belongs to the caller, and is not copied where it is all.
func joined[T any](list, more []T) []T {
	if len(list) == 0 {
		return more
	}
	return append(list, more...)
}

// begin drops what was for the engine before, but for the answers to effects, and
// returns the new epoch.
func (b *inbox) begin() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch++
	b.in = engine.Inputs{Results: b.in.Results}
	return b.epoch
}
