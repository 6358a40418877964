package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestStagedBootParametersAreRefusedWhereThereAreNone(t *testing.T) {
	s := newSite(t)
	for name, body := range map[string]object{
		"no stage":  {"operation": "boot", "template_name": "t"},
		"shutdown":  {"operation": "shutdown", "template_name": "t", "stage": true},
		"configure": {"operation": "configure", "template_name": "t", "stage": true},
	} {
		body["write_staged_boot_parameters"] = true
		if got := s.do("POST", "/x/v1/sessions", body); got.status != http.StatusBadRequest || !strings.Contains(got.body, "write_staged_boot_parameters") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := s.do("POST", "/v2/sessions", object{"operation": "boot", "template_name": "t", "stage": true, "write_staged_boot_parameters": true}); got.status != http.StatusBadRequest {
		t.Errorf("version 2 takes it: %d", got.status)
	}
}

func TestThatStagedBootParametersAreWantedIsStoredWithTheSession(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.do("POST", "/x/v1/sessions", object{"name": "stages", "operation": "reboot", "template_name": "t1", "stage": true, "write_staged_boot_parameters": true}).ok(http.StatusCreated, nil)
	rec, err := s.store.Session(t.Context(), bos.SessionKey{Name: "stages"})
	if err != nil || !rec.Asked.StagedBoot {
		t.Errorf("%v; stored as %+v", err, rec.Asked)
	}
	b := pinnedBody{StagedBoot: true}
	if b.sameAs(bos.SessionRecord{}) {
		t.Error("a session that writes none counts as one that does")
	}
}
