package cfs

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// NewImpatient is New with hardly a pause before a read is repeated.
func NewImpatient(u transport.Upstream) *Client {
	client := newClient(u, time.Millisecond)
	client.asks.WithoutPauses()
	return client
}
