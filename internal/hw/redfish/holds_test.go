package redfish_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// holder is who says which nodes are kept from being touched.
type holder struct {
	mu    sync.Mutex
	holds map[string]bos.Hold
	err   error
	asked int
}

func (h *holder) ask(context.Context, []string) (map[string]bos.Hold, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	return h.holds, h.err
}

func (h *holder) set(holds map[string]bos.Hold, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holds, h.err = holds, err
}

func TestNothingIsSentToANodeThatIsKeptFromBeingTouchedOrOfWhichNobodyCanSay(t *testing.T) {
	h := &holder{}
	atRoom(t, 3, redfish.Config{Holds: h.ask}, func(t *testing.T, s *emulator.Server, c *redfish.Client, _ *atomic.Value) {
		ids := nodesOf(s)
		h.set(map[string]bos.Hold{ids[1]: {Cause: bos.CauseReserved, Detail: "reserved by FAS"}}, nil)
		got := apply(t.Context(), t, c, bos.PowerOn, ids...).results
		wantResult(t, got[ids[0]], bos.CallDone, bos.CauseNone)
		wantResult(t, got[ids[1]], bos.CallNotAttempted, bos.CauseReserved, "reserved by FAS")
		wantResult(t, got[ids[2]], bos.CallDone, bos.CauseNone)
		if h.asked != 1 {
			t.Errorf("%d questions for one batch", h.asked)
		}
		h.set(nil, errors.New("HSM is away"))
		for _, r := range apply(t.Context(), t, c, bos.PowerForceOff, ids...).results {
			wantResult(t, r, bos.CallNotAttempted, bos.CauseUpstreamOutage, "HSM is away", "nothing is sent")
		}
		h.set(nil, nil)
		wantResult(t, apply(t.Context(), t, c, bos.PowerOn, ids[1]).results[ids[1]], bos.CallDone, bos.CauseNone)
		for i, id := range ids {
			if n := len(s.Room().Resets(id)); n != 1 {
				t.Errorf("node %d was reset %d times", i, n)
			}
		}
	})
}

// TestALockThatComesWhileAResetWaitsForItsTurnIsHeeded: the BMC of the first node is
// slow, and the second node waits behind it.
func TestALockThatComesWhileAResetWaitsForItsTurnIsHeeded(t *testing.T) {
	h := &holder{}
	atRoom(t, 2, redfish.Config{Holds: h.ask, Concurrency: 1}, func(t *testing.T, s *emulator.Server, c *redfish.Client, _ *atomic.Value) {
		ids := nodesOf(s)
		if err := s.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.SlowReset, Delay: 20 * time.Second}); err != nil {
			t.Fatal(err)
		}
		busy := make(chan struct{})
		go func() {
			defer close(busy)
			c.Apply(t.Context(), bos.PowerOn, ids[1:], func(bos.CallResult) {})
		}()
		<-time.After(time.Second)
		go func() {
			<-time.After(10 * time.Second)
			h.set(map[string]bos.Hold{ids[1]: {Cause: bos.CauseLocked, Detail: "locked a moment ago"}}, nil)
		}()
		wantResult(t, apply(t.Context(), t, c, bos.PowerForceOff, ids[1]).results[ids[1]], bos.CallNotAttempted, bos.CauseLocked, "locked a moment ago")
		<-busy
	})
}

// TestNodesAreReservedForAsLongAsTheyAreReset: those that somebody else has get nothing,
// and nobody does while it cannot be told.
func TestNodesAreReservedForAsLongAsTheyAreReset(t *testing.T) {
	var asked []string
	var failing error
	released, reset := 0, 0
	h := &holder{}
	reserve := func(_ context.Context, ids []string) (map[string]bos.Hold, func(), error) {
		asked = append(asked, ids...)
		if failing != nil {
			return nil, func() {}, failing
		}
		return map[string]bos.Hold{ids[0]: {Cause: bos.CauseReserved, Detail: "FAS has it"}}, func() { released++ }, nil
	}
	atRoom(t, 3, redfish.Config{Holds: h.ask, Reserve: reserve}, func(t *testing.T, s *emulator.Server, c *redfish.Client, _ *atomic.Value) {
		ids := nodesOf(s)
		h.set(map[string]bos.Hold{ids[0]: {Cause: bos.CauseLocked, Detail: "locked"}}, nil)
		got := results(t)
		got.then = func(r bos.CallResult) {
			if reset++; released != 0 {
				t.Errorf("released before %s was answered", r.ID)
			}
		}
		c.Apply(t.Context(), bos.PowerOn, ids, got.each)
		wantResult(t, got.results[ids[0]], bos.CallNotAttempted, bos.CauseLocked, "locked")
		wantResult(t, got.results[ids[1]], bos.CallNotAttempted, bos.CauseReserved, "FAS has it")
		wantResult(t, got.results[ids[2]], bos.CallDone, bos.CauseNone)
		if released != 1 || reset != 3 || !slices.Equal(asked, ids[1:]) {
			t.Errorf("released %d times after %d answers, reserved %v", released, reset, asked)
		}
		failing = errors.New("HSM is away")
		h.set(nil, nil)
		for _, r := range apply(t.Context(), t, c, bos.PowerForceOff, ids...).results {
			wantResult(t, r, bos.CallNotAttempted, bos.CauseUpstreamOutage, "HSM is away")
		}
	})
}

// TestNothingIsSentUnderAReservationThatMayHaveRunOut: the turn of the reset comes when
// the BMC has answered a read.
func TestNothingIsSentUnderAReservationThatMayHaveRunOut(t *testing.T) {
	const counts = 5 * time.Minute
	for name, tc := range map[string]struct {
		late time.Duration
		sent int
	}{"just before it may": {counts - 10*time.Second, 1}, "just after it may": {counts + 10*time.Second, 0}} {
		t.Run(name, func(t *testing.T) {
			released := 0
			reserve := func(context.Context, []string) (map[string]bos.Hold, func(), error) {
				return nil, func() { released++ }, nil
			}
			h := &holder{}
			rc := redfish.Config{Holds: h.ask, Reserve: reserve, Timeouts: redfish.Timeouts{Read: 2 * counts}}
			atRoom(t, 1, rc, func(t *testing.T, s *emulator.Server, c *redfish.Client, _ *atomic.Value) {
				id := nodesOf(s)[0]
				if err := s.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.Slow, Delay: tc.late, Times: 1}); err != nil {
					t.Fatal(err)
				}
				read := make(chan bos.PowerReading, 1)
				go c.Probe(t.Context(), []string{id}, func(r bos.PowerReading) { read <- r })
				synctest.Wait() // the BMC is at it
				began := time.Now()
				got := apply(t.Context(), t, c, bos.PowerOn, id).results[id]
				if r := <-read; r.State != bos.PowerStateOff || time.Since(began) != tc.late {
					t.Fatalf("after %s the BMC had answered %+v", time.Since(began), r)
				}
				if tc.sent > 0 {
					wantResult(t, got, bos.CallDone, bos.CauseNone)
				} else {
					wantResult(t, got, bos.CallNotAttempted, bos.CauseNone, "its reservation may have run out", "tried again")
				}
				if n := len(s.Room().Resets(id)); n != tc.sent {
					t.Errorf("it was reset %d times, want %d", n, tc.sent)
				}
				if tc.sent == 0 { // its next try is under a reservation of then
					wantResult(t, apply(t.Context(), t, c, bos.PowerOn, id).results[id], bos.CallDone, bos.CauseNone)
				}
				if want := 2 - tc.sent; released != want {
					t.Errorf("%d reservations were given back %d times", want, released)
				}
			})
		})
	}
}
