package tables

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// noClock stands for a lease without a clock.
	noClock = 1
	// fenceStep bounds how much higher the fence of the next holder is, by chance. A database
	// that fails over may lose the last lease: who had it and who takes the next one in its
	// stead are to have no fence in common.
	fenceStep = 1 << 20
)

// Lease takes the engine's lease.
func (s *Store) Lease(ctx context.Context, holder string, clock time.Time, dead bos.Lease) (bos.Lease, error) {
	return s.changeLease(ctx, clock, func(is bos.Lease) (bos.Lease, error) {
		switch {
		case is.Holder == holder:
		case is.Holder == "" || is.Same(dead):
			is.Holder = holder
			is.Fence += 1 + rand.Int64N(fenceStep) //nolint:gosec // no secret
		default:
			return is, bos.ErrLeaseHeld
		}
		return is, nil
	})
}

// RenewLease renews that of one holder, and of one fence.
func (s *Store) RenewLease(ctx context.Context, held bos.Lease, clock time.Time) (bos.Lease, error) {
	return s.changeLease(ctx, clock, func(is bos.Lease) (bos.Lease, error) {
		if is.Holder != held.Holder || is.Fence != held.Fence {
			return is, bos.ErrLeaseHeld
		}
		return is, nil
	})
}

// changeLease writes what becomes of the lease, with a clock that never goes back. The
// column expires was a wall time once; it holds the clock of the last holder, and 0
// where an older program gave the lease up.
func (s *Store) changeLease(ctx context.Context, clock time.Time, change func(bos.Lease) (bos.Lease, error)) (bos.Lease, error) {
	var lease bos.Lease
	err := s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		lease = bos.Lease{}
		var kept int64
		err := t.row(ctx, "SELECT holder, expires, fence, asked FROM lease").Scan(&lease.Holder, &kept, &lease.Fence, &lease.Asked)
		if err != nil && !notThere(err) {
			return err
		}
		if kept == 0 {
			lease.Holder = ""
		}
		if kept > noClock {
			lease.Clock = time.Unix(0, kept).UTC()
		}
		if lease, err = change(lease); err != nil {
			return err
		}
		if clock.After(lease.Clock) {
			lease.Clock = clock.UTC().Round(0)
			kept = clock.UnixNano()
		}
		return t.exec(ctx, `INSERT INTO lease (one, holder, expires, fence) VALUES (1, ?1, ?2, ?3)
ON CONFLICT (one) DO UPDATE SET holder = ?1, expires = ?2, fence = ?3`, lease.Holder, max(kept, noClock), lease.Fence)
	})
	return lease, err
}

// Release gives the lease up if holder has it.
func (s *Store) Release(ctx context.Context, holder string) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error {
		return t.exec(ctx, "UPDATE lease SET holder = '' WHERE holder = ?", holder)
	})
}
