package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/refusals"
)

// who are the callers that every route is tried with.
func who() map[string]access.Identity {
	all := map[string]access.Identity{"nobody": {}, "somebody without a role": {Subject: "s", Proof: access.ProofStatic}}
	for _, name := range access.RoleNames() {
		role := access.Role(name)
		if role != access.TenantAdmin {
			all[name] = access.Identity{Subject: name, Proof: access.ProofStatic, Roles: []access.Role{role}}
		}
		all[name+" of red"] = access.Identity{Subject: name, Proof: access.ProofStatic, Roles: []access.Role{role}, Tenants: []string{"red"}}
	}
	return all
}

// forms are the ways in which the path of a route may be written.
var forms = map[string]func(string) string{
	"plain":   func(p string) string { return p },
	"gateway": func(p string) string { return basePath + p },
	"encoded": func(p string) string { return p[:len(p)-1] + fmt.Sprintf("%%%02x", p[len(p)-1]) },
}

// as answers requests of a caller.
func (s *site) as(i access.Identity) {
	h := s.api()
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(access.With(r.Context(), access.Caller{Identity: i})))
	})
}

// places are the paths of a pattern in each form, of records that there are not.
func places(pattern string) map[string]string {
	path := strings.NewReplacer("{$}", "", "{name}", "nothing", "{id}", "x9c9s9b9n9", "{pin}", "p", "{set}", "compute", "{phase}", "boot", "{category}", "failed").Replace(pattern)
	all := make(map[string]string)
	for form, write := range forms {
		if path != "/" {
			all[form] = write(path)
		}
	}
	return all
}

func TestEveryRouteIsClosedToWhoLacksItsPermission(t *testing.T) {
	s := newSite(t)
	for name, identity := range who() {
		s.as(identity)
		for pattern, methods := range (&server{}).routes() {
			for method, route := range methods {
				want := 0
				switch {
				case access.Caller{Identity: identity}.May(route.needs) == nil:
				case name == "nobody":
					want = http.StatusUnauthorized
				default:
					want = http.StatusForbidden
				}
				for form, path := range places(pattern) {
					if form != "plain" && name != "nobody" && name != "reader" {
						continue // a path is matched before anybody is asked for
					}
					got := s.do(method, path, object{})
					refused := got.status == http.StatusUnauthorized || got.status == http.StatusForbidden
					if refused != (want != 0) || refused && got.status != want {
						t.Errorf("%s %s (%s) by %s: %d, want %d (0 is anything else): %s", method, path, form, name, got.status, want, clip(got.body))
					}
				}
			}
		}
	}
}

func TestTheDocumentNamesThePermissionOfEveryRoute(t *testing.T) {
	h, err := theDocument()
	if err != nil {
		t.Fatal(err)
	}
	for pattern, methods := range (&server{}).routes() {
		item := h.doc.Paths.Value(strings.TrimSuffix(pattern, "{$}"))
		for method, route := range methods {
			if route.needs.Name() == "none" {
				t.Errorf("%s %s takes no permission", method, pattern)
			}
			if named := item.GetOperation(method).Extensions["x-permission"]; named != route.needs.Name() {
				t.Errorf("%s %s takes %s, and the document says %v", method, pattern, route.needs.Name(), named)
			}
		}
	}
}

// refuseEverybody has every route answer 401 and 403.
func (s *site) refuseEverybody() {
	before := s.handler
	defer func() { s.handler = before }()
	for _, identity := range []access.Identity{{}, {Subject: "s", Proof: access.ProofStatic}} {
		s.as(identity)
		for pattern, methods := range (&server{}).routes() {
			for method := range methods {
				s.do(method, strings.NewReplacer("{$}", "", "{name}", "nothing", "{id}", "x9c9s9b9n9", "{pin}", "p").Replace(pattern), nil)
			}
		}
	}
}

func TestAReporterWritesTheActualStateOfItsOwnNodeAlone(t *testing.T) {
	s := newSite(t)
	s.record("x1c0s1b0n0", nil)
	s.record("x1c0s2b0n0", nil)
	own := access.Identity{Subject: "x1c0s1b0n0", Proof: access.ProofStatic, Roles: []access.Role{access.Reporter}, Nodes: []string{"x1c0s1b0n0"}}
	report := object{"actual_state": object{"bss_token": "t"}}
	for _, c := range []struct {
		what, method, path string
		body               any
		status             int
	}{
		{"its own", "PATCH", "/v2/components/x1c0s1b0n0", report, 200},
		{"its own by another spelling", "PATCH", "/v2/components/X1C0S1B0N0", report, 200},
		{"its own with its id", "PATCH", "/v2/components/x1c0s1b0n0", with(report, "id", "x1c0s1b0n0"), 200},
		{"another's id in the body", "PATCH", "/v2/components/x1c0s1b0n0", with(report, "id", "x1c0s2b0n0"), 400},
		{"another's", "PATCH", "/v2/components/x1c0s2b0n0", report, 403},
		{"one that there is not", "PATCH", "/v2/components/x9c9s9b9n9", report, 403},
		{"enabled beside", "PATCH", "/v2/components/x1c0s1b0n0", with(report, "enabled", true), 403},
		{"what is desired", "PATCH", "/v2/components/x1c0s1b0n0", object{"desired_state": object{"bss_token": "t"}}, 403},
		{"an error beside", "PATCH", "/v2/components/x1c0s1b0n0", with(report, "error", "e"), 403},
		{"in a list", "PATCH", "/v2/components", []object{with(report, "id", "x1c0s1b0n0")}, 403},
		{"in a list with another's", "PATCH", "/v2/components", []object{with(report, "id", "x1c0s1b0n0"), with(report, "id", "x1c0s2b0n0")}, 403},
		{"for a session's nodes", "PATCH", "/v2/components", object{"patch": report, "filters": object{"session": "s"}}, 403},
		{"another's in capitals", "PATCH", "/v2/components/X1C0S2B0N0", report, 403},
		{"another's with zeros", "PATCH", "/v2/components/x1c0s02b0n0", report, 403},
		{"another's behind its own", "PATCH", "/v2/components/x1c0s1b0n0%2F..%2Fx1c0s2b0n0", report, 308},
		{"another's behind a gateway", "PATCH", "/apis/bos/v2/components/x1c0s2b0n0", report, 403},
		{"that it booted", "POST", "/x/v1/components/x1c0s1b0n0/booted", object{"by": "me"}, 200},
		{"that another booted", "POST", "/x/v1/components/X1c0s2b0n0/booted", object{"by": "me"}, 403},
		{"a replacement", "PUT", "/v2/components/x1c0s1b0n0", report, 403},
		{"a look", "GET", "/v2/components/x1c0s1b0n0", nil, 403},
	} {
		s.as(own)
		if got := s.do(c.method, c.path, c.body); got.status != c.status {
			t.Errorf("%s: %d, want %d: %s", c.what, got.status, c.status, got.body)
		}
	}
	s.as(access.Everybody())
	var events bos.EventPage
	s.do("GET", "/x/v1/events?component=x1c0s2b0n0", nil).ok(http.StatusOK, &events)
	if n := len(events.Events); n == 0 || events.Events[n-1].Kind != refusals.Kind || events.Events[n-1].Actor != "x1c0s1b0n0 (token)" {
		t.Errorf("the history of the other node ends with %+v", events.Events)
	}
}

func TestATenantIsThatOfItsToken(t *testing.T) {
	s := newSite(t)
	of := func(tenants ...string) access.Identity {
		return access.Identity{Subject: "t", Proof: access.ProofStatic, Roles: []access.Role{access.TenantAdmin}, Tenants: tenants}
	}
	for _, id := range []string{"x1c0s1b0n0", "x1c0s2b0n0"} {
		s.record(id, nil)
	}
	for _, c := range []struct {
		what    string
		is      access.Identity
		headers []string
		status  int
		sees    int
	}{
		{"its only one, unnamed", of("red"), nil, 200, 1},
		{"its only one", of("red"), []string{tenantHeader, "red"}, 200, 1},
		{"another's", of("red"), []string{tenantHeader, "blue"}, 403, 0},
		{"its own in capitals", of("red"), []string{tenantHeader, "Red"}, 403, 0},
		{"one of several", of("red", "empty"), []string{tenantHeader, "empty"}, 200, 0},
		{"several, none named", of("red", "empty"), nil, 400, 0},
		{"none at all", of(), nil, 403, 0},
		{"the site's operator", access.Identity{Subject: "o", Proof: access.ProofStatic, Roles: []access.Role{access.Operator}}, nil, 200, 2},
		{"an operator of the tenant", access.Identity{Subject: "o", Proof: access.ProofStatic, Roles: []access.Role{access.Operator}, Tenants: []string{"red"}}, nil, 200, 1},
	} {
		s.as(c.is)
		got := s.do("GET", "/v2/components", nil, c.headers...)
		if got.status != c.status {
			t.Errorf("%s: %d, want %d: %s", c.what, got.status, c.status, got.body)
			continue
		}
		if c.status != http.StatusOK {
			continue
		}
		var list []bos.Component
		got.ok(http.StatusOK, &list)
		if len(list) != c.sees {
			t.Errorf("%s sees %d components, want %d", c.what, len(list), c.sees)
		}
	}
}

func TestATenantAdminOfNoTenantStopsNoSessionOfTheSiteByAnotherRole(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", template())
	s.do("POST", "/v2/sessions", boot("s1")).ok(http.StatusCreated, nil)
	s.as(access.Identity{Subject: "t", Proof: access.ProofOIDC, Roles: []access.Role{access.TenantAdmin, access.WLM}})
	s.do("GET", "/v2/sessions/s1", nil).ok(http.StatusOK, nil) // as a workload manager
	for _, path := range []string{"/v2/sessions", "/v2/components", "/v2/sessiontemplates", "/x/v1/events", "/x/v1/audit"} {
		s.do("GET", path, nil).refused(http.StatusForbidden, "", "of no tenant")
	}
	s.do("POST", "/x/v1/sessions/s1/cancel", object{}).refused(http.StatusForbidden, "", "of no tenant")
	s.do("POST", "/x/v1/sessions/s1/pause", object{"reason": "x"}, tenantHeader, "red").refused(http.StatusForbidden, "", `"red"`)
}
