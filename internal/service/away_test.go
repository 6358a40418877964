package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// frail is a store that can be made to take no writes, and whose lease is not
// given up by a service that is killed.
type frail struct {
	bos.Store
	full, killed atomic.Bool
	// hangs, while it is set, holds every write up until it is closed; clocks are
	// those of the leases that were renewed.
	hangs  atomic.Pointer[chan struct{}]
	mu     sync.Mutex
	clocks []time.Time
	// slow is how long each commit takes.
	slow time.Duration
}

func (f *frail) wait() {
	if hangs := f.hangs.Load(); hangs != nil {
		<-*hangs
	}
}

var errFull = errors.New("database or disk is full")

func (f *frail) Lease(ctx context.Context, holder string, clock time.Time, dead bos.Lease) (bos.Lease, error) {
	return f.lease(func() (bos.Lease, error) { return f.Store.Lease(ctx, holder, clock, dead) })
}

func (f *frail) RenewLease(ctx context.Context, held bos.Lease, clock time.Time) (bos.Lease, error) {
	return f.lease(func() (bos.Lease, error) { return f.Store.RenewLease(ctx, held, clock) })
}

func (f *frail) lease(ask func() (bos.Lease, error)) (bos.Lease, error) {
	if f.full.Load() {
		return bos.Lease{}, errFull
	}
	f.wait()
	lease, err := ask()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.clocks = append(f.clocks, lease.Clock)
	}
	return lease, err
}

func (f *frail) Commit(ctx context.Context, c bos.Commit) (bos.Committed, error) {
	if f.full.Load() {
		return bos.Committed{}, errFull
	}
	f.wait()
	if f.slow > 0 {
		<-time.After(f.slow)
	}
	return f.Store.Commit(ctx, c)
}

func (f *frail) Release(ctx context.Context, holder string) error {
	if f.killed.Load() {
		return nil
	}
	return f.Store.Release(ctx, holder)
}

// onFrail starts the world's service anew on a store that can fail.
func (w *world) onFrail() *frail {
	w.end()
	f := &frail{Store: w.store}
	w.config.Store = f
	w.start()
	return f
}

// deliver sends the reports of all nodes that have booted, which nobody took.
func (w *world) deliver() {
	for id, m := range w.nodes {
		w.must("PATCH", "/v2/components/"+id, object{"id": id, "actual_state": object{"bss_token": m.token}})
	}
}

func TestNodesThatBootWhileNobodyCanTakeTheirReportsAreNotResetAfterwards(t *testing.T) {
	const bootWait, outage = 60, 10 * time.Minute
	for name, away := range map[string]func(*world, *frail){
		"stopped": func(w *world, _ *frail) {
			w.stop()
			if err := <-w.ended; err != nil {
				w.t.Error(err)
			}
			w.advance(outage)
			w.start()
		},
		"killed": func(w *world, f *frail) {
			f.killed.Store(true)
			w.stop()
			if err := <-w.ended; err != nil {
				w.t.Error(err)
			}
			w.advance(outage)
			w.start()
			w.advance(shell.LeaseTTL)
		},
		"database full": func(w *world, f *frail) {
			f.full.Store(true)
			w.advance(outage)
			f.full.Store(false)
		},
		"database hangs": func(w *world, f *frail) {
			hangs := make(chan struct{})
			f.hangs.Store(&hangs)
			w.advance(outage)
			f.hangs.Store(nil)
			close(hangs)
		},
		"database full, again and again": func(w *world, f *frail) {
			for range 20 {
				f.full.Store(true)
				w.advance(bootWait * time.Second)
				f.full.Store(false)
				w.advance(3 * time.Second)
			}
		},
	} {
		for _, retries := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, %d retries", name, retries), func(t *testing.T) {
				inWorld(t, 3, func(t *testing.T, w *world) {
					w.options(object{"max_boot_wait_time": bootWait, "default_retry_policy": retries})
					f := w.onFrail()
					for _, m := range w.nodes {
						m.mute = true
					}
					w.session("s", "boot", "t", "")
					w.advance(20 * time.Second)
					away(w, f)
					w.advance(8 * time.Second)
					w.deliver()
					if status := w.complete("s"); status.PercentSuccessful != 100 {
						t.Errorf("%+v, want all nodes booted: no outage of the service is a fault of theirs", status)
					}
					for id := range w.nodes {
						if ops := w.did(id); !slices.Equal(ops, []bos.PowerOp{bos.PowerOn}) {
							t.Errorf("%s was asked for %v, want one power-on", id, ops)
						}
					}
				})
			})
		}
	}
}

func TestTheTimeThatANodeHasToBootStandsWhileTheServiceIsAway(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.options(object{"max_boot_wait_time": 600})
		w.nodes[nodeName(0)].mute = true
		w.session("s", "boot", "t", "")
		w.advance(20 * time.Second)
		w.stop()
		if err := <-w.ended; err != nil {
			t.Error(err)
		}
		w.advance(time.Hour)
		w.start()
		w.advance(9 * time.Minute)
		w.deliver()
		w.complete("s")
		if ops := w.did(nodeName(0)); !slices.Equal(ops, []bos.PowerOp{bos.PowerOn}) {
			t.Errorf("asked for %v, want one power-on: of its ten minutes it had used 20 s", ops)
		}
	})
}

func TestANodeThatNeverReportsIsStillPowerCycledAfterAnOutage(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.options(object{"max_boot_wait_time": 60, "default_retry_policy": 2})
		f := w.onFrail()
		w.nodes[nodeName(0)].mute = true
		w.session("s", "boot", "t", "")
		w.advance(20 * time.Second)
		f.full.Store(true)
		w.advance(time.Hour)
		f.full.Store(false)
		w.advance(3 * time.Minute)
		if ops := w.did(nodeName(0)); !slices.Contains(ops, bos.PowerSoftOff) {
			t.Errorf("asked for %v three minutes after the outage, want it powered off after max_boot_wait_time", ops)
		}
	})
}

func TestALeaseThatNobodyRenewsIsTakenWhateverTimeItsHolderHad(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"an hour ahead": time.Hour, "the same": 0, "a day behind": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(t *testing.T, w *world) {
				w.stop()
				if err := <-w.ended; err != nil {
					t.Error(err)
				}
				if _, err := w.store.Lease(t.Context(), "killed", time.Now().Add(ahead), bos.Lease{}); err != nil {
					t.Fatal(err)
				}
				w.start()
				w.session("s", "boot", "t", "")
				w.advance(shell.LeaseTTL + bootTime + 10*time.Second)
				var status bos.ExtendedStatus
				w.get("/v2/sessions/s/status", &status)
				if status.PercentSuccessful != 100 {
					t.Errorf("%+v half a minute after the start", status)
				}
			})
		})
	}
}

func TestALeaseMovesWithEachRenewalAlsoWhileAPassTakesLong(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		f := w.onFrail()
		f.slow = 2 * shell.LeaseTTL
		w.session("s", "boot", "t", "")
		w.advance(2 * time.Minute)
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.clocks) < 50 {
			t.Fatalf("renewed %d times in two minutes", len(f.clocks))
		}
		for i, at := range f.clocks[1:] {
			if before := f.clocks[i]; !at.After(before) {
				t.Errorf("renewal %d says %s after %s: a lease that stands is taken for dead", i+1, at, before)
			}
		}
	})
}

func TestALeaseThatIsRenewedIsLeftAlone(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		running, stop, handler := w.ended, w.stop, w.handler
		w.start()
		err := <-w.ended
		if !errors.Is(err, bos.ErrLeaseHeld) || !strings.Contains(err.Error(), "keeps renewing it") {
			t.Errorf("a second service ends with %v", err)
		}
		w.stop()
		w.ended, w.stop, w.handler = running, stop, handler
		w.session("s", "boot", "t", "")
		w.complete("s")
	})
}

func TestAnUpstreamThatTakesLongToAnswerIsBelieved(t *testing.T) {
	for _, polling := range []int{1, 9, 15, 60} {
		for _, takes := range []time.Duration{3 * time.Second, 35 * time.Second, time.Minute} {
			t.Run(fmt.Sprintf("polling %d, %s", polling, takes), func(t *testing.T) {
				inWorld(t, 1, func(t *testing.T, w *world) {
					w.options(object{"polling_frequency": polling})
					w.probe = func(string) (bos.PowerReading, bool) {
						<-time.After(takes)
						return bos.PowerReading{}, false
					}
					w.session("s", "boot", "t", "")
					began := time.Now()
					if status := w.complete("s"); status.PercentSuccessful != 100 || time.Since(began) > 10*time.Minute {
						t.Errorf("%+v after %s", status, time.Since(began))
					}
				})
			})
		}
	}
}
