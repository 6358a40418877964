package shell

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// heavy is a store in which somebody writes for longer than a lease lasts: neither its
// holder comes to renew it meanwhile nor anybody else to look at it.
type heavy struct {
	Store

	t     *testing.T
	looks int
	lease bos.Lease
	stop  context.CancelFunc
}

func (s *heavy) Lease(_ context.Context, _ string, _ time.Time, dead bos.Lease) (bos.Lease, error) {
	if s.lease.Same(dead) {
		s.t.Errorf("look %d takes the lease of a holder that could not renew it", s.looks)
		s.stop()
	}
	switch s.looks++; s.looks {
	case 10:
		<-time.After(LeaseTTL + LeaseTTL/2)
	case 14: // the holder had its turn again
		s.lease.Clock = s.lease.Clock.Add(time.Second)
	case 20:
		s.stop()
	}
	return s.lease, bos.ErrLeaseHeld
}

// TestALeaseThatNobodyCouldRenewIsNotTakenForThatOfADeadHolder.
func TestALeaseThatNobodyCouldRenewIsNotTakenForThatOfADeadHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		store := &heavy{t: t, lease: bos.Lease{Holder: "other", Fence: 3}, stop: stop}
		l := newLease(Config{Ports: Ports{Store: store}, Holder: "this", Runtime: NewReal()}, &clock{runtime: NewReal()}, &hearing{}, NewReal().Signal())
		if err := l.watch(ctx, func(bool) {}); err != context.Canceled { //nolint:errorlint // it is that of ctx
			t.Errorf("it ended with %v", err)
		}
	})
}
