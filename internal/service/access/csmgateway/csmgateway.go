// Package csmgateway has what the API gateway of CSM lets pass to BOS and BSS, for the
// tests of who may do what: a role shall get nothing here that it is refused there.
// The facts are those of the policies of the chart cray-opa 1.34, as CSM installs it.
package csmgateway

import (
	"regexp"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// Role is a role of a token that the gateway knows, or the workload of a node.
type Role string

// The roles. Those of the fabric and of dumps have nothing of BOS, like User.
const (
	Admin       Role = "admin"
	TenantAdmin Role = "tenant-admin"
	WLM         Role = "wlm"
	// SystemCompute is what nodes without SPIRE have; Reporter is the workload
	// bos-reporter of one node.
	SystemCompute Role = "system-compute"
	Reporter      Role = "bos-reporter"
	SystemPXE     Role = "system-pxe"
	User          Role = "user"
	MonitorRO     Role = "monitor-ro"
	CKDump        Role = "ckdump"
	Slingshot     Role = "slingshot-admin"
)

// Roles are all of them.
var Roles = []Role{Admin, TenantAdmin, WLM, SystemCompute, Reporter, SystemPXE, User, MonitorRO, CKDump, Slingshot}

type rule struct {
	methods []string
	path    *regexp.Regexp
}

func allow(path string, methods ...string) rule {
	return rule{methods, regexp.MustCompile("^/apis/" + path + "$")}
}

var rules = map[Role][]rule{
	Admin: {allow(".*", "GET", "HEAD", "PUT", "POST", "DELETE", "PATCH")},
	TenantAdmin: {
		allow("bos/v2(/version|/healthz)?", "GET"),
		allow("bos/v2/(components|sessions|sessiontemplates)(/.*)?", "GET"),
		allow("bos/v2/(sessions|applystaged)", "POST"),
	},
	WLM: {
		allow("bos/v2/(sessions|applystaged)", "POST"),
		allow("bos/v2/sessions/.*", "GET"),
	},
	SystemCompute: {allow("bos/v./components/.*", "PATCH")},
	Reporter:      {allow("bos/v./components/.*", "PATCH")},
	SystemPXE:     {allow("bss/boot/v1/bootscript.*", "GET", "HEAD")},
}

// Passes reports whether the gateway lets a request of a role pass. The path is that at
// the gateway, below /apis.
func Passes(role Role, method, path string) bool {
	return slices.ContainsFunc(rules[role], func(r rule) bool { return slices.Contains(r.methods, method) && r.path.MatchString(path) })
}

// Callers are who the roles make here, as the guide has a site map them: a tenant-admin of
// one tenant, and the reporter of one node. Whose role has no name of ours has none.
func Callers(tenant, node string) map[Role]access.Identity {
	as := func(roles ...access.Role) access.Identity {
		return access.Identity{Subject: "s", Proof: access.ProofOIDC, Roles: roles}
	}
	ofTenant, ofNode := as(access.TenantAdmin), as(access.Reporter)
	ofTenant.Tenants, ofNode.Nodes = []string{tenant}, []string{node}
	all := map[Role]access.Identity{
		Admin: as(access.Admin), TenantAdmin: ofTenant, WLM: as(access.WLM), SystemCompute: as(access.Reporter), Reporter: ofNode,
	}
	for _, role := range Roles {
		if _, ok := all[role]; !ok {
			all[role] = as()
		}
	}
	return all
}
