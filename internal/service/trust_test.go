package service

import (
	"net/http"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestTheReportOfAnEarlierBootEndsNoLaterOne: whoever has seen the report of a node may
// send it again. It says what the node booted then, and not that it has booted what was
// written since.
func TestTheReportOfAnEarlierBootEndsNoLaterOne(t *testing.T) {
	for what, parameters := range map[string]string{"another image": "quiet", "the same image": ""} {
		t.Run(what, func(t *testing.T) {
			inWorld(t, 1, func(t *testing.T, w *world) { replays(t, w, parameters) })
		})
	}
}

func replays(t *testing.T, w *world, parameters string) {
	id := nodeName(0)
	w.options(object{"default_retry_policy": 1})
	w.session("first", "boot", "t", "")
	w.complete("first")
	w.mu.Lock()
	report := object{"actual_state": object{"bss_token": w.nodes[id].token}}
	w.nodes[id].mute = true
	w.mu.Unlock()
	w.template("t", object{"compute": w.set(object{"node_roles_groups": []string{"Compute"}, "kernel_parameters": parameters})})
	w.session("second", "reboot", "t", "")
	for range 60 {
		w.advance(5 * time.Second)
		w.must("PATCH", "/v2/components/"+id, report)
	}
	if s := w.complete("second"); s.PercentSuccessful != 0 || s.PercentFailed != 100 {
		t.Errorf("the session is complete with %+v", s)
	}
	if c := w.component(id); c.Error == "" {
		t.Errorf("the node is %+v", c)
	}
	// One power cycle was asked for, and no report made it two.
	ons := 0
	for _, op := range w.did(id) {
		if op == bos.PowerOn {
			ons++
		}
	}
	if ons != 2 {
		t.Errorf("it was powered on %d times, %v", ons, w.did(id))
	}
}

// TestTheNodesOfATenantThatIsDeletedStayWithTheirSession: what is under way is what was
// accepted. Nobody asks for the tenant any more, and the site sees and ends its session.
func TestTheNodesOfATenantThatIsDeletedStayWithTheirSession(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		red := []string{"Cray-Tenant-Name", "red"}
		w.tenants["red"] = []string{nodeName(0), nodeName(1)}
		w.template("own", object{"compute": w.set(object{"node_roles_groups": []string{"Compute"}})}, red...)
		w.session("s", "boot", "own", "", red...)
		w.advance(3 * time.Second)
		w.mu.Lock()
		delete(w.tenants, "red")
		w.mu.Unlock()
		for _, path := range []string{"/v2/components", "/v2/components/" + nodeName(0), "/x/v1/events", "/x/v1/audit", "/x/v1/nodes"} {
			if got := w.do("GET", path, nil, red...); got.Code != http.StatusBadRequest {
				t.Errorf("%s is answered %d to a tenant that is no more: %s", path, got.Code, got.Body)
			}
		}
		if got := w.do("POST", "/v2/sessions", object{"name": "late", "operation": "shutdown", "template_name": "own"}, red...); got.Code != http.StatusBadRequest {
			t.Errorf("it starts a session: %d %s", got.Code, got.Body)
		}
		if s := w.complete("s", red...); s.ManagedComponentsCount != 2 || s.PercentSuccessful != 100 {
			t.Errorf("its session ends with %+v", s)
		}
		for i, want := range []string{"s", "s", ""} {
			if c := w.component(nodeName(i)); c.Session != want || len(w.did(nodeName(i))) > 0 != (want != "") {
				t.Errorf("%s is of session %q, and was asked %v", nodeName(i), c.Session, w.did(nodeName(i)))
			}
		}
	})
}
