package service

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// What the documentation of BOS says of sessions in version 1, under "BOS v1 session
// limitations", and that it does not hold here. Each is shown through the face of version
// 1 where that can say it.

// "No checking is done to prevent the launch of multiple sessions with overlapping lists of
// nodes. Concurrently running sessions may conflict with each other."
func TestLimitOfV1ThatOverlappingSessionsAreNotCheckedIsLifted(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		w.session("monday", "boot", "t", nodeName(0))
		w.advance(time.Second)
		overlaps := object{"operation": "reboot", "template_name": "t"}
		with := func(name, rule string) object {
			body := object{"name": name, "overlap": rule}
			for k, v := range overlaps {
				body[k] = v
			}
			return body
		}
		if res := w.do("POST", "/x/v1/sessions", with("rejected", "reject")); res.Code != http.StatusConflict || !strings.Contains(res.Body.String(), "monday") {
			t.Errorf("an overlapping session was answered with %d: %s", res.Code, res.Body)
		}
		w.must("POST", "/x/v1/sessions", with("queued", "queue"))
		w.waitsFor("queued", "monday")
		w.whole("monday", "queued")
		if ops := w.did(nodeName(0)); !slices.Equal(ops, []bos.PowerOp{bos.PowerOn, bos.PowerSoftOff, bos.PowerOn}) {
			t.Errorf("the node of both was given %v: the second was to begin when the first was done", ops)
		}
		// By the rule of version 2, which sessions of version 1 have as well, a node has one
		// session, and the older one says that it has it no more.
		w.session("older", "reboot", "t", "")
		w.advance(time.Second)
		w.must("POST", "/v1/session", object{"operation": "reboot", "templateName": "t", "limit": nodeName(1)})
		w.complete("older")
		var category struct {
			NodeList []string `json:"node_list"`
		}
		if w.get("/v1/session/older/status/compute/boot/excluded", &category); !slices.Equal(category.NodeList, []string{nodeName(1)}) {
			t.Errorf("of the node that was taken from it the older session says %v", category)
		}
	})
}

// "The boot ordinal and shutdown ordinal are not honored."
func TestLimitOfV1ThatOrdinalsAreNotHonouredIsLifted(t *testing.T) {
	inWorld(t, 5, func(t *testing.T, w *world) {
		w.ordinals()
		storage, others := []string{nodeName(3), nodeName(4)}, []string{nodeName(0), nodeName(1), nodeName(2)}
		for _, o := range []struct {
			operation     string
			op            bos.PowerOp
			first, second []string
			takes         time.Duration
		}{{"boot", bos.PowerOn, storage, others, bootTime}, {"shutdown", bos.PowerSoftOff, others, storage, offTime}} {
			w.v1(o.operation, "v1", "")
			_, last := w.times(o.op, o.first...)
			if next, _ := w.times(o.op, o.second...); next.Sub(last) < o.takes {
				t.Errorf("%s: the first ordinal had its turn until %s, and the second from %s on", o.operation, last, next)
			}
		}
	})
}

// "The partition parameter is not honored."
func TestLimitOfV1ThatThePartitionIsNotHonouredIsLifted(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.mu.Lock()
		w.inv.Partitions = map[string][]string{"p1": {nodeName(1)}}
		w.mu.Unlock()
		w.must("POST", "/v1/sessiontemplate", object{"name": "v1", "enable_cfs": false, "partition": "p1", "boot_sets": object{
			"compute": w.set(object{"node_roles_groups": []string{"Compute"}}),
		}})
		w.v1("boot", "v1", "")
		for i, touched := range []bool{false, true, false} {
			if ops := w.did(nodeName(i)); (len(ops) > 0) != touched {
				t.Errorf("%s was given %v, and the partition has %s alone", nodeName(i), ops, nodeName(1))
			}
		}
	})
}

// "All nodes proceed at the same pace. BOA will not move on to the next step of the boot
// process until all components have succeeded or failed the current step."
func TestLimitOfV1ThatAllNodesProceedAtTheSamePaceIsLifted(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.v1("boot", "t", "")
		w.forget()
		slow := nodeName(0)
		w.apply = func(op bos.PowerOp, id string) (bos.CallResult, bool) {
			if id != slow || op == bos.PowerOn {
				return bos.CallResult{}, false
			}
			return bos.CallResult{}, op == bos.PowerSoftOff // it takes the request and stays on, until it is forced
		}
		session := w.v1("reboot", "t", "")
		_, off := w.times(bos.PowerForceOff, slow)
		if off.IsZero() {
			t.Fatalf("the slow node was given %v", w.did(slow))
		}
		for _, quick := range []string{nodeName(1), nodeName(2)} {
			if on, _ := w.times(bos.PowerOn, quick); on.IsZero() || off.Sub(on) < bootTime {
				t.Errorf("%s was powered on at %s, and had booted long before the slow one was off, at %s", quick, on, off)
			}
		}
		if s := w.complete(session); s.PercentSuccessful != 100 {
			t.Errorf("%+v", s)
		}
	})
}

// v1 runs a session as a client of version 1 does, to its end.
func (w *world) v1(operation, template, limit string) (id string) {
	w.t.Helper()
	body := object{"operation": operation, "templateName": template}
	if limit != "" {
		body["limit"] = limit
	}
	res := w.must("POST", "/v1/session", body)
	_, rest, _ := strings.Cut(res.Body.String(), `"job":"boa-`)
	id, _, _ = strings.Cut(rest, `"`)
	if s := w.complete(id); s.PercentSuccessful != 100 {
		w.t.Fatalf("the %s ended as %+v", operation, s)
	}
	return id
}
