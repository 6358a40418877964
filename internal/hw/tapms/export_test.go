package tapms

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// NewImpatient is New with hardly a pause before a read is repeated.
func NewImpatient(u transport.Upstream) *Client { return newClient(u, time.Millisecond) }

// SetClock replaces the clock that the age of answers is read from.
func (c *Client) SetClock(now func() time.Time) { c.last.now = now }
