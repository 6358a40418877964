package provider

import (
	"context"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// componentCache serves the component reads of a refresh from one list for each
// tenant: a thousand resources cost one request. A write forgets it.
type componentCache struct {
	mu      sync.Mutex
	records map[string]map[string]bos.Component
	// holds are by tenant and xname; empty on a BOS without holds.
	holds map[string]map[string]bos.Brake
}

func newComponentCache() *componentCache {
	return &componentCache{records: make(map[string]map[string]bos.Component), holds: make(map[string]map[string]bos.Brake)}
}

// read returns a component from the list, which the first reader fetches while
// the others wait for it.
func (c *componentCache) read(ctx context.Context, from *client.Client, id string) (record bos.Component, found bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	records, read := c.records[from.Tenant()]
	if !read {
		all, err := from.Components(ctx, bos.ComponentFilter{})
		if err != nil {
			return record, false, err
		}
		records = make(map[string]bos.Component, len(all))
		for _, each := range all {
			records[each.ID] = each
		}
		c.records[from.Tenant()] = records
	}
	record, found = records[id]
	return record, found, nil
}

// held returns the hold of a component, from a list as well.
func (c *componentCache) held(ctx context.Context, from *client.Client, id string) (bos.Brake, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	holds, read := c.holds[from.Tenant()]
	if !read {
		caps, err := from.Capabilities(ctx)
		if err != nil {
			return bos.Brake{}, err
		}
		var all []bos.HeldComponent
		if client.Has(caps, bos.ExtensionHolds) {
			if all, err = from.Holds(ctx); err != nil {
				return bos.Brake{}, err
			}
		}
		holds = make(map[string]bos.Brake, len(all))
		for _, each := range all {
			holds[each.ID] = each.Brake
		}
		c.holds[from.Tenant()] = holds
	}
	return holds[id], nil
}

// forget makes the next read ask again.
func (c *componentCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.records)
}

// forgetHolds makes the next look at a hold ask again.
func (c *componentCache) forgetHolds() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.holds)
}
