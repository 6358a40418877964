package service

import (
	"maps"
	"slices"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/api"
)

// changes gathers what API writes touched until the runner takes it. Adding
// never blocks: a thing changed many times is noted once.
type changes struct {
	signal chan struct{}

	mu         sync.Mutex
	components map[string]bool
	records    map[string]bos.Record
	sessions   map[bos.SessionKey]bool
	// inventories are those that sessions were accepted by.
	inventories map[bos.SessionKey]bos.Inventory
	hints       map[string]bool
	options     bool
	all         bool
}

// maxHints bounds the hints that wait for a step. What is beyond is dropped: a
// hint that is lost costs time, no more.
const maxHints = 1 << 17

// taken is what has changed since the last take.
type taken struct {
	components  []string
	records     []bos.Record
	inventories map[bos.SessionKey]bos.Inventory
	sessions    []bos.SessionKey
	hints       []string
	options     bool
	all         bool
}

func newChanges() *changes {
	return &changes{
		signal:      make(chan struct{}, 1),
		components:  make(map[string]bool),
		records:     make(map[string]bos.Record),
		inventories: make(map[bos.SessionKey]bos.Inventory),
		sessions:    make(map[bos.SessionKey]bool),
		hints:       make(map[string]bool),
	}
}

func (c *changes) add(change api.Change) {
	c.mu.Lock()
	for _, id := range change.Components {
		c.components[id] = true
	}
	for _, r := range change.Records {
		// Writers do not come here in the order of their commits.
		if r.Revision > c.records[r.ID].Revision {
			c.records[r.ID] = r
		}
	}
	for _, key := range change.Sessions {
		c.sessions[key] = true
		if change.Inventory != nil {
			c.inventories[key] = *change.Inventory
		}
	}
	c.options = c.options || change.Options
	c.all = c.all || change.All
	c.mu.Unlock()
	c.notify()
}

// hint notes nodes whose power may have changed.
func (c *changes) hint(ids []string) {
	c.mu.Lock()
	for _, id := range ids {
		if len(c.hints) >= maxHints {
			break
		}
		c.hints[id] = true
	}
	c.mu.Unlock()
	c.notify()
}

func (c *changes) notify() {
	select {
	case c.signal <- struct{}{}:
	default:
	}
}

func (c *changes) take() taken {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := taken{
		components: slices.Sorted(maps.Keys(c.components)),
		hints:      slices.Sorted(maps.Keys(c.hints)),
		options:    c.options,
		all:        c.all,
	}
	for _, id := range slices.Sorted(maps.Keys(c.records)) {
		// What may have been deleted meanwhile is read anew.
		if !c.components[id] {
			t.records = append(t.records, c.records[id])
		}
	}
	for key := range c.sessions {
		t.sessions = append(t.sessions, key)
	}
	clear(c.components)
	clear(c.records)
	t.inventories, c.inventories = c.inventories, make(map[bos.SessionKey]bos.Inventory)
	clear(c.sessions)
	clear(c.hints)
	c.options, c.all = false, false
	return t
}
