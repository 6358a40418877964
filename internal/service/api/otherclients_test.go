package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// What programs of sites send that were written for the BOS of CSM: its health test, the
// boot test of its administrators, and scripts that copy templates.

func TestASessionForANodeThatNobodyHasIsTakenAndTemplatesMayHaveUnderscores(t *testing.T) {
	s := newSite(t)
	s.putTemplate("cmsdev_health_test.1", template())
	var made bos.Session
	s.do("POST", "/v2/sessions", object{"template_name": "cmsdev_health_test.1", "operation": "boot", "limit": "x9998c0s0b0n0", "name": "a_b"}).ok(http.StatusCreated, &made)
	if made.Name != "a_b" || made.Limit != "x9998c0s0b0n0" {
		t.Errorf("%+v", made)
	}
	s.do("PATCH", "/v2/sessiontemplates/cmsdev_health_test.1", object{"description": "changed"}).ok(http.StatusOK, nil)
	s.do("DELETE", "/v2/sessions/a_b", nil).ok(http.StatusNoContent, nil)
}

func TestATemplateIsCopiedByWhatWasReadWithoutItsNameAndTenant(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", with(with(template(), "enable_cfs", true), "cfs", object{"configuration": "site"}))
	var read object
	s.do("GET", "/v2/sessiontemplates/t1", nil).ok(http.StatusOK, &read)
	delete(read, "name")
	delete(read, "tenant")
	s.putTemplate("copy", read)
	var first, second bos.SessionTemplate
	s.do("GET", "/v2/sessiontemplates/t1", nil).ok(http.StatusOK, &first)
	s.do("GET", "/v2/sessiontemplates/copy", nil).ok(http.StatusOK, &second)
	first.Name, second.Name = "", ""
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the copy (-first +copy):\n%s", diff)
	}
}

func TestTheStatusOfASessionHasWhatScriptsWaitFor(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.do("POST", "/v2/sessions", boot("s1")).ok(http.StatusCreated, nil)
	body := s.do("GET", "/v2/sessions/s1/status", nil).ok(http.StatusOK, nil).body
	for _, member := range []string{`"timing":`, `"end_time":`, `"percent_failed":`, `"percent_successful":`, `"error_summary":`, `"managed_components_count":`} {
		if !strings.Contains(body, member) {
			t.Errorf("the status has no %s: %s", member, body)
		}
	}
}

func TestATemplateThatDoesNotExistIsNotValidButNotThere(t *testing.T) {
	s := newSite(t)
	s.do("GET", "/v2/sessiontemplatesvalid/none", nil).refused(http.StatusNotFound, titleNotFound, "none")
	s.do("POST", "/v2/sessions", with(boot("s1"), "template_name", "none")).refused(http.StatusBadRequest, "", "Session Template Name invalid: none")
}

func TestADummyTenantIsRefusedByWhatItWritesAndSeesNothing(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	dummy := []string{tenantHeader, "dummy-tenant"}
	s.do("PUT", "/v2/sessiontemplates/t2", template(), dummy...).refused(http.StatusBadRequest, "Invalid tenant", "dummy-tenant")
	var list []bos.SessionTemplate
	s.do("GET", "/v2/sessiontemplates", nil, dummy...).ok(http.StatusOK, &list)
	if len(list) != 0 {
		t.Errorf("it sees %+v", list)
	}
}
