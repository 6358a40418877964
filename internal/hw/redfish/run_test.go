package redfish_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// rack is endpoints of n nodes of one BMC, in order.
func rack(b *bmc, slot, n int) (ids []string, endpoints map[string]redfish.Endpoint) {
	endpoints = make(map[string]redfish.Endpoint)
	for i := range n {
		id := fmt.Sprintf("x1c0s%db0n%d", slot, i)
		ids = append(ids, id)
		endpoints[id] = b.endpoint(fmt.Sprintf("Node%d", i))
	}
	return ids, endpoints
}

func TestABMCServesOneRequestAtATimeWhateverIsGoingOn(t *testing.T) {
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		for range 1000 {
			runtime.Gosched() // who could come meanwhile has the time to
		}
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusConflict) // makes it probe again
		}
		_, _ = fmt.Fprint(w, `{"PowerState":"Off"}`)
	})
	ids, endpoints := rack(b, 1, 8)
	c := connect(t, redfish.Config{Endpoints: fixed(endpoints)})
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() { probe(t.Context(), t, c, ids...) })
		all.Go(func() { apply(t.Context(), t, c, bos.PowerOn, ids...) })
	}
	all.Wait()
	if b.most.Load() != 1 {
		t.Errorf("%d requests at once", b.most.Load())
	}
	if len(b.asked()) != 5*8+5*8*2 {
		t.Errorf("%d requests", len(b.asked()))
	}
	if b.opened.Load() != 1 {
		t.Errorf("%d connections", b.opened.Load())
	}
	if c.Gates() != 0 {
		t.Errorf("%d gates are left", c.Gates())
	}
}

func TestASilentBMCIsNotAskedForItsOtherNodes(t *testing.T) {
	t.Parallel()
	b := startBMC(t, func(b *bmc, _ http.ResponseWriter, _ *http.Request, _ string) { b.hold() })
	ids, endpoints := rack(b, 1, 4)
	c := connect(t, redfish.Config{Endpoints: fixed(endpoints), Timeouts: redfish.Timeouts{Read: patience, Reset: patience}})
	got := probe(t.Context(), t, c, ids...)
	for _, id := range ids {
		wantReading(t, got.results[id], bos.PowerStateUnknown, bos.SymptomSilent, bos.CauseNone, "did not answer")
	}
	if len(b.asked()) != 1 {
		t.Errorf("asked %v", b.asked())
	}
	done := apply(t.Context(), t, c, bos.PowerOn, ids...)
	for i, id := range ids {
		if i == 0 {
			wantResult(t, done.results[id], bos.CallUnknown, bos.CauseResetUnconfirmed, "did not answer")
			continue
		}
		wantResult(t, done.results[id], bos.CallNotAttempted, bos.CauseBMCUnreachable, "did not answer")
	}
	if len(b.posts()) != 1 {
		t.Errorf("sent %v", b.posts())
	}
}

func TestARefusingBMCIsAskedForEachNode(t *testing.T) {
	b := startBMC(t, always(http.StatusInternalServerError, ""))
	ids, endpoints := rack(b, 1, 3)
	probe(t.Context(), t, connect(t, redfish.Config{Endpoints: fixed(endpoints)}), ids...)
	if len(b.asked()) != 3 {
		t.Errorf("asked %v", b.asked())
	}
}

func TestADeadBMCDoesNotHoldUpTheOthers(t *testing.T) {
	answered := make(chan struct{})
	dead := startBMC(t, func(_ *bmc, w http.ResponseWriter, _ *http.Request, _ string) {
		<-answered
		_, _ = fmt.Fprint(w, `{"PowerState":"On"}`)
	})
	alive := startBMC(t, powered("Off"))
	c := connect(t, redfish.Config{Concurrency: 2, Endpoints: fixed(map[string]redfish.Endpoint{
		"x1c0s1b0n0": dead.endpoint("1"), "x1c0s2b0n0": alive.endpoint("1"),
	})})
	got := readings(t)
	got.then = func(r bos.PowerReading) {
		if r.ID == "x1c0s2b0n0" {
			close(answered)
		}
	}
	c.Probe(t.Context(), []string{"x1c0s1b0n0", "x1c0s2b0n0"}, got.each)
	if !slices.Equal(got.order, []string{"x1c0s2b0n0", "x1c0s1b0n0"}) {
		t.Errorf("order %v", got.order)
	}
}

func TestABMCThatKeptSilentQueuesApart(t *testing.T) {
	answered := make(chan struct{})
	var round atomic.Int32
	dead := startBMC(t, func(_ *bmc, w http.ResponseWriter, _ *http.Request, _ string) {
		if round.Load() == 0 {
			panic(http.ErrAbortHandler)
		}
		<-answered
		_, _ = fmt.Fprint(w, `{"PowerState":"On"}`)
	})
	alive := startBMC(t, powered("Off"))
	c := connect(t, redfish.Config{Concurrency: 1, Endpoints: fixed(map[string]redfish.Endpoint{
		"x1c0s1b0n0": dead.endpoint("1"), "x1c0s2b0n0": alive.endpoint("1"),
	})})
	ids := []string{"x1c0s1b0n0", "x1c0s2b0n0"}
	probe(t.Context(), t, c, ids...)
	round.Store(1)
	got := readings(t)
	got.then = func(r bos.PowerReading) {
		if r.ID == "x1c0s2b0n0" {
			close(answered)
		}
	}
	c.Probe(t.Context(), ids, got.each)
	if !slices.Equal(got.order, []string{"x1c0s2b0n0", "x1c0s1b0n0"}) {
		t.Errorf("order %v", got.order)
	}
	wantReading(t, got.results["x1c0s1b0n0"], bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
}

func TestNoMoreRequestsAreInFlightThanAllowed(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	handler := func(_ *bmc, w http.ResponseWriter, _ *http.Request, _ string) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		_, _ = fmt.Fprint(w, `{"PowerState":"On"}`)
		mu.Lock()
		now--
		mu.Unlock()
	}
	endpoints := make(map[string]redfish.Endpoint)
	var ids []string
	for slot := range 12 {
		some, more := rack(startBMC(t, handler), slot, 2)
		ids = append(ids, some...)
		for id, e := range more {
			endpoints[id] = e
		}
	}
	c := connect(t, redfish.Config{Endpoints: fixed(endpoints), Concurrency: 3})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { probe(t.Context(), t, c, ids...) })
	}
	all.Wait()
	if most > 3 {
		t.Errorf("%d requests at once", most)
	}
}

func TestACancelledProbeReportsTheRestAsSilent(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	arrived := make(chan struct{}, 8)
	handler := func(b *bmc, _ http.ResponseWriter, _ *http.Request, _ string) {
		arrived <- struct{}{}
		b.hold()
	}
	first, firstEndpoints := rack(startBMC(t, handler), 1, 3)
	second, secondEndpoints := rack(startBMC(t, handler), 2, 3)
	for id, e := range secondEndpoints {
		firstEndpoints[id] = e
	}
	c := connect(t, redfish.Config{Endpoints: fixed(firstEndpoints)})
	go func() {
		<-arrived
		<-arrived
		cancel()
	}()
	got := probe(ctx, t, c, append(first, second...)...)
	if len(got.results) != 6 {
		t.Errorf("%d results", len(got.results))
	}
	for _, r := range got.results {
		wantReading(t, r, bos.PowerStateUnknown, bos.SymptomSilent, bos.CauseNone, "cancelled")
	}
	if c.Gates() != 0 {
		t.Errorf("%d gates are left", c.Gates())
	}
}

func TestACancelledApplyTellsWhatWasSentFromWhatWasNot(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := startBMC(t, func(b *bmc, _ http.ResponseWriter, _ *http.Request, _ string) {
		cancel()
		b.hold()
	})
	ids, endpoints := rack(b, 1, 3)
	got := apply(ctx, t, connect(t, redfish.Config{Endpoints: fixed(endpoints)}), bos.PowerOn, ids...)
	wantResult(t, got.results[ids[0]], bos.CallUnknown, bos.CauseResetUnconfirmed, "cancelled")
	for _, id := range ids[1:] {
		wantResult(t, got.results[id], bos.CallNotAttempted, bos.CauseNone, "cancelled")
	}
	if len(b.posts()) != 1 {
		t.Errorf("sent %v", b.posts())
	}
}

func TestNothingIsSentOnceTheContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := startBMC(t, powered("On"))
	c := connectTo(t, b.endpoint("1"))
	probe(t.Context(), t, c, node) // the endpoints are known
	cancel()
	wantReading(t, probe(ctx, t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomSilent, bos.CauseNone, "cancelled")
	wantResult(t, apply(ctx, t, c, bos.PowerForceOff, node).results[node], bos.CallNotAttempted, bos.CauseNone, "cancelled")
	if len(b.posts()) != 0 {
		t.Errorf("sent %v", b.posts())
	}
}

func TestACallDoesNotWaitForAnInventoryThatHangs(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	ctx, cancel := context.WithCancel(t.Context())
	c := connect(t, redfish.Config{Endpoints: func(context.Context) (map[string]redfish.Endpoint, error) {
		cancel()
		<-over
		return nil, nil
	}})
	wantReading(t, probe(ctx, t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomSilent, bos.CauseNone, "cancelled")
}

func TestNobodyIsNoCall(t *testing.T) {
	c := connect(t, redfish.Config{Endpoints: fixed(nil)})
	if got := probe(t.Context(), t, c); len(got.results) != 0 {
		t.Errorf("got %v", got.results)
	}
}

func TestEveryNodeIsReportedExactlyOnce(t *testing.T) {
	behave := func(b *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case strings.Contains(r.URL.Path, "Node1"):
			w.WriteHeader(http.StatusServiceUnavailable)
		case strings.Contains(r.URL.Path, "Node2"):
			panic(http.ErrAbortHandler)
		case strings.Contains(r.URL.Path, "Node3"):
			w.WriteHeader(http.StatusConflict)
		default:
			_, _ = fmt.Fprint(w, `{"PowerState":"On"}`)
		}
	}
	endpoints := make(map[string]redfish.Endpoint)
	var all []string
	for slot := range 4 {
		ids, more := rack(startBMC(t, behave), slot, 5)
		all = append(all, ids...)
		for id, e := range more {
			endpoints[id] = e
		}
	}
	off := redfish.Endpoint{Address: closedAddress(t), System: "/redfish/v1/Systems/1"}
	endpoints["x2c0s0b0n0"], endpoints["x2c0s0b0n1"] = off, off
	all = append(all, "x2c0s0b0n0", "x2c0s0b0n1", "x9c0s0b0n0", "nid000001")
	c := connect(t, redfish.Config{Endpoints: fixed(endpoints), Concurrency: 3})
	rapid.Check(t, func(rt *rapid.T) {
		ids := rapid.SliceOf(rapid.SampledFrom(all)).Draw(rt, "ids")
		cancelAt := rapid.IntRange(-1, len(ids)).Draw(rt, "cancelled after")
		op := rapid.SampledFrom([]bos.PowerOp{bos.PowerOn, bos.PowerSoftOff, bos.PowerForceOff}).Draw(rt, "op")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stop := func(n int) {
			if n == cancelAt {
				cancel()
			}
		}
		stop(0)
		seen, done := readings(t), results(t)
		seen.then = func(bos.PowerReading) { stop(len(seen.order)) }
		done.then = func(bos.CallResult) { stop(len(done.order)) }
		c.Probe(ctx, ids, seen.each)
		c.Apply(ctx, op, ids, done.each)
		for _, id := range ids {
			if _, ok := seen.results[id]; !ok {
				rt.Errorf("Probe did not report %s", id)
			}
			if _, ok := done.results[id]; !ok {
				rt.Errorf("Apply did not report %s", id)
			}
		}
	})
}

func TestAHaltLetsTheCallUnderWayEndAndStartsNoOther(t *testing.T) {
	var halted atomic.Bool
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, _ *http.Request, _ string) {
		halted.Store(true)
		w.WriteHeader(http.StatusNoContent)
	})
	ids, endpoints := rack(b, 1, 4)
	c := connect(t, redfish.Config{Endpoints: fixed(endpoints)})
	got := apply(bos.WithPermission(t.Context(), func(string) bool { return !halted.Load() }), t, c, bos.PowerOn, ids...)
	done, left := 0, 0
	for _, r := range got.results {
		switch r.Outcome {
		case bos.CallDone:
			done++
		case bos.CallNotAttempted:
			left++
		default:
			t.Errorf("%+v", r)
		}
	}
	if done != 1 || left != 3 || len(b.posts()) != 1 {
		t.Errorf("%d done, %d not attempted, sent %v; want the first only", done, left, b.posts())
	}
}
