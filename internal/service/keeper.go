package service

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// actMargin is for how long before a successor may take the lease nothing is sent
// any more: a request may wait so long for its connection.
const actMargin = 2 * time.Second

// keeper holds the engine's lease and knows until when this service may act. It
// renews it on a goroutine that does nothing else: a long pass must not cost it.
type keeper struct {
	store  bos.Store
	holder string
	clock  *clock
	log    *slog.Logger
	// trouble holds a failed renewal that the runner has not seen.
	trouble chan error

	renewing sync.Mutex // one renewal at a time
	mu       sync.Mutex
	lease    bos.Lease
	until    time.Time
	// running says that there is an engine; without one the clock stands.
	running bool
}

func newKeeper(s *Service, lease bos.Lease) *keeper {
	return &keeper{
		store: s.config.Store, holder: s.holder, clock: &s.clock, log: s.loud, lease: lease,
		trouble: make(chan error, 1),
	}
}

// keep renews the lease until ctx ends or somebody else has it.
func (k *keeper) keep(ctx context.Context) {
	tick := time.NewTicker(leaseTTL / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := k.renew(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		select {
		case k.trouble <- err:
		default: // one is waiting already; what ends the service is kept in the lease
		}
		if errors.Is(err, bos.ErrLeaseHeld) {
			return
		}
	}
}

// renew renews the lease, and with it what the clock shows.
func (k *keeper) renew(ctx context.Context) error {
	k.renewing.Lock()
	defer k.renewing.Unlock()
	began := time.Now()
	lease, err := k.store.Lease(ctx, k.holder, k.shows(), bos.Lease{})
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err == nil:
		k.lease, k.until = lease, began.Add(leaseTTL-actMargin)
	case errors.Is(err, bos.ErrLeaseHeld), errors.Is(err, bos.ErrFenced):
		k.until = time.Time{}
	}
	return err
}

// shows is what the clock shows; without an engine it stands.
func (k *keeper) shows() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.running {
		return k.lease.Clock
	}
	now, _ := k.clock.now()
	return now
}

// held is the lease as it was renewed last.
func (k *keeper) held() bos.Lease {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lease
}

// run notes whether there is an engine.
func (k *keeper) run(running bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running = running
}

// mayAct reports whether nobody else can have the lease now. Monotonic time says
// so, and wall time as well: on a machine that was suspended the first may have
// stood.
func (k *keeper) mayAct() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	return now.Before(k.until) && now.Round(0).Before(k.until.Round(0))
}
