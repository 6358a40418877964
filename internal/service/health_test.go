package service

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/health"
)

// ready asks whether the service is ready, and for what a part of it says.
func (w *world) ready(part string) (is bool, says string) {
	w.t.Helper()
	got := w.do(http.MethodGet, "/readyz", nil)
	var r health.Report
	if err := json.Unmarshal(got.Body.Bytes(), &r); err != nil {
		w.t.Fatal(err)
	}
	for _, p := range r.Parts {
		if p.Name == part {
			says = p.Says
		}
	}
	return got.Code == http.StatusOK, says
}

func TestReadinessFollowsTheLeaseTheBMCsAndTheStopOfTheService(t *testing.T) {
	inWorld(t, 20, func(t *testing.T, w *world) {
		w.advance(time.Minute)
		if is, says := w.ready("lease"); !is || !strings.Contains(says, "drives its database") {
			t.Errorf("a service at work: %v, %s", is, says)
		}
		if is, says := w.ready("inventory"); !is || !strings.Contains(says, "ago") {
			t.Errorf("its inventory: %v, %s", is, says)
		}
		w.silent(names(0, 12))
		w.session("s", "boot", "t", "")
		w.advance(2 * time.Minute)
		if is, says := w.ready("bmcs"); is || !strings.Contains(says, "silent: 12") {
			t.Errorf("12 of 20 BMCs are silent: %v, %s", is, says)
		}
		w.silent(nil) // nobody
		w.advance(5 * time.Minute)
		if is, says := w.ready("bmcs"); !is {
			t.Errorf("they answer again: %v, %s", is, says)
		}
		w.end()
		if is, says := w.ready("lease"); is || !strings.Contains(says, "does not drive") {
			t.Errorf("it has stopped: %v, %s", is, says)
		}
		w.start()
	})
}

func TestAnInventoryThatIsAwayForLongMakesAServiceUnready(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.advance(time.Minute)
		w.mu.Lock()
		w.unread = errors.New("connection refused")
		w.mu.Unlock()
		w.advance(health.MaxInventory / 2)
		if is, says := w.ready("inventory"); !is || !strings.Contains(says, "connection refused") {
			t.Errorf("after half of its time: %v, %s", is, says)
		}
		w.advance(health.MaxInventory)
		if is, says := w.ready("inventory"); is || !strings.Contains(says, "connection refused") {
			t.Errorf("after its time: %v, %s", is, says)
		}
	})
}

func TestACountOfBMCsLeavesOutThoseThatAreNotUsed(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.add("x1c1s0b0n0", bos.Node{ID: "x1c1s0b0n0", Enabled: false})
		w.advance(10 * time.Minute)
		if _, says := w.ready("bmcs"); !strings.Contains(says, "of 4 ") {
			t.Error(says)
		}
	})
}
