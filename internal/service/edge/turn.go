package edge

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// turn is that of one request among those that are answered at the same time. One that
// waits for its client steps aside meanwhile: clients that send and take a byte now and
// then would else keep the turns of all others. nil is of a request that has none.
type turn struct {
	load *load
	ctx  context.Context //nolint:containedctx // that of the request, which has the turn
	from netip.Addr
	// writes says that it is one of those that may change something.
	writes bool

	mu sync.Mutex
	// away says that it has a place among the slow and no turn, over that it has neither.
	away, over bool
	// leave gives back the share of its address among the slow, where it is away.
	leave func()
}

// aside does what may wait for the client, by an operation that the deadline ends. The
// error is errMuch if it was ended to make room, or has no turn afterwards.
func (t *turn) aside(operation func() (int, error), deadline func(time.Time) error) (int, error) {
	if t == nil {
		return operation()
	}
	cut, stepped := false, make(chan struct{})
	timer := time.AfterFunc(t.load.Idle, func() {
		defer close(stepped)
		t.mu.Lock()
		defer t.mu.Unlock()
		if !t.step() {
			cut = deadline(time.Unix(1, 0)) == nil
		}
	})
	n, err := operation()
	if timer.Stop() {
		return n, err
	}
	<-stepped // what fires at the end of one operation is not for the next
	t.mu.Lock()
	defer t.mu.Unlock()
	if cut && err != nil || !t.back() {
		return n, errMuch
	}
	return n, err
}

// step gives the turn to others, and is false if there is no place to wait at. mu is held.
func (t *turn) step() bool {
	if t.away || t.over {
		return true
	}
	leave, ok := share(&t.load.slowOf, t.from)
	if !ok {
		return false
	}
	select {
	case t.load.slow <- struct{}{}:
		t.away, t.leave = true, leave
		t.load.give(t.writes)
		return true
	default:
		leave()
		return false
	}
}

// waited gives the place among the slow to another. mu is held.
func (t *turn) waited() {
	<-t.load.slow
	t.leave()
}

// back waits for a turn again. mu is held.
func (t *turn) back() bool {
	if !t.away || t.over {
		return true
	}
	ctx, cancel := context.WithTimeout(t.ctx, t.load.Wait)
	defer cancel()
	if !t.load.take(ctx, t.writes) {
		return false
	}
	t.away = false
	t.waited()
	return true
}

// end gives back what the request has.
func (t *turn) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.away {
		t.waited()
	} else {
		t.load.give(t.writes)
	}
}
