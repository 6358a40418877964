package hsm

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// NewImpatient is New with a pause of its own before a read is repeated.
func NewImpatient(url string, timeout, retryWait time.Duration) *Client {
	return newClient(transport.Upstream{URL: url, Timeout: func() time.Duration { return timeout }}, retryWait)
}
