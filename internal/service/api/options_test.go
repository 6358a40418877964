package api

import (
	"net/http"
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

func TestUnknownOptionsAreAcceptedAndHidden(t *testing.T) {
	s := newSite(t)
	var o object
	s.do("PATCH", "/v2/options", object{"future_option": nil, "another": []int{1}}).ok(http.StatusOK, &o)
	if _, shown := o["future_option"]; shown || len(o) != 20 {
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
