package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

// replica is one more service on the database of a world.
type replica struct {
	service *Service
	handler http.Handler
	stop    context.CancelFunc
	ended   chan error
}

func (w *world) replica() *replica {
	w.t.Helper()
	return w.replicaOn(func(s bos.Store) bos.Store { return s })
}

// replicaOn is one on what is made of its store.
func (w *world) replicaOn(wrap func(bos.Store) bos.Store) *replica {
	w.t.Helper()
	store, err := sqlite.Open(w.t.Context(), w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	config := w.config
	config.Store = wrap(store)
	s, err := New(config)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &replica{service: s, handler: access.Open(s.Handler()), stop: stop, ended: make(chan error, 1)}
	go func() {
		err := s.Run(ctx)
		if closed := store.Close(); err == nil {
			err = closed
		}
		r.ended <- err
	}()
	return r
}

func (r *replica) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
}

// drives reports whether it drives, and says whether it takes writes.
func (r *replica) drives() (drives, takesWrites bool) {
	return r.service.shell.Vitals().Drives, r.service.Driving() == nil
}

// shared lets the service of a world be one of several from here on.
func (w *world) shared() {
	w.t.Helper()
	w.end()
	w.config.Shared = true
	w.start()
	w.advance(time.Second)
}

func TestOfServicesThatShareADatabaseOneDrivesAndAnotherGoesOnWhenItEnds(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.shared()
		r := w.replica()
		w.advance(5 * time.Second)
		if drives, takes := r.drives(); drives || !takes {
			t.Errorf("the second drives %t, takes writes %t, while the first drives", drives, takes)
		}
		if part := leasePart(t, r); !strings.Contains(part, "stands by") {
			t.Errorf("the second says %q", part)
		}
		// What is written there is carried out by the first.
		first := w.handler
		w.handler = r.handler
		w.session("s", "boot", "t", "")
		w.complete("s")
		// In the middle of the next session the first one ends.
		w.session("s2", "reboot", "t", "")
		w.advance(3 * time.Second)
		before := len(w.calls)
		w.handler = first
		w.stop()
		if err := <-w.ended; err != nil {
			t.Error(err)
		}
		w.advance(time.Second)
		if drives, takes := r.drives(); !drives || !takes {
			t.Errorf("a second after the first gave up the second drives %t, takes writes %t", drives, takes)
		}
		w.handler = r.handler
		w.complete("s2")
		off, on := make(map[string]int), make(map[string]int)
		for _, c := range w.calls {
			if c.op == bos.PowerOn {
				on[c.id]++
			} else {
				off[c.id]++
			}
		}
		for i := range 3 {
			if id := nodeName(i); on[id] != 2 || off[id] != 1 {
				t.Errorf("%s was powered on %d times and off %d times, %d calls came before the first ended", id, on[id], off[id], before)
			}
		}
		r.end(t)
		w.start() // the world ends it
	})
}

// TestAServiceThatStandsByDrivesAtOnceWhenItHearsThatNobodyDoes, and not with its next look
// only, whenever that would be.
func TestAServiceThatStandsByDrivesAtOnceWhenItHearsThatNobodyDoes(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.shared()
		drives, waits := (*replica)(nil), w.replica()
		for round := range 3 {
			w.advance(time.Second + time.Duration(round)*60*time.Millisecond)
			if drives == nil {
				w.end()
			} else {
				drives.end(t)
			}
			if is, _ := waits.drives(); is {
				t.Fatal("it looked just now, which shows nothing")
			}
			waits.service.Freed()
			w.advance(time.Millisecond)
			if is, takes := waits.drives(); !is || !takes {
				t.Errorf("in round %d it drives %t, takes writes %t, as soon as it was told that nobody drives", round, is, takes)
			}
			drives, waits = waits, w.replica()
		}
		w.advance(time.Second)
		waits.end(t)
		drives.end(t)
		w.start() // the world ends it
	})
}

// leasePart is what a service says of its lease.
func leasePart(t *testing.T, r *replica) string {
	t.Helper()
	var health struct {
		Parts []struct{ Name, Says string }
	}
	w := world{t: t, handler: r.handler}
	w.get("/readyz", &health)
	at := slices.IndexFunc(health.Parts, func(p struct{ Name, Says string }) bool { return p.Name == "lease" })
	if at < 0 {
		t.Fatalf("there is no lease in %+v", health)
	}
	return health.Parts[at].Says
}

func TestAServiceThatSharesADatabaseTakesItOverWhenItsDriverIsDead(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.shared()
		w.end()
		if _, err := w.store.Lease(t.Context(), "dead", time.Now(), bos.Lease{}); err != nil {
			t.Fatal(err)
		}
		r := w.replica()
		w.advance(5 * time.Second)
		if drives, takes := r.drives(); drives || takes {
			t.Errorf("after five seconds it drives %t, takes writes %t, although nobody knows whether the driver is dead", drives, takes)
		}
		w.advance(3 * time.Second)
		if drives, takes := r.drives(); !drives || !takes {
			t.Errorf("after eight seconds it drives %t, takes writes %t", drives, takes)
		}
		r.end(t)
		w.start()
	})
}

func TestAServiceWhoseLeaseWasTakenStandsByAndDrivesAgain(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		w.shared()
		w.end()
		r := w.replica()
		w.advance(time.Second)
		w.handler = r.handler
		w.session("s", "boot", "t", "")
		w.advance(2 * time.Second)
		// Another takes the lease, as it would from one that was suspended.
		held, err := w.store.Lease(t.Context(), "other", time.Time{}, bos.Lease{})
		if held.Holder == "" || err == nil {
			t.Fatal(held, err)
		}
		taken, err := w.store.Lease(t.Context(), "other", time.Time{}, held)
		if err != nil {
			t.Fatal(err)
		}
		calls := len(w.calls)
		for i := range 5 {
			w.advance(2 * time.Second)
			if _, err := w.store.Lease(t.Context(), "other", taken.Clock.Add(time.Duration(i+1)*time.Second), bos.Lease{}); err != nil {
				t.Fatal(err)
			}
		}
		if drives, takes := r.drives(); drives || !takes {
			t.Errorf("without the lease it drives %t, takes writes %t", drives, takes)
		}
		if more := len(w.calls) - calls; more > 0 {
			t.Errorf("%d calls were made without the lease", more)
		}
		if err := w.store.Release(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
		w.advance(time.Second)
		if drives, _ := r.drives(); !drives {
			t.Error("a second after the lease was given up it does not drive")
		}
		w.complete("s")
		r.end(t)
		w.start()
	})
}

// upgraded is a store that a newer program upgrades at some moment.
type upgraded struct {
	bos.Store
	is atomic.Bool
}

func (u *upgraded) Lease(ctx context.Context, holder string, clock time.Time, dead bos.Lease) (bos.Lease, error) {
	if u.is.Load() {
		return bos.Lease{}, bos.ErrOutdated
	}
	return u.Store.Lease(ctx, holder, clock, dead)
}

func (u *upgraded) RenewLease(ctx context.Context, held bos.Lease, clock time.Time) (bos.Lease, error) {
	if u.is.Load() {
		return bos.Lease{}, bos.ErrOutdated
	}
	return u.Store.RenewLease(ctx, held, clock)
}

func TestAServiceWhoseDatabaseANewerProgramHasUpgradedEndsAndSaysWhy(t *testing.T) {
	for _, drives := range []bool{true, false} {
		t.Run(fmt.Sprint("drives: ", drives), func(t *testing.T) {
			inWorld(t, 1, func(t *testing.T, w *world) {
				running(t, w)
				w.shared()
				if drives {
					w.end()
				}
				var old upgraded
				r := w.replicaOn(func(s bos.Store) bos.Store {
					old.Store = s
					return &old
				})
				w.advance(5 * time.Second)
				if is, _ := r.drives(); is != drives {
					t.Fatalf("it drives: %t", is)
				}
				letGo := w.jam(nodeName(0))
				w.handler = r.handler
				w.session("again", "reboot", "t", "")
				w.advance(3 * time.Second)
				old.is.Store(true)
				w.advance(10 * time.Second)
				calls := len(w.did(nodeName(0)))
				letGo()
				if err := <-r.ended; !errors.Is(err, bos.ErrOutdated) {
					t.Errorf("it ended with %v", err)
				}
				if more := len(w.did(nodeName(0))) - calls; drives && more > 0 {
					t.Errorf("%d calls were made after the upgrade", more)
				}
				if drives {
					w.start()
				}
			})
		})
	}
}
