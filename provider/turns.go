package provider

import (
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// turns let those who work on one record of BOS do so one after the other: Terraform
// creates and destroys at the same time, also where a resource was renamed without a
// moved block, so that both are about one record.
type turns struct {
	mu   sync.Mutex
	held map[bos.SessionKey]*turn
}

// turn is one record's; waiting counts who has it or waits for it.
type turn struct {
	mu      sync.Mutex
	waiting int
}

func newTurns() *turns { return &turns{held: make(map[bos.SessionKey]*turn)} }

// take waits for the turn of a record, and gives it back with what it returns.
func (t *turns) take(tenant, name types.String) (done func()) {
	key := bos.SessionKey{Tenant: tenant.ValueString(), Name: name.ValueString()}
	t.mu.Lock()
	mine := t.held[key]
	if mine == nil {
		mine = &turn{}
		t.held[key] = mine
	}
	mine.waiting++
	t.mu.Unlock()
	mine.mu.Lock()
	return func() {
		mine.mu.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.waiting--; mine.waiting == 0 {
			delete(t.held, key)
		}
	}
}
