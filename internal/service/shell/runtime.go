package shell

import (
	"context"
	"time"
)

// Runtime is all that the shell needs and that is not the same in every run: time,
// and what runs beside. In production it is Real, in a simulation virtual time.
type Runtime interface {
	// Wall is the time for people. It may step.
	Wall() time.Time
	// Mono is monotonic time, since any moment; MonoOf is what it was at a time
	// that an adapter noted.
	Mono() time.Duration
	MonoOf(t time.Time) time.Duration
	// Go runs f beside the caller.
	Go(f func())
	// Signal makes a signal.
	Signal() Signal
	// Cancellable and Timeout are context.WithCancel and context.WithTimeout, by
	// the monotonic time.
	Cancellable(ctx context.Context) (context.Context, context.CancelFunc)
	Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}

// Signal wakes the one who waits for it.
type Signal interface {
	// Raise never blocks. A signal that nobody waits for is kept until somebody
	// does; raised more than once it is kept once.
	Raise()
	// Wait returns when the signal is raised, which is used up, when monotonic
	// time has come to until, or when ctx ends.
	Wait(ctx context.Context, until time.Duration)
}

// never is later than any time that is waited for.
const never = 1 << 62

// Real is the runtime in production: goroutines, and the clocks of the machine.
type Real struct{ began time.Time }

// NewReal makes the runtime of a process.
func NewReal() *Real { return &Real{time.Now()} }

// Wall is the wall clock.
func (*Real) Wall() time.Time { return time.Now() }

// Mono counts from when the runtime was made.
func (r *Real) Mono() time.Duration { return time.Since(r.began) }

// MonoOf is what Mono was at a time that time.Now told.
func (r *Real) MonoOf(t time.Time) time.Duration { return t.Sub(r.began) }

// Go starts a goroutine.
func (*Real) Go(f func()) { go f() }

// Signal makes a signal.
func (r *Real) Signal() Signal { return &signal{r, make(chan struct{}, 1)} }

// Cancellable is context.WithCancel.
func (*Real) Cancellable(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// Timeout is context.WithTimeout.
func (*Real) Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

type signal struct {
	*Real
	raised chan struct{}
}

func (s *signal) Raise() {
	select {
	case s.raised <- struct{}{}:
	default:
	}
}

func (s *signal) Wait(ctx context.Context, until time.Duration) {
	timer := time.NewTimer(max(until-s.Mono(), 0))
	defer timer.Stop()
	select {
	case <-s.raised:
	case <-timer.C:
	case <-ctx.Done():
	}
}
