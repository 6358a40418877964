package shell

import (
	"context"
	"errors"
	"log/slog"
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

// plodding is a store that takes its time for each look, while the holder is dead.
type plodding struct {
	Store

	takes time.Duration
	lease bos.Lease
}

func (s *plodding) Lease(_ context.Context, holder string, _ time.Time, dead bos.Lease) (bos.Lease, error) {
	<-time.After(s.takes)
	if s.lease.Same(dead) {
		return bos.Lease{Holder: holder, Fence: s.lease.Fence + 1}, nil
	}
	return s.lease, bos.ErrLeaseHeld
}

// TestTheLeaseOfADeadHolderIsTakenWhereEachLookTakesLong: a slow database gives it no more
// time than the looks themselves, and one in which each look waits for others a bounded one.
func TestTheLeaseOfADeadHolderIsTakenWhereEachLookTakesLong(t *testing.T) {
	for takes, within := range map[time.Duration]time.Duration{
		time.Second:     LeaseTTL + 3*time.Second, // the last look, and two that were a little short of it
		5 * time.Second: 30 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			runtime := NewReal()
			store := &plodding{takes: takes, lease: bos.Lease{Holder: "other", Fence: 3}}
			l := newLease(Config{Ports: Ports{Store: store}, Holder: "this", Runtime: runtime}, &clock{runtime: runtime}, &hearing{}, runtime.Signal())
			began := runtime.Mono()
			if err := l.watch(t.Context(), func(bool) {}); err != nil {
				t.Fatal(err)
			}
			if took := runtime.Mono() - began; took > within {
				t.Errorf("with looks of %s it was taken after %s", takes, took)
			}
		})
	}
}

// wentBack is a store whose lease another has, until a failover loses that it took it: it is
// had by this one then, as before, or by nobody.
type wentBack struct {
	Store

	looks int
	is    bos.Lease
}

func (s *wentBack) Lease(context.Context, string, time.Time, bos.Lease) (bos.Lease, error) {
	switch s.looks++; {
	case s.looks < 4:
		return bos.Lease{Holder: "other", Fence: 5, Clock: time.Unix(int64(s.looks), 0)}, bos.ErrLeaseHeld
	case s.looks == 4:
		return bos.Lease{}, errors.New("the database is away")
	default:
		return s.is, nil
	}
}

// TestALeaseOfBeforeAFailoverIsHadWhenWhoHadTheLostOneSendsNothingMore: that one believes to
// have it until it asks the next time.
func TestALeaseOfBeforeAFailoverIsHadWhenWhoHadTheLostOneSendsNothingMore(t *testing.T) {
	for name, test := range map[string]struct {
		fence int64
		waits bool
	}{
		"it is this one's as before":               {4, true},
		"nobody had it, and it is taken once more": {5, true},
		"the other one has given it up":            {6, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			runtime := NewReal()
			store := &wentBack{is: bos.Lease{Holder: "this", Fence: test.fence}}
			c := Config{Ports: Ports{Store: store}, Holder: "this", Runtime: runtime, Alert: slog.New(slog.DiscardHandler)}
			l := newLease(c, &clock{runtime: runtime}, &hearing{}, runtime.Signal())
			began := runtime.Mono()
			if err := l.await(t.Context(), func(bool) {}); err != nil {
				t.Fatal(err)
			}
			if took := runtime.Mono() - began; took >= LeaseTTL != test.waits || l.held().Fence != test.fence {
				t.Errorf("%s: lease %d was had after %s", name, l.held().Fence, took)
			}
		})
	}
}
