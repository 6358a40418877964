package bos

import "strings"

// OtherTenants is what a session is called to who reaches one tenant, where it is not of
// that: its name, its template and who wants it are others' business.
const OtherTenants = "a session of another tenant"

// Within reports whether a session has its name to who reaches one tenant; to who reaches
// the whole site, which is no tenant, each has.
func (k SessionKey) Within(tenant string) bool { return tenant == "" || k.Tenant == tenant }

// SaidTo is what a session is called to a tenant: as its name is given, or for another's.
func (k SessionKey) SaidTo(tenant, named string) string {
	if k.Within(tenant) {
		return named
	}
	return OtherTenants
}

// SaidTo is a session at work on nodes of a preview, as a tenant is told of it.
func (b PreviewBusy) SaidTo(tenant string) PreviewBusy {
	if (SessionKey{Tenant: TenantOf(b.Tenant), Name: b.Session}).Within(tenant) {
		return b
	}
	return PreviewBusy{Operation: b.Operation, Count: b.Count, Nodes: b.Nodes, OtherTenant: true}
}

// SessionText names it, with the name in quotes.
func (b PreviewBusy) SessionText() string {
	if b.OtherTenant {
		return OtherTenants
	}
	return "session '" + b.Session + "'"
}

// SaidTo is a session that is waited for, as a tenant is told of it.
func (a Ahead) SaidTo(tenant string) Ahead {
	if (SessionKey{Tenant: TenantOf(a.Tenant), Name: a.Session}).Within(tenant) {
		return a
	}
	return Ahead{Why: a.Why}
}

// SaidTo is an event as a tenant is told of it: of what a session of another did to its
// nodes it learns that, and not whose it was.
func (e Event) SaidTo(tenant string) Event {
	if e.Session == "" || (SessionKey{Tenant: e.Tenant, Name: e.Session}).Within(tenant) {
		return e
	}
	name := e.Session
	e.Session, e.Tenant, e.Actor, e.From, e.Plan, e.Request, e.Workspace, e.Run = "", "", "", "", "", "", "", ""
	for _, text := range []*string{&e.Detail, &e.Answer} {
		if strings.Contains(*text, name) {
			*text = OtherTenants
		}
	}
	return e
}
