// Package peers knows who is at the other end of a Unix socket, by what the kernel
// says of the process that opened the connection.
package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strconv"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// Rule says who has which roles. One of User and Group is given, by name or number.
type Rule struct {
	User, Group string
	Roles       []access.Role
	Tenants     []string
}

// Check is nil if the rule says who has which roles.
func (r Rule) Check() error {
	switch {
	case (r.User == "") == (r.Group == ""):
		return errors.New("give either user or group")
	case len(r.Roles) == 0:
		return fmt.Errorf("%q has no roles; give it some of %v", r.User+r.Group, access.RoleNames())
	}
	if slices.Contains(r.Roles, access.TenantAdmin) && len(r.Tenants) == 0 {
		return fmt.Errorf("%q is %s of no tenant; name some in tenants", r.User+r.Group, access.TenantAdmin)
	}
	return nil
}

// credentials are the user and the first group of a process.
type credentials struct{ uid, gid uint32 }

type contextKey struct{}

// Context puts who opened a connection into the context of its requests. It is for
// http.Server.ConnContext.
func Context(ctx context.Context, conn net.Conn) context.Context {
	for {
		if socket, ok := conn.(*net.UnixConn); ok {
			if c, err := of(socket); err == nil {
				return context.WithValue(ctx, contextKey{}, c)
			}
			return ctx // nobody, who may show a token
		}
		wrapped, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return ctx
		}
		conn = wrapped.NetConn()
	}
}

// Source goes by rules, the first that fits. The user of the service and root have
// every role: they can read its database anyway.
type Source []Rule

var _ access.Connections = Source(nil)

// Connection is who opened the connection of a request. Users and groups are looked up
// for each request, so that who leaves a group loses what it gave.
func (s Source) Connection(r *http.Request) (access.Identity, error) {
	c, ok := r.Context().Value(contextKey{}).(credentials)
	if !ok {
		return access.Identity{}, access.ErrUnknown
	}
	uid := strconv.FormatUint(uint64(c.uid), 10)
	if c.uid == 0 || uid == strconv.Itoa(os.Geteuid()) {
		return access.Identity{Subject: nameOf(uid), Proof: access.ProofPeer, Roles: []access.Role{access.Admin}}, nil
	}
	for _, rule := range s {
		if rule.fits(uid, strconv.FormatUint(uint64(c.gid), 10)) {
			return access.Identity{Subject: nameOf(uid), Proof: access.ProofPeer, Roles: rule.Roles, Tenants: rule.Tenants}, nil
		}
	}
	return access.Identity{}, access.ErrUnknown
}

func nameOf(uid string) string {
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return "uid " + uid
}

func (r Rule) fits(uid, gid string) bool {
	if r.User != "" {
		if r.User == uid {
			return true
		}
		u, err := user.Lookup(r.User)
		return err == nil && u.Uid == uid
	}
	group := r.Group
	if g, err := user.LookupGroup(group); err == nil {
		group = g.Gid
	}
	if group == gid {
		return true
	}
	u, err := user.LookupId(uid)
	if err != nil {
		return false
	}
	groups, err := u.GroupIds()
	return err == nil && slices.Contains(groups, group)
}
