package shell

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

const (
	// LeaseTTL is how long a lease that nobody renews keeps others from its
	// database: the successor of a service that was killed waits so long.
	LeaseTTL = 6 * time.Second
	// leaseRetry is how often a successor reads it, unless it hears that it is free.
	leaseRetry = 250 * time.Millisecond
	// lookCounts is how much of the time of one look counts for the age of a lease at most:
	// the time between two renewals. A look that takes longer waited behind the write of
	// another service, for which a living holder waits as well. One that takes less says
	// that the database is slow, and a dead holder is not given more time for that.
	lookCounts = LeaseTTL / 3
	// actMargin is for how long before a successor may take the lease nothing is
	// sent any more: a request may wait so long for its connection.
	actMargin = 2 * time.Second
)

// lease is the engine's lease as this service has it, and until when the service may
// act. It is renewed beside the passes: a long one must not cost it.
type lease struct {
	store   bos.EngineStore
	holder  string
	runtime Runtime
	clock   *clock
	hearing *hearing
	log     *slog.Logger
	// wake is raised when a renewal fails, free when nobody has the lease any more, and
	// rest by nobody.
	wake, free, rest Signal

	renewing sync.Mutex // one renewal at a time
	mu       sync.Mutex
	has      bos.Lease
	// failed is a failed renewal that the shell has not seen.
	failed error
	// until is until when this service may act, by monotonic time and the wall
	// clock.
	until instant
	// renewed is when a renewal worked last, passed what the clock showed to the
	// last pass.
	renewed time.Duration
	passed  time.Time
	// running says that there is an engine; without one the clock stands.
	running bool
	// seen is the newest fence that another was seen to have.
	seen int64
}

// instant is a moment by both clocks.
type instant struct {
	mono time.Duration
	wall time.Time
}

func newLease(c Config, clock *clock, hearing *hearing, wake Signal) *lease {
	clock.resume(c.Runtime.Wall())
	return &lease{
		store: c.Ports.Store, holder: c.Holder, runtime: c.Runtime, clock: clock, hearing: hearing, log: c.Alert,
		wake: wake, free: c.Runtime.Signal(), rest: c.Runtime.Signal(),
	}
}

// take takes the lease, waiting for a dead holder's to run out.
func (l *lease) take(ctx context.Context) error {
	var watch leaseWatch
	var dead bos.Lease
	for {
		is, err := l.store.Lease(ctx, l.holder, time.Time{}, dead)
		if !errors.Is(err, bos.ErrLeaseHeld) {
			l.got(is)
			return err
		}
		over, renewed := watch.see(is, l.runtime.Mono())
		if renewed {
			return err
		}
		if over {
			dead = is
		}
		l.rest.Wait(ctx, l.runtime.Mono()+leaseRetry)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// await takes the lease when nobody has it any more, however long another service or the
// database keeps this one waiting. following is told each time whether another is seen to
// renew it.
func (l *lease) await(ctx context.Context, following func(bool)) error {
	defer following(false)
	for troubled := false; ; {
		err := l.watch(ctx, following)
		if err == nil || ctx.Err() != nil || errors.Is(err, bos.ErrOutdated) {
			return err
		}
		following(false)
		if !troubled {
			l.log.Error("cannot look who has the engine's lease; it is tried again all the time", "error", err)
			troubled = true
		}
		l.rest.Wait(ctx, l.runtime.Mono()+leaseRetry)
	}
}

// watch takes the lease when nobody has it any more, unless it cannot be read. What was
// seen before it could not is forgotten: its holder could not renew it either.
func (l *lease) watch(ctx context.Context, following func(bool)) error {
	var watch leaseWatch
	var dead bos.Lease
	// waited is how much longer looks took than lookCounts: who writes meanwhile keeps the
	// holder from renewing its lease as much as others from looking at it.
	var waited time.Duration
	for ctx.Err() == nil {
		began := l.runtime.Mono()
		is, err := l.store.Lease(ctx, l.holder, time.Time{}, dead)
		if !errors.Is(err, bos.ErrLeaseHeld) {
			if err == nil && dead == (bos.Lease{}) {
				err = l.outlast(ctx, is)
			}
			if err == nil {
				l.got(is)
			}
			return err
		}
		l.seen = max(l.seen, is.Fence)
		waited += max(l.runtime.Mono()-began-lookCounts, 0)
		over, _ := watch.see(is, l.runtime.Mono()-waited)
		if over {
			dead = is
		}
		following(!over && watch.renewals > 0)
		l.free.Wait(ctx, l.runtime.Mono()+leaseRetry)
	}
	return ctx.Err()
}

// outlast waits until nobody can believe any more to have a lease that was lost: one that is
// had at once, under a fence not above that which another was seen to have, is that of a
// database that has failed over to a standby which lacked who had it last.
func (l *lease) outlast(ctx context.Context, is bos.Lease) error {
	lost := is.Fence <= l.seen
	l.seen = 0
	if !lost {
		return nil
	}
	l.log.Warn("the database has lost that another service had the engine's lease, as after a failover; this one drives when that one cannot believe any more to have it", "after", LeaseTTL)
	l.rest.Wait(ctx, l.runtime.Mono()+LeaseTTL)
	return ctx.Err()
}

// got begins with a lease that was taken.
func (l *lease) got(is bos.Lease) {
	if is.Clock.IsZero() {
		is.Clock = l.runtime.Wall().UTC().Round(0) // a clock that was kept nowhere starts with wall time
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.has = is
}

// resign forgets that this service had the lease.
func (l *lease) resign() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until, l.failed, l.running = instant{}, nil, false
}

// keepInBackground renews the lease until stop is called or somebody else has it; ctx
// may end before. stop returns when no renewal is under way.
func (l *lease) keepInBackground(ctx context.Context) (stop func()) {
	return inBackground(ctx, l.runtime, l.keep)
}

func (l *lease) keep(ctx context.Context) {
	for next := l.runtime.Mono() + LeaseTTL/3; ; next = max(next, l.runtime.Mono()-LeaseTTL/3) + LeaseTTL/3 {
		l.rest.Wait(ctx, next)
		if ctx.Err() != nil {
			return
		}
		err := l.renew(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		l.mu.Lock()
		l.failed = err
		l.mu.Unlock()
		l.wake.Raise()
		if errors.Is(err, bos.ErrLeaseHeld) {
			return
		}
	}
}

// trouble is a failed renewal, told once.
func (l *lease) trouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.failed
	l.failed = nil
	return err
}

// renew renews the lease, and with it what the clock shows.
func (l *lease) renew(ctx context.Context) error {
	l.renewing.Lock()
	defer l.renewing.Unlock()
	began := instant{l.runtime.Mono(), l.runtime.Wall()}
	is, err := l.store.RenewLease(ctx, l.held(), l.shows())
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.hearing.ask(is.Asked) // first: what may not be done is known before it may be gone on
		l.has, l.renewed = is, began.mono
		l.until = instant{began.mono + LeaseTTL - actMargin, began.wall.Add(LeaseTTL - actMargin)}
	case lost(err):
		l.until = instant{}
	}
	return err
}

// shows is what the clock shows; without an engine it stands. A lease that is
// renewed changes all the same, or it would be taken for that of a dead holder.
func (l *lease) shows() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.running {
		return l.has.Clock.Add(time.Nanosecond)
	}
	l.resumeAfterPause()
	now, _ := l.clock.now()
	return now
}

// resumeAfterPause lets the clock stand for as long as no renewal has worked, which is
// tried all the time: the process or its machine was stopped, or its database takes no
// writes, and what nodes report waits. mu is held.
func (l *lease) resumeAfterPause() {
	if l.runtime.Mono()-l.renewed <= LeaseTTL {
		return
	}
	at := l.has.Clock
	if l.passed.After(at) {
		at = l.passed
	}
	l.clock.resume(at.Add(time.Nanosecond))
	l.renewed = l.runtime.Mono()
}

// pass is the time of a pass.
func (l *lease) pass() (time.Time, engine.Times) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resumeAfterPause()
	now, times := l.clock.now()
	l.passed = now
	return now, times
}

// held is the lease as it was renewed last.
func (l *lease) held() bos.Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.has
}

// run lets the clock go on where it stood, with an engine that starts with cold.
func (l *lease) run(cold engine.Inputs) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = true
	l.passed = engine.Resumed(l.has.Clock, cold, l.runtime.Wall())
	l.clock.resume(l.passed)
}

// stand notes that there is no engine.
func (l *lease) stand() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = false
}

// mayAct reports whether nobody else can have the lease now. Monotonic time says
// so, and wall time as well: on a machine that was suspended the first may have
// stood.
func (l *lease) mayAct() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runtime.Mono() < l.until.mono && l.runtime.Wall().Round(0).Before(l.until.wall.Round(0))
}
