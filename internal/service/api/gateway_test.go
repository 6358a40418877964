package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/csmgateway"
)

// beyond is what roles have of the extensions without the gateway giving them anything of
// BOS that takes the same permission: about what is their own, and nothing that is written
// to a node which they could not have written otherwise.
var beyond = map[csmgateway.Role][]access.Permission{
	csmgateway.TenantAdmin: {access.Preview, access.ReadEvents, access.CancelSessions, access.PauseSessions, access.ResumeSessions, access.PromoteRollouts, access.FailRollouts},
}

// extension reports whether the gateway cannot know a route, as BOS has none like it.
func extension(pattern string) bool { return strings.HasPrefix(pattern, "/x/v1/") }

// passes reports whether a role of CSM may be answered at a route: as the gateway says, and
// of an extension if the gateway gives the role something that takes the same permission.
func passes(role csmgateway.Role, method, pattern, path string, needs access.Permission) bool {
	switch {
	case needs == access.Public, needs == access.Know:
		return true // the versions, the description and one word of health: nothing of the site
	case csmgateway.Passes(role, method, basePath+path):
		return true
	case !extension(pattern):
		return false
	}
	for _, p := range beyond[role] {
		if p == needs {
			return true
		}
	}
	for other, methods := range (&server{}).routes() {
		for method, route := range methods {
			if route.needs == needs && !extension(other) && csmgateway.Passes(role, method, basePath+places(other)["plain"]) {
				return true
			}
		}
	}
	return false
}

func TestNobodyIsAnsweredHereWhatTheGatewayOfCSMRefuses(t *testing.T) {
	s := newSite(t)
	let, refused := 0, 0
	for role, identity := range csmgateway.Callers("red", "x9c9s9b9n9") {
		s.as(identity)
		for pattern, methods := range (&server{}).routes() {
			path := places(pattern)["plain"]
			for method, route := range methods {
				if path == "" || passes(role, method, pattern, path, route.needs) {
					let++
					continue
				}
				refused++
				got := s.do(method, path, object{})
				// BOS v1 refuses tenants as such.
				ofTenant := strings.HasPrefix(pattern, "/v1/") && len(identity.Tenants) > 0 && got.status == http.StatusBadRequest
				if got.status != http.StatusForbidden && !ofTenant {
					t.Errorf("%s: %s %s is refused by the gateway, and answered here with %d: %s", role, method, path, got.status, clip(got.body))
				}
			}
		}
	}
	if let < 100 || refused < 100 {
		t.Errorf("the gateway lets %d requests pass and refuses %d", let, refused)
	}
}

func TestTheRolesOfCSMMayDoHereWhatTheGatewayLetsThem(t *testing.T) {
	s := newSite(t)
	for role, identity := range csmgateway.Callers("red", "x9c9s9b9n9") {
		if role == csmgateway.Admin {
			continue // the whole matrix has it
		}
		s.as(identity)
		for pattern, methods := range (&server{}).routes() {
			path := places(pattern)["plain"]
			for method := range methods {
				if path == "" || !csmgateway.Passes(role, method, basePath+path) {
					continue
				}
				if got := s.do(method, path, object{}); got.status == http.StatusForbidden || got.status == http.StatusUnauthorized {
					t.Errorf("%s: %s %s passes the gateway, and is refused here: %s", role, method, path, clip(got.body))
				}
			}
		}
	}
}
