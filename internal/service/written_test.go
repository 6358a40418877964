package service

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestNodesThatAreWrittenAllTheTimeAreLookedAtAllTheSame: each write has a node decided on
// again, which put the next look at its power off each time. A node that was off was then
// waited for until it was to be forced off.
func TestNodesThatAreWrittenAllTheTimeAreLookedAtAllTheSame(t *testing.T) {
	for what, write := range map[string]func(w *world, n int){
		"nodes": func(w *world, n int) {
			for i := range 3 {
				w.must("PATCH", "/v2/components/"+nodeName(i), object{"retry_policy": 3 + n%2})
			}
		},
		"options": func(w *world, n int) { w.options(object{"max_boot_wait_time": 1000 + n}) },
	} {
		t.Run(what, func(t *testing.T) {
			inWorld(t, 3, func(t *testing.T, w *world) {
				w.session("first", "boot", "t", "")
				w.complete("first")
				took := make([]time.Duration, 0)
				for _, name := range []string{"written", "quiet"} {
					began := time.Now()
					w.session(name, "reboot", "t", "")
					var s bos.ExtendedStatus
					for n := 0; s.Status != bos.SessionComplete && time.Since(began) < 5*time.Minute; n++ {
						if name == "written" {
							write(w, n)
						}
						w.advance(50 * time.Millisecond)
						w.get("/v2/sessions/"+name+"/status", &s)
					}
					if s.PercentSuccessful != 100 {
						t.Errorf("%s: %+v", name, s)
					}
					took = append(took, time.Since(began).Round(time.Millisecond))
				}
				if took[0] > took[1]+5*time.Second {
					t.Errorf("a reboot took %s, and while the node was written all the time %s", took[1], took[0])
				}
				for i := range 3 {
					for _, op := range w.did(nodeName(i)) {
						if op == bos.PowerForceOff {
							t.Errorf("%s was forced off", nodeName(i))
						}
					}
				}
			})
		})
	}
}
