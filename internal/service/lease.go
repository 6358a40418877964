package service

import (
	"context"
	"errors"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// leaseTTL is how long a lease that nobody renews keeps others from its
	// database: the successor of a service that was killed waits so long.
	leaseTTL = 6 * time.Second
	// leaseRetry is how often a successor looks at it.
	leaseRetry = 250 * time.Millisecond
)

// leaseWatch tells a lease whose holder is dead from one that is renewed, by what
// happens to it while it is watched. What time its holder had is not asked: the
// wall clock may have stepped since.
type leaseWatch struct {
	began, changed time.Time
	last           bos.Lease
	renewals       int
}

// see takes the lease in as it is now, by a clock that is monotonic.
func (w *leaseWatch) see(l bos.Lease, now time.Time) (dead, renewed bool) {
	switch {
	case w.began.IsZero():
		w.began, w.changed = now, now
	case l != w.last:
		w.changed = now
		w.renewals++
	}
	w.last = l
	// One renewal may have been the last of a holder that has just ended.
	return now.Sub(w.changed) >= leaseTTL, w.renewals > 1 && now.Sub(w.began) >= leaseTTL
}

// lease takes the engine's lease, waiting for a dead holder's to run out.
func (s *Service) lease(ctx context.Context) (bos.Lease, error) {
	retry := time.NewTicker(leaseRetry)
	defer retry.Stop()
	var watch leaseWatch
	var dead bos.Lease
	for {
		lease, err := s.config.Store.Lease(ctx, s.holder, time.Time{}, dead)
		if !errors.Is(err, bos.ErrLeaseHeld) {
			return lease, err
		}
		over, renewed := watch.see(lease, time.Now())
		if renewed {
			return bos.Lease{}, err
		}
		if over {
			dead = lease
		}
		select {
		case <-ctx.Done():
			return bos.Lease{}, ctx.Err()
		case <-retry.C:
		}
	}
}
