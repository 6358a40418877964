package shell

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// leaseWatch tells a lease whose holder is dead from one that is renewed, by what
// happens to it while it is watched. What time its holder had is not asked: the
// wall clock may have stepped since.
type leaseWatch struct {
	watching       bool
	began, changed time.Duration
	last           bos.Lease
	renewals       int
}

// see takes the lease in as it is at a monotonic time.
func (w *leaseWatch) see(l bos.Lease, now time.Duration) (dead, renewed bool) {
	switch {
	case !w.watching:
		w.watching, w.began, w.changed = true, now, now
	case !l.Same(w.last):
		w.changed = now
		w.renewals++
	}
	w.last = l
	// One renewal may have been the last of a holder that has just ended.
	return now-w.changed >= LeaseTTL, w.renewals > 1 && now-w.began >= LeaseTTL
}
