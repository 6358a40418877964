package service

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// A session that waits and is replaced meanwhile does nothing after the one that stands
// in for it: its nodes would go back to what nobody wants any more.
func TestASessionThatWaitsDoesNothingAfterTheOneThatReplacesIt(t *testing.T) {
	for _, rule := range []string{"queue", "take_over", "reject"} {
		t.Run(rule, func(t *testing.T) {
			inWorld(t, 2, func(t *testing.T, w *world) {
				w.session("theirs", "boot", "t", nodeName(0))
				w.advance(time.Second)
				limit := nodeName(0) + "," + nodeName(1)
				w.queued("old", "reboot", limit)
				w.waitsFor("old", "theirs")
				if rule == "reject" {
					limit = nodeName(1) // what theirs has would refuse it
				}
				w.must("POST", "/x/v1/sessions", object{"name": "new", "operation": "shutdown", "template_name": "t", "limit": limit, "overlap": rule, "replaces": []string{"old"}})
				w.complete("theirs")
				w.complete("new")
				w.advance(10 * time.Minute)
				if began := w.began("old"); began.After(w.began("new")) {
					t.Errorf("it began at %s, after the session that replaced it, which began at %s: %v", began, w.began("new"), w.did(nodeName(1)))
				}
				var s bos.Session
				w.get("/v2/sessions/old", &s)
				if s.Status.Status != bos.SessionComplete || w.began("old").IsZero() && (s.Status.Error == nil || !strings.Contains(*s.Status.Error, "session new")) {
					t.Errorf("the session that was replaced is %+v", s.Status)
				}
			})
		})
	}
}
