package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// runDiscovery asks for the inventory when it is time and takes it in: nodes
// that BOS does not know get a disabled record. Nothing is ever deleted.
func (e *Engine) runDiscovery(facts *DiscoveryFacts) {
	if e.settings.NoInventory {
		return
	}
	if facts != nil && facts.Err == nil {
		known := make(map[string]bool, len(facts.Known))
		for _, id := range facts.Known {
			known[id] = true
		}
		e.room.testify(facts.Inventory.Nodes, e.nodes, e.step.now)
		for _, n := range facts.Inventory.Nodes {
			if !known[n.ID] {
				e.step.out.Commit.Components = append(e.step.out.Commit.Components, discovered(n.ID, e.step.times.Wall))
			}
		}
	}
	if facts != nil && facts.Err != nil {
		e.nextDiscovery = e.step.now.Add(max(e.policy.Polling, time.Second))
		return
	}
	if facts == nil && !e.step.now.Before(e.nextDiscovery) {
		e.step.out.Discover = true
		e.nextDiscovery = e.step.now.Add(max(time.Duration(e.options.DiscoveryFrequency)*time.Second, time.Second))
	}
}

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
