package redfish

import (
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// warnOfLimit says so where connections to all BMCs cannot be kept for want of
// files: each probe then makes new ones, which costs ten times the processor time.
func (c Config) warnOfLimit(bmcs, kept int) {
	if c.MaxIdle > 0 || kept >= min(bmcs, transport.MaxConnections) {
		return
	}
	c.Log.Warn(fmt.Sprintf("connections to %d of the %d BMCs are kept, because half of the files that this process may open are left to all else; "+
		"the others are connected to anew for each request: raise the limit with ulimit -n %d, or LimitNOFILE=%d in the unit", kept, bmcs, 2*bmcs, 2*bmcs))
}
