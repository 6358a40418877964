package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// runDiscovery asks for the inventory when it is time and takes it in: nodes
// that BOS does not know get a disabled record, a portion with each step. Nothing is
// ever deleted.
func (e *Engine) runDiscovery(facts *DiscoveryFacts) {
	if e.settings.NoInventory {
		return
	}
	if facts != nil {
		e.discoveries++
		e.discovered = e.discovered || facts.Err == nil
	}
	if facts != nil && facts.Err == nil {
		known := make(map[string]bool, len(facts.Known))
		for _, id := range facts.Known {
			known[id] = true
		}
		e.room.testify(facts.Inventory.Nodes, e.nodes, e.step.now)
		// What is left of an earlier discovery is in this one, or is no node any more.
		e.newcomers = nil
		for _, n := range facts.Inventory.Nodes {
			if !known[n.ID] {
				e.newcomers = append(e.newcomers, n.ID)
			}
		}
	}
	e.admitNewcomers()
	if facts != nil && facts.Err != nil {
		e.nextDiscovery = e.step.now.Add(max(e.policy.Polling, time.Second))
		return
	}
	if facts == nil && !e.step.now.Before(e.nextDiscovery) {
		e.step.out.Discover = true
		e.nextDiscovery = e.step.now.Add(max(time.Duration(e.options.DiscoveryFrequency)*time.Second, time.Second))
	}
}

// admitNewcomers gives a portion of the nodes that were found a record: those of a large
// room in one commit would take much memory, and hold up all who write.
func (e *Engine) admitNewcomers() {
	n := min(len(e.newcomers), e.settings.Portion)
	for _, id := range e.newcomers[:n] {
		e.step.out.Commit.Components = append(e.step.out.Commit.Components, discovered(id, e.step.times.Wall))
	}
	if e.newcomers = e.newcomers[n:]; len(e.newcomers) == 0 {
		e.newcomers = nil // what a large room took is given back
		return
	}
	e.step.out.More = true
}

// discovers says that nodes are known that have no record yet. No session is set up
// meanwhile, which would leave them out.
func (e *Engine) discovers() bool { return len(e.newcomers) > 0 }

// undiscovered says that this engine does not know yet whether all nodes have a record: the
// one before it may have ended in the middle of a discovery.
func (e *Engine) undiscovered() bool { return !e.discovered && !e.settings.NoInventory }

func discovered(id string, now time.Time) bos.Record {
	at := bos.At(now)
	return bos.Record{Component: bos.Component{
		ID:           id,
		ActualState:  bos.ActualState{LastUpdated: at},
		DesiredState: bos.DesiredState{LastUpdated: at},
		StagedState:  bos.StagedState{LastUpdated: at},
		LastAction:   bos.LastAction{Action: bos.ActionNewlyDiscovered, LastUpdated: at},
	}}
}
