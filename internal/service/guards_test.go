package service

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Between its acceptance and its setup a session may wait for hours, for images, the
// inventory or a pause, and nodes that were off may run something by then.
func TestNodesThatWereTurnedOnBeforeTheSetupAreCountedAgain(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		seen := func(id string, power bos.PowerState) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for i := range w.inv.Nodes {
				if id == "" || w.inv.Nodes[i].ID == id {
					w.inv.Nodes[i].Seen = power
				}
			}
		}
		for name, c := range map[string]struct {
			on      string
			allowed int
			ends    bool
		}{"one more than allowed": {nodeName(0), 0, true}, "as many as allowed": {nodeName(0), 1, false}} {
			seen("", bos.PowerStateOff)
			w.forget()
			var accepted, away atomic.Bool
			away.Store(true)
			w.image = func(string) error {
				if accepted.Swap(true) && away.Load() {
					return errors.New("the image store does not answer")
				}
				return nil
			}
			w.must("POST", "/x/v1/sessions", object{"name": "s", "operation": "reboot", "template_name": "t", "guards": object{"max_reboots": c.allowed}})
			w.advance(10 * time.Second)
			seen(c.on, bos.PowerStateOn)
			away.Store(false)
			w.complete("s")
			var s bos.Session
			w.get("/v2/sessions/s", &s)
			switch {
			case !c.ends && s.Status.Error != nil:
				t.Errorf("%s: it ends with %s", name, *s.Status.Error)
			case c.ends && (s.Status.Error == nil || *s.Status.Error != "nodes changed after the session was accepted, and it goes beyond a guard of whoever asked for it: it would take down 1 node that is on, or may be, and max_reboots allows 0; no node was touched; plan again"):
				t.Errorf("%s: it ends with %v", name, s.Status.Error)
			case c.ends && len(w.did(nodeName(0)))+len(w.did(nodeName(1))) > 0:
				t.Errorf("%s: nodes were touched", name)
			}
			w.must("DELETE", "/v2/sessions/s", nil)
		}
	})
}
