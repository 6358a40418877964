package service

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// The tests here are of calls that wait for their turn while what ordered them
// goes away.

// brittle is a store that can stop taking commits, or renewals of the lease.
type brittle struct {
	bos.Store
	commits, leases atomic.Bool
}

var errDisk = errors.New("the disk is full")

func (b *brittle) Commit(ctx context.Context, c bos.Commit) (bos.Committed, error) {
	if b.commits.Load() {
		return bos.Committed{}, errDisk
	}
	return b.Store.Commit(ctx, c)
}

func (b *brittle) Lease(ctx context.Context, holder string, clock time.Time, dead bos.Lease) (bos.Lease, error) {
	if b.leases.Load() {
		return bos.Lease{}, errDisk
	}
	return b.Store.Lease(ctx, holder, clock, dead)
}

func (b *brittle) RenewLease(ctx context.Context, held bos.Lease, clock time.Time) (bos.Lease, error) {
	if b.leases.Load() {
		return bos.Lease{}, errDisk
	}
	return b.Store.RenewLease(ctx, held, clock)
}

// running has all nodes of the room run, with a store that can fail.
func running(t *testing.T, w *world) *brittle {
	t.Helper()
	store := &brittle{Store: w.store}
	w.end()
	w.config.Store = store
	w.start()
	w.session("first", "boot", "t", "")
	if s := w.complete("first"); s.PercentSuccessful != 100 {
		t.Fatalf("the room does not boot: %+v", s)
	}
	w.forget()
	return store
}

// jam makes the first action on a node wait for its turn until it is let go.
func (w *world) jam(id string) (letGo func()) {
	turn, jammed := make(chan struct{}), atomic.Bool{}
	w.queue = func(_ bos.PowerOp, node string) {
		if node == id && jammed.CompareAndSwap(false, true) {
			<-turn
		}
	}
	return func() { close(turn) }
}

func (w *world) refusals() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.denied
}

func TestACallThatWaitedThroughAFailureOfTheDatabaseIsNotMade(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		store := running(t, w)
		id := nodeName(1)
		letGo := w.jam(id)
		w.session("again", "reboot", "t", "")
		w.advance(5 * time.Second)
		store.commits.Store(true)
		w.options(object{"logging_level": "DEBUG"}) // nothing but the engine's own writes fail
		w.session("more", "boot", "t", nodeName(0))
		w.advance(5 * time.Second)
		store.commits.Store(false)
		w.advance(2 * time.Minute)
		if got := w.did(id); len(got) > 0 {
			t.Errorf("%s was given %v while its first action waits for its turn", id, got)
		}
		letGo()
		if s := w.complete("again"); s.PercentFailed > 0 {
			t.Errorf("%+v", s)
		}
		w.advance(time.Minute)
		if got := w.did(id); !slices.Equal(got, []bos.PowerOp{bos.PowerSoftOff, bos.PowerOn}) || w.refusals() != 1 {
			t.Errorf("%s was given %v, %d calls were held back; want one reboot, and that the first call is held back", id, got, w.refusals())
		}
		if c := w.component(id); c.DeriveStatus() != bos.StatusStable || c.Error != "" {
			t.Errorf("%s is %s: %s", id, c.DeriveStatus(), c.Error)
		}
	})
}

func TestACallThatWaitsIsNotMadeOnceTheLeaseMayBeAnothers(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		store := running(t, w)
		letGo := w.jam(nodeName(0))
		w.session("again", "reboot", "t", "")
		w.advance(3 * time.Second)
		store.leases.Store(true)
		w.advance(shell.LeaseTTL)
		letGo()
		w.advance(time.Second)
		if got := w.did(nodeName(0)); len(got) > 0 || w.refusals() != 1 {
			t.Errorf("the node was given %v by a service that cannot renew its lease; %d calls were held back", got, w.refusals())
		}
		store.leases.Store(false)
		if s := w.complete("again"); s.PercentSuccessful != 100 {
			t.Errorf("after that: %+v", s)
		}
	})
}

func TestACallThatWaitsIsNotMadeOnceTheLeaseWasAnothersWhoGaveItUp(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		running(t, w)
		letGo := w.jam(nodeName(0))
		w.session("again", "reboot", "t", "")
		w.advance(3 * time.Second)
		// Another took it, as it would from one that was suspended, and is through already.
		var held bos.Lease
		err := bos.ErrLeaseHeld
		for errors.Is(err, bos.ErrLeaseHeld) { // it may be renewed between the two
			held, err = w.store.Lease(t.Context(), "another", time.Time{}, held)
		}
		if err := errors.Join(err, w.store.Release(t.Context(), "another")); err != nil {
			t.Fatal(err)
		}
		w.advance(shell.LeaseTTL / 2)
		letGo()
		w.advance(time.Second)
		if got := w.did(nodeName(0)); len(got) > 0 {
			t.Errorf("the node was given %v, which was decided on before another had the lease", got)
		}
		select {
		case err := <-w.ended:
			if !errors.Is(err, bos.ErrLeaseHeld) {
				t.Errorf("it ended with %v", err)
			}
			w.start()
		default:
			t.Error("it goes on")
		}
		if s := w.complete("again"); s.PercentSuccessful != 100 {
			t.Errorf("after that: %+v", s)
		}
	})
}

func TestTheLeaseIsRenewedHoweverLongAPassOrTheLastCallsTake(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		running(t, w)
		letGo := w.jam(nodeName(0))
		w.session("again", "reboot", "t", "")
		w.advance(3 * time.Second)
		w.stop()
		w.advance(2 * shell.LeaseTTL) // it waits for its call
		if _, err := w.store.Lease(t.Context(), "another", time.Time{}, bos.Lease{}); !errors.Is(err, bos.ErrLeaseHeld) {
			t.Errorf("another got the lease while a call is under way: %v", err)
		}
		letGo()
		if err := <-w.ended; err != nil {
			t.Error(err)
		}
		w.start()
	})
}

func TestAServiceThatStopsSendsNothingMore(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		running(t, w)
		letGo := w.jam(nodeName(0))
		w.session("again", "reboot", "t", "")
		w.advance(3 * time.Second)
		w.stop()
		w.advance(time.Second)
		letGo()
		if err := <-w.ended; err != nil {
			t.Error(err)
		}
		records, err := w.store.Components(t.Context(), bos.ComponentFilter{IDs: []string{nodeName(0)}})
		if err != nil || len(records) != 1 {
			t.Fatal(err)
		}
		if got := w.did(nodeName(0)); len(got) > 0 || records[0].EventStats != (bos.EventStats{}) || records[0].Work.Flight.Kind != bos.EffectNone {
			t.Errorf("a service that was told to stop gave the node %v; stored %+v", got, records[0])
		}
		w.start()
		if s := w.complete("again"); s.PercentSuccessful != 100 {
			t.Errorf("after that: %+v", s)
		}
	})
}

func TestACallThatWaitsIsVoidOnceItsNodeIsWantedOtherwise(t *testing.T) {
	id := nodeName(0)
	for name, c := range map[string]struct {
		write func(w *world)
		// later lets the engine take the write in first.
		later time.Duration
		// anew says that the new order sends the same at once.
		anew bool
	}{
		"disabled":              {write: func(w *world) { w.must("PATCH", "/v2/components/"+id, object{"enabled": false}) }},
		"disabled with others":  {write: func(w *world) { w.must("PATCH", "/v2/components", []object{{"id": id, "enabled": false}}) }},
		"replaced":              {write: func(w *world) { w.must("PUT", "/v2/components/"+id, object{"id": id}) }},
		"deleted":               {write: func(w *world) { w.must("DELETE", "/v2/components/"+id, nil) }},
		"its session cancelled": {write: func(w *world) { w.must("POST", "/x/v1/sessions/again/cancel", object{}) }},
		"armed anew":            {write: func(w *world) { w.must("PATCH", "/v2/components/"+id, object{"enabled": true}) }, anew: true},
		"to run something else": {write: func(w *world) {
			w.must("PATCH", "/v2/components/"+id, object{"desired_state": object{"boot_artifacts": object{"kernel": "other"}}})
		}},
		"taken by a session":       {write: func(w *world) { w.session("other", "shutdown", "t", "") }, later: time.Second, anew: true},
		"given to another by hand": {write: func(w *world) { w.must("PATCH", "/v2/components/"+id, object{"session": "other"}) }},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(t *testing.T, w *world) {
				running(t, w)
				letGo := w.jam(id)
				w.session("again", "reboot", "t", "")
				w.advance(3 * time.Second)
				c.write(w)
				w.advance(c.later)
				letGo()
				w.advance(50 * time.Millisecond)
				if got := w.did(id); len(got) > 0 && !c.anew || len(got) > 1 || w.refusals() != 1 {
					t.Errorf("the node was given %v, %d calls were held back", got, w.refusals())
				}
			})
		})
	}
}

func TestAReportOrAWordOnRetriesLetsACallThatWaitsGoOn(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		running(t, w)
		letGo := w.jam(nodeName(0))
		w.session("again", "reboot", "t", "")
		w.advance(3 * time.Second)
		w.must("PATCH", "/v2/components/"+nodeName(0), object{"retry_policy": 5})
		w.must("PATCH", "/v2/components", []object{{"id": nodeName(0), "retry_policy": 4}})
		letGo()
		if s := w.complete("again"); s.PercentSuccessful != 100 || w.refusals() != 0 {
			t.Errorf("%+v, %d calls were held back", s, w.refusals())
		}
	})
}

// stopped is a store that is stopped together with its service in the middle of the
// pass that settles a refusal: that commit is lost.
type stopped struct {
	bos.Store
	stop func()
	done atomic.Bool
}

func (s *stopped) Commit(ctx context.Context, c bos.Commit) (bos.Committed, error) {
	for _, r := range c.Components {
		if r.Work.BackOff.Setbacks > 0 && s.done.CompareAndSwap(false, true) {
			s.stop()
			return bos.Committed{}, context.Canceled
		}
	}
	return s.Store.Commit(ctx, c)
}

func TestWhatIsAnsweredWhileTheServiceStopsIsStoredAlsoIfThePassIsLost(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		store := &stopped{Store: running(t, w), stop: func() { w.stop() }}
		w.end()
		w.config.Store = store
		w.apply = func(bos.PowerOp, string) (bos.CallResult, bool) {
			return bos.CallResult{Outcome: bos.CallRefused, Detail: "no power"}, true
		}
		w.start()
		w.session("again", "reboot", "t", "")
		if err := <-w.ended; err != nil {
			t.Error(err)
		}
		records, err := w.store.Components(t.Context(), bos.ComponentFilter{IDs: []string{nodeName(0)}})
		if err != nil || len(records) != 1 {
			t.Fatal(err)
		}
		r := records[0]
		if r.Work.Flight.Kind != bos.EffectNone || r.Work.BackOff.Setbacks != 1 || r.Work.Waiting.Detail != "no power" {
			t.Errorf("the refusal was lost: %+v, %q", r.Work, r.Error)
		}
		w.apply = nil
		w.start()
		if s := w.complete("again"); s.PercentSuccessful != 100 {
			t.Errorf("after that: %+v", s)
		}
	})
}
