package access

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// Caller is who sent one request, and what becomes of what they may not do. The
// zero Caller may do nothing: a handler that nobody put behind an Authenticator
// is closed.
type Caller struct {
	Identity
	// watched lets everything pass that would be refused, and tells.
	watched func(*edge.Problem)
	// still is whether the proof would say the same now; nil if nobody was asked for one.
	still func() bool
	// asked is what the request needs, of which the reach is; none if it is not known yet.
	asked Permission
}

type callerKey struct{}

// With puts who asks into the context of a request.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// Of is who sent the request with this context.
func Of(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// Asking is a request that needs a permission. How far it reaches is then what the roles
// reach that allow this, and not what some other role of its caller does.
func Asking(r *http.Request, p Permission) *http.Request {
	c := Of(r.Context())
	if len(c.Roles) < 2 {
		return r
	}
	c.asked = p
	return r.WithContext(With(r.Context(), c))
}

// wholeSite reports whether the caller is bounded by no tenant, in what it asks for.
func (c Caller) wholeSite() bool {
	if !c.may(c.asked) { // not known, or only watched: as far as any of the roles
		return slices.ContainsFunc(c.Roles, c.site)
	}
	return slices.ContainsFunc(c.Roles, func(role Role) bool { return c.site(role) && grants[role].has(c.asked) })
}

// Refused is why a caller may not do something.
type Refused struct{ *edge.Problem }

// Error is the sentence of the refusal.
func (r *Refused) Error() string { return r.Detail }

func (c Caller) refuse(format string, args ...any) error {
	return c.turnAway(edge.Problemf(http.StatusForbidden, format, args...))
}

// turnAway refuses, or where nobody is refused tells of it.
func (c Caller) turnAway(p *edge.Problem) error {
	if c.watched != nil {
		c.watched(p)
		return nil
	}
	return &Refused{p}
}

// May is nil if the caller has the permission, else a *Refused.
func (c Caller) May(p Permission) error {
	switch {
	case c.may(p):
		return nil
	case c.anonymous():
		return c.turnAway(unproven("the request does not show who sends it, and without that nobody may " + p.String() + "; " + wayIn))
	}
	return c.refuse("%s may not %s; that takes one of the roles %s; use another token, or have such a role given to this one", c.who(), p, having(p))
}

// Has reports whether the caller has the permission, where less is allowed
// without it.
func (c Caller) Has(p Permission) bool { return c.may(p) || c.watched != nil }

// MayReport is nil if the caller may write the actual state of a component.
func (c Caller) MayReport(id string) error {
	if c.may(ChangeComponents) {
		return nil
	}
	if !c.may(Report) {
		return c.May(Report)
	}
	if len(c.Nodes) == 0 || slices.Contains(c.Nodes, id) {
		return nil
	}
	return c.refuse("%s may not report for %s; its token is that of %s: have each node use its own", c.who(), clip(id), clip(strings.Join(c.Nodes, ", ")))
}

// Tenant is the tenant that a request is about, of the one that its header names
// and of those that its caller has. Empty is none: the whole site.
func (c Caller) Tenant(header http.Header) (string, error) {
	values := header.Values(edge.TenantHeader)
	if len(values) > 1 {
		return "", &Refused{edge.Problemf(http.StatusBadRequest, "the header %s comes %d times; send it once", edge.TenantHeader, len(values))}
	}
	named := strings.Join(values, "")
	if c.wholeSite() {
		return named, nil
	}
	if c.watched != nil {
		c.watch(named)
		return named, nil
	}
	switch {
	case named != "" && slices.Contains(c.Tenants, named):
		return named, nil
	case named != "":
		return "", c.refuse("%s may not ask for tenant %q; its own are %s: leave out the header %s, or name one of these", c.who(), clip(named), listed(c.Tenants), edge.TenantHeader)
	case len(c.Tenants) == 1:
		return c.Tenants[0], nil
	case len(c.Tenants) == 0:
		return "", c.refuse("%s is of no tenant, and its role is for tenants alone; have a tenant given to it", c.who())
	default:
		return "", &Refused{edge.Problemf(http.StatusBadRequest, "%s has several tenants, %s; say which with the header %s", c.who(), listed(c.Tenants), edge.TenantHeader)}
	}
}

// watch tells what a tenant would be answered otherwise, where it is served as if nobody
// were asked for a proof.
func (c Caller) watch(named string) {
	enforced := c
	enforced.watched = nil
	tenant, err := enforced.Tenant(http.Header{edge.TenantHeader: slices.DeleteFunc([]string{named}, func(s string) bool { return s == "" })})
	var refused *Refused
	switch {
	case errors.As(err, &refused):
		c.watched(refused.Problem)
	case tenant != named:
		c.watched(edge.Problemf(http.StatusOK, "%s is answered about the whole site, and would be about tenant %q alone", c.who(), clip(tenant)))
	}
}

// Still reports whether the caller is who they were when the request came: a token may
// be revoked, or get other roles, while a stream is open.
func (c Caller) Still() bool { return c.still == nil || c.still() }

// Bound is when a stream to the caller ends at the latest: when its proof does.
func (c Caller) Bound(latest time.Time) time.Time {
	if c.watched != nil || c.Expires.IsZero() || c.Expires.After(latest) {
		return latest
	}
	return c.Expires
}

// Actor names the caller for the history. Without a proof it is what the request
// claims, marked as such.
func Actor(r *http.Request) string {
	if c := Of(r.Context()); c.Proof != ProofNone {
		return c.Name()
	}
	return edge.Actor(r)
}

// From is where a request comes from, for the history: the address, without a port,
// which tells nothing later.
func From(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return "socket"
}

// anonymous reports whether nobody said who asks.
func (c Caller) anonymous() bool { return c.Subject == "" && len(c.Roles) == 0 }

func (c Caller) who() string {
	if c.Subject == "" {
		return "who sent this"
	}
	return `"` + clip(c.Subject) + `"`
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return clip(strings.Join(names, ", "))
}

func clip(s string) string {
	const most = 128
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// Open serves everybody as if they had every role: for a service that asks for
// no proof.
func Open(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(With(r.Context(), Caller{Identity: Everybody()})))
	})
}
