package bos

import "maps"

// TenantScope is whose sessions, templates and previews are asked for. The zero value is
// nobody's: a scope that was forgotten shows nothing.
type TenantScope struct {
	of     scopeKind
	tenant string
}

type scopeKind int

const (
	ofNobody scopeKind = iota
	ofOneTenant
	ofAllTenants
)

// AllTenants is everyone's, with what is of no tenant: the site's view.
func AllTenants() TenantScope { return TenantScope{of: ofAllTenants} }

// OneTenant is that of one tenant alone; of an empty name, what is of no tenant.
func OneTenant(name string) TenantScope { return TenantScope{of: ofOneTenant, tenant: name} }

// All reports whether it is everyone's.
func (s TenantScope) All() bool { return s.of == ofAllTenants }

// One is the one tenant whose it is; ok is false if it is everyone's or nobody's.
func (s TenantScope) One() (tenant string, ok bool) { return s.tenant, s.of == ofOneTenant }

// Reach is how far somebody reaches: over the whole site, or over one tenant with the
// nodes that it has now. The zero value reaches nothing.
type Reach struct {
	tenants TenantScope
	nodes   []string
	own     map[string]bool
}

// WholeSite reaches all nodes and all tenants.
func WholeSite() Reach { return Reach{tenants: AllTenants()} }

// TenantReach is that of a tenant: these nodes, and what is its own. Without nodes it
// reaches none.
func TenantReach(tenant string, nodes []string) Reach {
	r := Reach{tenants: OneTenant(tenant), nodes: nodes, own: make(map[string]bool, len(nodes))}
	for _, id := range nodes {
		r.own[id] = true
	}
	return r
}

// Whole reports whether it is the whole site.
func (r Reach) Whole() bool { return r.tenants.All() }

// Has reports whether a node is within reach.
func (r Reach) Has(id string) bool { return r.Whole() || r.own[id] }

// Tenants is whose sessions, templates and previews are within reach.
func (r Reach) Tenants() TenantScope { return r.tenants }

// Tenant is the one tenant of a reach that is not the whole site's; empty for that.
func (r Reach) Tenant() string { return r.tenants.tenant }

// Nodes are those of the tenant, as they were given. The whole site's are not listed.
func (r Reach) Nodes() []string { return r.nodes }

// Same reports whether both reach the same, in whatever order their nodes were given.
func (r Reach) Same(other Reach) bool {
	return r.tenants == other.tenants && maps.Equal(r.own, other.own)
}
