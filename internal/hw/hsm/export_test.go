package hsm

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// NewImpatient is New with a pause of its own before a read is repeated.
func NewImpatient(url string, timeout, retryWait time.Duration) *Client {
	return newClient(transport.Upstream{URL: url, Timeout: func() time.Duration { return timeout }}, ofSMD, retryWait)
}

// NewImpatientInventoryService is NewImpatient for an inventory-service.
func NewImpatientInventoryService(url string, timeout time.Duration) *Client {
	return newClient(transport.Upstream{URL: url, Timeout: func() time.Duration { return timeout }}, ofInventoryService, time.Millisecond)
}

// SetClock makes the client measure for how long HSM leaves nodes out by another
// clock.
func (c *Client) SetClock(now func() time.Time) { c.bmcs.now = now }

// VanishFor is for how long they must be left out to count as gone.
const VanishFor = vanishFor
