package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestWhyOfANodeWhosePowerIsNotKnownSaysSinceWhenAndByTheSettingsOfTheSiteForHowLong(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Policy = func(o bos.Options) bos.Policy {
			p := o.Policy()
			p.MaxUnreachable = time.Hour
			return p
		}
	})
	s.record("x1c0s1b0n0", func(r *bos.Record) {
		r.Enabled, r.Goal, r.Session = true, bos.GoalBoot, "s"
		r.Wait(bos.Waiting{For: bos.WaitBMC, Cause: bos.CauseBMCUnreachable, Detail: "no route"})
	})
	s.commit(bos.Commit{Events: []bos.Event{{Kind: "power_on", Component: "x1c0s1b0n0", Session: "s", Time: noon}, {Kind: "hold", Component: "x1c0s1b0n0", Session: "s", Time: noon.Add(time.Minute)}}})
	var why bos.Why
	s.do("GET", "/x/v1/components/x1c0s1b0n0/why", nil).ok(http.StatusOK, &why)
	if why.WaitsFor.Since == nil || !why.WaitsFor.Since.Equal(noon.Add(time.Minute)) || why.Answer != "no route" || why.Since == nil || why.Phase != "pending" {
		t.Errorf("it says %+v", why)
	}
	if !strings.Contains(why.Next.Sentence, "after 1h0m0s more") {
		t.Errorf("with a max_unreachable_time of an hour it says %q", why.Next.Sentence)
	}
	s.do("GET", "/x/v1/components/x1c0s9b0n0/why", nil).refused(http.StatusNotFound, "", "x1c0s9b0n0")
	s.do("GET", "/x/v1/components/x1c0s2b0n0/why", nil, tenantHeader, "red").refused(http.StatusNotFound, "")
}

func TestWhyOfANodeThatABrakeStopsSaysSinceTheBrakeIsOnOrSinceItCameToIt(t *testing.T) {
	s := newSite(t)
	const id = "x1c0s1b0n0"
	since := func(reason bos.WaitReason) time.Time {
		t.Helper()
		s.record(id, func(r *bos.Record) {
			r.Enabled, r.Goal, r.Session = true, bos.GoalBoot, "s"
			r.EndWait()
			r.Wait(bos.Waiting{For: reason, Detail: "why"})
		})
		var why bos.Why
		s.do("GET", "/x/v1/components/"+id+"/why", nil).ok(http.StatusOK, &why)
		if why.WaitsFor.Reason != reason || why.WaitsFor.Since == nil {
			t.Fatalf("it says %+v", why)
		}
		return *why.WaitsFor.Since
	}
	s.record(id, nil)
	s.putTemplate("t1", template())
	s.do("POST", "/v2/sessions", map[string]any{"name": "s", "operation": "boot", "template_name": "t1"}).ok(http.StatusCreated, nil)
	s.advance(time.Minute)
	s.do("POST", "/x/v1/pause", map[string]any{"reason": "why"}).ok(http.StatusOK, nil)
	s.advance(time.Minute)
	s.do("POST", "/x/v1/sessions/s/pause", map[string]any{"reason": "why"}).ok(http.StatusOK, nil)
	s.advance(time.Minute)
	s.do("PUT", "/x/v1/components/"+id+"/hold", map[string]any{"reason": "why"}).ok(http.StatusOK, nil)
	s.commit(bos.Commit{Events: []bos.Event{ // of an earlier wait, and of what came before
		{Kind: "gate_wait", Component: id, Session: "s", Time: noon.Add(time.Second)},
		{Kind: "power_on", Component: id, Session: "s", Time: noon.Add(30 * time.Minute)},
		{Kind: "gate_wait", Component: id, Session: "another", Time: noon.Add(time.Hour)},
	}})
	for reason, want := range map[bos.WaitReason]time.Duration{bos.WaitSitePaused: time.Minute, bos.WaitSessionPaused: 2 * time.Minute, bos.WaitHeld: 3 * time.Minute} {
		if got := since(reason); !got.Equal(noon.Add(want)) {
			t.Errorf("%s: since %s, want %s after noon", reason, got, want)
		}
	}
	came := noon.Add(20 * time.Minute)
	s.commit(bos.Commit{Events: []bos.Event{{Kind: "gate_wait", Component: id, Session: "s", Time: came}}})
	for _, reason := range []bos.WaitReason{bos.WaitSitePaused, bos.WaitSessionPaused, bos.WaitHeld, bos.WaitPowerLimits} {
		if got := since(reason); !got.Equal(came) {
			t.Errorf("%s: since %s, want %s, when it came to it", reason, got, came)
		}
	}
}
