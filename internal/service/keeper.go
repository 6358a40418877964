package service

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// actMargin is for how long before a successor may take the lease nothing is sent
// any more: a request may wait so long for its connection.
const actMargin = 2 * time.Second

// keeper holds the engine's lease and knows until when this service may act. It
// renews it on a goroutine that does nothing else: a long pass must not cost it.
type keeper struct {
	store  bos.EngineStore
	holder string
	clock  *clock
	log    *slog.Logger
	// trouble holds a failed renewal that the runner has not seen.
	trouble chan error

	renewing sync.Mutex // one renewal at a time
	mu       sync.Mutex
	lease    bos.Lease
	until    time.Time
	// renewed is when that last worked, passed what the clock showed to the last
	// pass of the runner.
	renewed, passed time.Time
	// running says that there is an engine; without one the clock stands.
	running bool
}

func newKeeper(s *Service, lease bos.Lease) *keeper {
	if lease.Clock.IsZero() {
		lease.Clock = time.Now().UTC().Round(0) // a clock that was kept nowhere starts with wall time
	}
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
		k.lease, k.until, k.renewed = lease, began.Add(leaseTTL-actMargin), began
	case errors.Is(err, bos.ErrLeaseHeld), errors.Is(err, bos.ErrFenced):
		k.until = time.Time{}
	}
	return err
}

// shows is what the clock shows; without an engine it stands. A lease that is
// renewed changes all the same, or it would be taken for that of a dead holder.
func (k *keeper) shows() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.running {
		return k.lease.Clock.Add(time.Nanosecond)
	}
	k.stand()
	now, _ := k.clock.now()
	return now
}

// stand lets the clock stand for as long as no renewal has worked, which is tried
// all the time: the process or its machine was stopped, or its database takes no
// writes, and what nodes report waits. mu is held.
func (k *keeper) stand() {
	if time.Since(k.renewed) <= leaseTTL {
		return
	}
	at := k.lease.Clock
	if k.passed.After(at) {
		at = k.passed
	}
	k.clock.resume(at.Add(time.Nanosecond))
	k.renewed = time.Now()
}

// pass is the time of a pass of the runner.
func (k *keeper) pass() (time.Time, engine.Times) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stand()
	now, times := k.clock.now()
	k.passed = now
	return now, times
}

// held is the lease as it was renewed last.
func (k *keeper) held() bos.Lease {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lease
}

// run lets the clock go on where it stood, with an engine that starts with cold.
func (k *keeper) run(cold engine.Inputs) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running = true
	k.passed = engine.Resumed(k.lease.Clock, cold, time.Now())
	k.clock.resume(k.passed)
}

// rest notes that there is no engine.
func (k *keeper) rest() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running = false
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
