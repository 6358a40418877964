package redfish

import (
	"context"
	"time"
)

// SetClock replaces the clock that the age of endpoints is read from.
func (c *Client) SetClock(now func() time.Time) {
	c.locator.mu.Lock()
	defer c.locator.mu.Unlock()
	c.locator.now = now
}

// Settle waits for an asking for endpoints that runs in the background.
func (c *Client) Settle() {
	c.locator.mu.Lock()
	loading := c.locator.loading
	c.locator.mu.Unlock()
	if loading != nil {
		<-loading
	}
}

// Gates is how many BMCs are being asked or waited for.
func (c *Client) Gates() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.gates)
}

// Doubt makes a BMC be asked in the next round whether it has the subscription.
func (c *Client) Doubt(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubtEvents(address)
}

// SubscribeDue is one round of KeepSubscribed.
func (c *Client) SubscribeDue(ctx context.Context, service string) (int, error) {
	return c.subscribeDue(ctx, service)
}

// Message, Advertises and Usable are the pure parts.
var (
	Message    = message
	Advertises = advertises
	Usable     = Endpoint.usable
	SameUUID   = sameMachine
)
