package api

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestOptionsStartWithTheirDefaults(t *testing.T) {
	var o bos.Options
	newSite(t).do("GET", "/v2/options", nil).ok(http.StatusOK, &o)
	if diff := cmp.Diff(bos.DefaultOptions(), o); diff != "" {
		t.Error(diff)
	}
}

func TestPatchOptionsChangesOnlyWhatItNames(t *testing.T) {
	s := newSite(t)
	want := bos.DefaultOptions()
	want.MaxBootWaitTime, want.ClearStage, want.CleanupCompletedSessionTTL = 0, true, "0"
	var o bos.Options
	s.do("PATCH", "/v2/options", object{"max_boot_wait_time": 0, "clear_stage": true, "cleanup_completed_session_ttl": "0"}).ok(http.StatusOK, &o)
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
	s.do("GET", "/v2/options", nil).ok(http.StatusOK, &o)
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
	if !s.lastChange().Options {
		t.Error("the engine was not told")
	}
}

func TestUnknownOptionsAreEchoedOnceAndNotKept(t *testing.T) {
	s := newSite(t)
	var o object
	s.do("PATCH", "/v2/options", object{"future_option": nil, "another": []int{1}}).ok(http.StatusOK, &o)
	if _, known := o["future_option"]; !known || len(o) != 22 {
		t.Errorf("%v", o)
	}
	clear(o)
	s.do("GET", "/v2/options", nil).ok(http.StatusOK, &o)
	if _, known := o["future_option"]; known || len(o) != 20 {
		t.Errorf("%v", o)
	}
}

func TestPatchOptionsRefuses(t *testing.T) {
	s := newSite(t)
	for name, body := range map[string]any{
		"nothing":       object{},
		"out of range":  object{"hsm_read_timeout": 9},
		"a wrong type":  object{"clear_stage": "yes"},
		"null":          object{"clear_stage": nil},
		"a given twice": `{"clear_stage":true,"clear_stage":true}`,
		"unknown twice": `{"x":1,"x":2}`,
		"a fraction":    `{"polling_frequency":1.5}`,
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.do("PATCH", "/v2/options", body).refused(http.StatusBadRequest, "")
		})
	}
}

func TestAnUnknownOptionIsNamedInTheLog(t *testing.T) {
	var log bytes.Buffer
	s := newSite(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	s.do("PATCH", "/v2/options", object{"of_tomorrow": 1, "reject_nids": true}).ok(http.StatusOK, nil)
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "of_tomorrow") || strings.Contains(log.String(), "reject_nids") {
		t.Errorf("the log says %q", log.String())
	}
}

func TestOptionsTakeEffectWithTheNextRequest(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", withSet("node_list", []string{"nid000001"}))
	for _, on := range []bool{true, false} {
		s.do("PATCH", "/v2/options", object{"reject_nids": on, "session_limit_required": on, "clear_stage": on}).ok(http.StatusOK, nil)
		if !s.lastChange().Options {
			t.Error("the engine was not told")
		}
		wanted := map[bool]int{true: http.StatusBadRequest, false: http.StatusOK}[on]
		if r := s.do("PUT", "/v2/sessiontemplates/t1", withSet("node_list", []string{"nid000001"})); r.status != wanted {
			t.Errorf("reject_nids %t: %d", on, r.status)
		}
		s.do("POST", "/v2/sessions", with(boot("s1"), "template_name", "t1")).refusedOr(t, on)
	}
}

// refusedOr demands a 400 or that a session was created.
func (r reply) refusedOr(t *testing.T, refused bool) {
	t.Helper()
	if got := r.status == http.StatusBadRequest; got != refused || !refused && r.status != http.StatusCreated {
		t.Errorf("%s: %d %s", r.what, r.status, r.body)
	}
}

func TestATenantDoesNotChangeTheOptionsOfEverybody(t *testing.T) {
	s := newSite(t)
	before := s.do("GET", "/v2/options", nil).ok(http.StatusOK, nil).body
	for _, tenant := range []string{"red", "unknown"} {
		s.do("PATCH", "/v2/options", object{"default_retry_policy": 0}, tenantHeader, tenant).refused(http.StatusForbidden, "", tenant, "all tenants")
	}
	if after := s.do("GET", "/v2/options", nil, tenantHeader, "red").ok(http.StatusOK, nil).body; after != before {
		t.Errorf("options were %s and are %s", before, after)
	}
}
