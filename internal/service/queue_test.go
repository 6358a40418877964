package service

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// queued starts a session that waits for nodes that others are at work on.
func (w *world) queued(name, operation, limit string, headers ...string) {
	w.t.Helper()
	body := object{"name": name, "operation": operation, "template_name": "t", "overlap": "queue"}
	if limit != "" {
		body["limit"] = limit
	}
	w.must("POST", "/x/v1/sessions", body, headers...)
}

// waits is why a session does not go on, and for which others; nil if it does.
func (w *world) waits(name string, headers ...string) *bos.SessionWait {
	w.t.Helper()
	var status struct {
		Wait *bos.SessionWait `json:"wait"`
	}
	w.get("/x/v1/sessions/"+name+"/status", &status, headers...)
	return status.Wait
}

// waitsFor holds it that a session waits for exactly these, and says so to clients of
// version 2 too.
func (w *world) waitsFor(name string, others ...string) {
	w.t.Helper()
	w.advance(2 * time.Second) // the answer is kept for a second
	wait := w.waits(name)
	if wait == nil || wait.Reason != bos.SessionWaitsQueue {
		var s bos.Session
		w.get("/v2/sessions/"+name, &s)
		w.t.Fatalf("session %s is %s (%v) and waits for %+v, want %q", name, s.Status.Status, s.Status.Error, wait, others)
	}
	var ahead []string
	for _, a := range wait.Ahead {
		ahead = append(ahead, a.Session)
	}
	slices.Sort(ahead)
	var s bos.Session
	w.get("/v2/sessions/"+name, &s)
	if !slices.Equal(ahead, others) || s.Status.Status != bos.SessionPending || s.Status.Error == nil || !strings.Contains(*s.Status.Error, others[0]) {
		w.t.Fatalf("session %s is %s (%v) and waits for %q, want %q", name, s.Status.Status, s.Status.Error, ahead, others)
	}
}

// began is when a session was set up, by the history.
func (w *world) began(name string) time.Time {
	w.t.Helper()
	events, err := w.store.Events(w.t.Context(), bos.EventFilter{Session: name, Seen: bos.WholeSite()})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == "session_setup" {
			return e.Time
		}
	}
	return time.Time{}
}

// whole holds it that a session booted all of its nodes.
func (w *world) whole(names ...string) {
	w.t.Helper()
	for _, name := range names {
		if s := w.complete(name); s.PercentSuccessful != 100 || s.ManagedComponentsCount == 0 {
			w.t.Errorf("session %s: %+v", name, s)
		}
	}
}

func TestASessionThatQueuesTouchesNoNodeBeforeThoseAheadAreDoneWithIt(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.session("monday", "boot", "t", nodeName(0)+","+nodeName(1))
		w.advance(time.Second)
		w.queued("tuesday", "reboot", nodeName(1)+","+nodeName(2))
		w.advance(time.Second)
		w.queued("wednesday", "reboot", nodeName(2))
		w.waitsFor("tuesday", "monday")
		w.waitsFor("wednesday", "tuesday")
		if ops := w.did(nodeName(2)); len(ops) > 0 {
			t.Errorf("the node of sessions that wait was given %v", ops)
		}
		// It is stored: the service that is started anew keeps the order.
		w.end()
		w.start()
		w.waitsFor("tuesday", "monday")
		w.waitsFor("wednesday", "tuesday")
		w.whole("monday")
		done := time.Now()
		w.whole("tuesday", "wednesday")
		if began := w.began("tuesday"); began.After(done) {
			t.Errorf("tuesday began at %s, monday was done with its nodes by %s", began, done)
		}
		if w.began("wednesday").Sub(w.began("tuesday")) < bootTime {
			t.Error("wednesday was set up while tuesday was at work on its node")
		}
		for _, name := range []string{"monday", "tuesday", "wednesday"} {
			if wait := w.waits(name); wait != nil {
				t.Errorf("session %s is over and waits for %+v", name, wait)
			}
			var s bos.Session
			if w.get("/v2/sessions/"+name, &s); s.Status.Error != nil {
				t.Errorf("session %s is over and says %q", name, *s.Status.Error)
			}
		}
	})
}

func TestNoTwoSessionsThatQueueWaitForEachOther(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.session("first", "boot", "t", nodeName(0)+","+nodeName(1)+","+nodeName(2))
		ring := [][2]int{{0, 1}, {1, 2}, {2, 0}}
		names := []string{"c", "a", "b"} // in another order than that of their names
		for i, pair := range ring {
			w.queued(names[i], "reboot", nodeName(pair[0])+","+nodeName(pair[1]))
		}
		w.waitsFor("c", "first")
		w.waitsFor("a", "c", "first")
		w.waitsFor("b", "a", "c", "first")
		w.whole(append(names, "first")...)
		if !w.began("c").Before(w.began("a")) || !w.began("a").Before(w.began("b")) {
			t.Errorf("they began at %s, %s and %s, want them in the order in which they were created", w.began("c"), w.began("a"), w.began("b"))
		}
	})
}

func TestWhatEndsASessionLetsThoseBehindItGoOn(t *testing.T) {
	for name, end := range map[string]func(*world){
		"it is cancelled": func(w *world) { w.must("POST", "/x/v1/sessions/monday/cancel", object{}) },
		"it is deleted":   func(w *world) { w.must("DELETE", "/v2/sessions/monday", nil) },
		"its nodes fail":  func(*world) {},
		"its nodes are taken out of it": func(w *world) {
			w.must("PATCH", "/v2/components/"+nodeName(0), object{"enabled": false})
		},
		"its component is deleted": func(w *world) { w.must("DELETE", "/v2/components/"+nodeName(0), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(t *testing.T, w *world) {
				w.options(object{"max_boot_wait_time": 60, "default_retry_policy": 1, "discovery_frequency": 60})
				w.nodes[nodeName(0)].mute = true
				w.session("monday", "boot", "t", "")
				w.advance(time.Second)
				w.queued("tuesday", "reboot", "")
				w.waitsFor("tuesday", "monday")
				end(w)
				w.mu.Lock()
				w.nodes[nodeName(0)].mute = false
				w.nodes[nodeName(0)].changes++ // whatever monday began reports to nobody
				w.mu.Unlock()
				s := w.complete("tuesday")
				if w.began("tuesday").IsZero() && name != "its component is deleted" {
					t.Errorf("tuesday was not set up: %+v", s)
				}
			})
		})
	}
}

func TestASessionIsWaitedForWhileItIsPausedAndThatIsSaid(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.nodes[nodeName(0)].mute = true // or it would be done while its session is paused
		w.session("monday", "boot", "t", "")
		w.advance(time.Second)
		w.queued("tuesday", "reboot", "")
		w.waitsFor("tuesday", "monday")
		w.must("POST", "/x/v1/sessions/monday/pause", object{"reason": "lunch"})
		w.waitsFor("tuesday", "monday")
		if wait := w.waits("tuesday"); wait.Ahead[0].Why != bos.AheadPaused || !strings.Contains(wait.Sentence, "paused") {
			t.Errorf("%+v", wait)
		}
		w.advance(time.Hour)
		w.waitsFor("tuesday", "monday")
		w.mu.Lock()
		w.nodes[nodeName(0)].mute = false
		w.mu.Unlock()
		w.must("POST", "/x/v1/sessions/monday/resume", object{})
		w.whole("monday", "tuesday")
	})
}

func TestASessionQueuesBehindThoseOfOtherTenants(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		w.tenants["blue"] = []string{nodeName(0), nodeName(1)}
		blue := []string{"Cray-Tenant-Name", "blue"}
		w.template("t", object{"compute": w.set(object{"node_roles_groups": []string{"Compute"}})}, blue...)
		w.session("s", "boot", "t", nodeName(0), blue...)
		w.advance(time.Second)
		w.queued("s", "reboot", "")
		w.waitsFor("s", "s")
		if wait := w.waits("s"); bos.TenantOf(wait.Ahead[0].Tenant) != "blue" || !strings.Contains(wait.Sentence, "blue") {
			t.Errorf("%+v", wait)
		}
		w.queued("later", "reboot", nodeName(1), blue...)
		w.complete("s", blue...)
		w.whole("s")
		w.complete("later", blue...)
	})
}

func TestASessionWhoseInventoryCannotBeReadKeepsItsPlaceInTheQueue(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		w.session("monday", "boot", "t", nodeName(0))
		w.advance(time.Second)
		w.queued("tuesday", "reboot", "")
		w.waitsFor("tuesday", "monday")
		w.mu.Lock()
		w.unread = bos.ErrNotFound
		w.mu.Unlock()
		w.complete("monday")
		w.advance(5 * time.Second)
		if wait := w.waits("tuesday"); wait == nil || wait.Reason != bos.SessionWaitsSetup || len(wait.Ahead) > 0 {
			t.Errorf("monday is over and the inventory cannot be read, and tuesday waits for %+v", wait)
		}
		w.mu.Lock()
		w.unread = nil
		w.mu.Unlock()
		w.whole("tuesday")
	})
}

func TestTheHistorySaysForWhomASessionWaits(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.session("monday", "boot", "t", "")
		w.advance(time.Second)
		w.queued("tuesday", "reboot", "")
		w.waitsFor("tuesday", "monday")
		w.whole("monday", "tuesday")
		events, err := w.store.Events(t.Context(), bos.EventFilter{Session: "tuesday", Seen: bos.WholeSite()})
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, e := range events {
			if e.Kind == "session_queued" {
				said = append(said, e.Detail)
			}
		}
		if len(said) != 1 || !strings.Contains(said[0], "monday") {
			t.Errorf("the history says %q of the wait", said)
		}
	})
}

func TestASessionThatQueuesBehindNobodyBeginsAtOnce(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		w.session("monday", "boot", "t", nodeName(0))
		w.must("POST", "/v2/sessions", object{"name": "staged", "operation": "boot", "template_name": "t", "limit": nodeName(1), "stage": true})
		w.queued("tuesday", "boot", nodeName(1))
		w.advance(time.Second)
		if w.began("tuesday").IsZero() {
			t.Errorf("tuesday waits for %+v", w.waits("tuesday"))
		}
		w.whole("tuesday")
	})
}

func TestASessionThatQueuesWaitsForNobodyThatItReplaces(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		w.nodes[nodeName(0)].mute, w.nodes[nodeName(1)].mute = true, true
		w.session("monday", "boot", "t", nodeName(0))
		w.session("sunday", "boot", "t", nodeName(1))
		w.advance(time.Second)
		w.must("POST", "/x/v1/sessions", object{
			"name": "tuesday", "operation": "reboot", "template_name": "t", "overlap": "queue", "replaces": []string{"monday"}, "limit": nodeName(0),
		})
		w.must("POST", "/x/v1/sessions", object{
			"name": "wednesday", "operation": "reboot", "template_name": "t", "overlap": "queue", "replaces": []string{"monday", "tuesday"},
		})
		w.waitsFor("wednesday", "sunday")
		if wait := w.waits("tuesday"); wait != nil || w.began("tuesday").IsZero() {
			t.Errorf("tuesday, which replaces monday, waits for %+v", wait)
		}
	})
}
