package service

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// The tests here are of what a service that stands by was told, and the one that drives
// the database of both was not.

// order is something that a client asks for, and after which nothing more is to be sent
// to the first node of the room.
type order struct {
	method, path string
	body         object
}

func ordersFor(id string) map[string]order {
	return map[string]order{
		"a pause of the site":                 {"POST", "/x/v1/pause", object{"reason": "r"}},
		"a pause of the session":              {"POST", "/x/v1/sessions/again/pause", object{"reason": "r"}},
		"a hold":                              {"PUT", "/x/v1/components/" + id + "/hold", object{"reason": "r"}},
		"holds of many":                       {"POST", "/x/v1/holds", object{"reason": "r", "ids": []string{id}}},
		"a cancellation":                      {"POST", "/x/v1/sessions/again/cancel", object{"reason": "r"}},
		"a component that is disabled":        {"PATCH", "/v2/components/" + id, object{"enabled": false}},
		"components that are disabled":        {"PATCH", "/v2/components", object{"patch": object{"enabled": false}, "filters": object{"ids": id}}},
		"a component that is deleted":         {"DELETE", "/v2/components/" + id, nil},
		"a component that is written anew":    {"PUT", "/v2/components/" + id, object{"id": id, "enabled": false}},
		"a component that is to boot another": {"PATCH", "/v2/components/" + id, object{"session": "again", "desired_state": object{"boot_artifacts": object{"kernel": "k2"}}}},
	}
}

func TestNothingIsSentAnyMoreOnceAServiceThatStandsByHasAcknowledgedABrake(t *testing.T) {
	for name, b := range ordersFor(nodeName(0)) {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 2, func(t *testing.T, w *world) {
				running(t, w)
				w.shared()
				r := w.replica()
				w.advance(3 * time.Second)
				letGo := w.jam(nodeName(0))
				w.session("again", "reboot", "t", nodeName(0))
				w.advance(3 * time.Second)
				first := w.handler
				w.handler = r.handler
				asked := time.Now()
				w.must(b.method, b.path, b.body)
				if took := time.Since(asked); took > time.Second {
					t.Errorf("the answer took %s while the service that drives is well", took)
				}
				letGo()
				w.handler = first
				w.advance(100 * time.Millisecond)
				if w.refusals() != 1 || len(w.did(nodeName(0))) > 0 {
					t.Errorf("%d calls were held back, and %v sent after the answer", w.refusals(), w.did(nodeName(0)))
				}
				r.end(t)
			})
		})
	}
}

func TestAnOptionThatAServiceWhichStandsByAcknowledgedIsRead(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.shared()
		r := w.replica()
		w.advance(3 * time.Second)
		w.handler = r.handler
		w.options(object{"polling_frequency": 7})
		if is, err := w.store.Heard(t.Context()); err != nil || is.Asked == 0 || is.Upto < is.Asked {
			t.Errorf("the service that drives has heard %+v (%v) when the option was acknowledged", is, err)
		}
		r.end(t)
	})
}

// deaf is a store whose feed tells nothing for as long as it is deaf, and says so to
// nobody: all questions hang.
type deaf struct {
	bos.Store
	is atomic.Bool
}

func (d *deaf) hang(ctx context.Context) error {
	for d.is.Load() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

func (d *deaf) Heard(ctx context.Context) (bos.Heard, error) {
	if err := d.hang(ctx); err != nil {
		return bos.Heard{}, err
	}
	return d.Store.Heard(ctx)
}

func (d *deaf) Changes(ctx context.Context, after int64) (bos.Changes, error) {
	if err := d.hang(ctx); err != nil {
		return bos.Changes{}, err
	}
	return d.Store.Changes(ctx, after)
}

func TestAServiceThatDrivesAndCannotReadWhatItIsAskedToSendsNothingUntilItHas(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		running(t, w)
		w.end()
		store := &deaf{Store: w.store}
		w.config.Store, w.config.Shared = store, true
		w.start()
		w.advance(time.Second)
		r := w.replica()
		w.advance(3 * time.Second)
		letGo := w.jam(nodeName(0))
		w.session("again", "reboot", "t", nodeName(0))
		w.advance(3 * time.Second)
		store.is.Store(true)
		first := w.handler
		w.handler = r.handler
		asked := time.Now()
		w.must("POST", "/x/v1/pause", object{"reason": "r"})
		if took := time.Since(asked); took < shell.LeaseTTL {
			t.Errorf("the pause was acknowledged after %s, when nobody could know that it is in force", took)
		}
		if drives, _ := r.drives(); drives {
			t.Error("the lease was not renewed, so this shows nothing")
		}
		letGo()
		w.advance(100 * time.Millisecond)
		if w.refusals() != 1 || len(w.did(nodeName(0))) > 0 {
			t.Errorf("%d calls were held back, and %v sent after the answer", w.refusals(), w.did(nodeName(0)))
		}
		store.is.Store(false)
		w.must("POST", "/x/v1/resume", object{})
		w.handler = first
		if s := w.complete("again"); s.PercentSuccessful != 100 {
			t.Errorf("after that: %+v", s)
		}
		if got := w.did(nodeName(0)); !slices.Equal(got, []bos.PowerOp{bos.PowerSoftOff, bos.PowerOn}) {
			t.Errorf("the node was given %v", got)
		}
		r.end(t)
	})
}

func TestABrakeIsAcknowledgedWhileNobodyDrivesOnceNobodyCan(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.shared()
		r := w.replica()
		w.advance(3 * time.Second)
		w.end() // gives the lease up
		w.handler = r.handler
		asked := time.Now()
		w.must("POST", "/x/v1/pause", object{"reason": "r"})
		if took := time.Since(asked); took > time.Second {
			t.Errorf("it took %s although the lease was given up", took)
		}
		r.end(t)
		w.start()
	})
}

func TestWhyABootDidNotReportIsSaidAlsoWhereItsScriptWasFetchedFromAServiceThatStandsBy(t *testing.T) {
	for name, tc := range map[string]struct {
		fetches int
		again   bool
		want    bos.Cause
	}{
		"it was never fetched":            {want: bos.CauseNoBootScript},
		"it was fetched":                  {fetches: 1, want: bos.CauseNoReport},
		"its image could not be loaded":   {fetches: 40, again: true, want: bos.CauseImageNotLoaded},
		"it was fetched again from start": {fetches: 2, want: bos.CauseBootRestarts},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(t *testing.T, w *world) {
				w.config.Scripted = true
				w.shared()
				r := w.replica()
				w.options(object{"max_boot_wait_time": 120, "default_retry_policy": 1})
				w.nodes[nodeName(0)].mute = true
				w.session("s", "boot", "t", "")
				w.advance(15 * time.Second)
				for range tc.fetches {
					r.service.Fetched(bos.ScriptFetch{Host: nodeName(0), Token: w.nodes[nodeName(0)].token, Again: tc.again})
					w.advance(3 * time.Second)
				}
				w.complete("s")
				if got := w.cause("s", nodeName(0)); got != tc.want {
					t.Errorf("it is said that %q, want %q", got, tc.want)
				}
				r.end(t)
			})
		})
	}
}

func TestAHintThatAServiceWhichStandsByIsGivenHasTheNodeProbedSoon(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		running(t, w)
		w.options(object{"polling_frequency": 60})
		w.shared()
		r := w.replica()
		w.advance(3 * time.Second)
		var asked []time.Time
		w.mu.Lock()
		w.probe = func(string) (bos.PowerReading, bool) {
			asked = append(asked, time.Now())
			return bos.PowerReading{}, false
		}
		w.apply = func(bos.PowerOp, string) (bos.CallResult, bool) { return bos.CallResult{}, true } // which the BMC forgets
		w.mu.Unlock()
		w.session("again", "reboot", "t", "")
		w.advance(70 * time.Second)
		before := len(asked)
		r.service.Hint(nodeName(0))
		w.advance(2 * time.Second)
		if len(asked) == before {
			t.Error("a hint had the node not probed within two seconds")
		}
		w.must("POST", "/x/v1/sessions/again/cancel", object{})
		r.end(t)
	})
}

func TestHintsThatComeWhileNobodyDrivesAreForWhoDrivesNext(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.config.Scripted = true
		w.shared()
		w.options(object{"max_boot_wait_time": 120, "default_retry_policy": 1})
		w.nodes[nodeName(0)].mute = true
		w.session("s", "boot", "t", "")
		w.advance(15 * time.Second)
		w.end()
		if _, err := w.store.Lease(t.Context(), "dead", time.Time{}, bos.Lease{}); err != nil { // as one that was killed leaves it
			t.Fatal(err)
		}
		r := w.replica()
		w.handler = r.handler
		w.advance(time.Second)
		r.service.Fetched(bos.ScriptFetch{Host: nodeName(0), Token: w.nodes[nodeName(0)].token, Again: true})
		w.advance(8 * time.Second)
		if drives, _ := r.drives(); !drives {
			t.Fatal("it does not drive")
		}
		list, err := w.store.Components(t.Context(), bos.ComponentFilter{IDs: []string{nodeName(0)}})
		if err != nil || len(list) != 1 || list[0].Work.Cause != bos.CauseImageNotLoaded {
			t.Errorf("the node is known as %+v (%v), want that it cannot load its image", list, err)
		}
		r.end(t)
		w.start()
	})
}
