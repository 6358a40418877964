package tables

import (
	"context"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// noClock stands for a lease without a clock.
const noClock = 1

// Lease takes or renews the engine's lease. The column expires was a wall time
// once; it holds the clock of the last holder, and 0 where an older program gave
// the lease up.
func (s *Store) Lease(ctx context.Context, holder string, clock time.Time, dead bos.Lease) (bos.Lease, error) {
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
		switch {
		case lease.Holder == holder:
		case lease.Holder == "" || lease.Same(dead):
			lease.Holder = holder
			lease.Fence++
		default:
			return bos.ErrLeaseHeld
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
