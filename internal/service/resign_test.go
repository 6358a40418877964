package service

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestAServiceThatEndsWaitsForNoQuestion: what BMCs that hang would have said is of no use
// to it, and another service waits for its lease.
func TestAServiceThatEndsWaitsForNoQuestion(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.session("first", "boot", "t", "")
		w.complete("first")
		var asked atomic.Int64
		w.mu.Lock()
		w.hang = func(string) bool { asked.Add(1); return true }
		w.mu.Unlock()
		w.session("second", "reboot", "t", "")
		for asked.Load() == 0 {
			w.advance(100 * time.Millisecond)
		}
		began := time.Now()
		w.stop()
		if err := <-w.ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it ended after %s, with %d questions to BMCs that hang", took, asked.Load())
		}
		w.mu.Lock()
		w.hang = nil
		w.mu.Unlock()
		w.start()
		if s := w.complete("second"); s.PercentSuccessful != 100 {
			t.Errorf("the next service ends the session as %+v", s)
		}
		for i := range 3 {
			if ops := w.did(nodeName(i)); len(ops) != 3 || ops[1] == bos.PowerForceOff {
				t.Errorf("%s was reset by %v", nodeName(i), ops)
			}
		}
	})
}
