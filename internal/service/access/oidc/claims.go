package oidc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// claims are what a token says. Its signature has been verified.
type claims map[string]any

const (
	// maxSubject bounds the name of who has a token.
	maxSubject = 256
	// latest is the end of what a date may say; later ones are not dates.
	latest = 253402300799
)

// kinds are the values of typ that an access token has; Keycloak names its others, of
// which none is for a service, ID, Refresh, Offline and Logout.
var kinds = []string{"", "bearer", "jwt", "at+jwt"}

// read makes an identity of claims.
func (s *Source) read(c claims, by *set) (proven, error) {
	if err := c.access(); err != nil {
		return proven{}, err
	}
	expires, ok, err := c.date("exp")
	if err != nil || !ok {
		return proven{}, errors.Join(err, errors.New("it has no exp, so it would be good for ever; have the issuer set one"))
	}
	p := proven{by: by, identity: access.Identity{Issuer: s.Issuer, Proof: access.ProofOIDC, Expires: expires.Add(Leeway)}}
	from, ok, err := c.date("nbf")
	if err != nil {
		return proven{}, err
	}
	if ok {
		p.from = from.Add(-Leeway)
	}
	if id, name, is := s.reporter(c); is {
		p.identity.Subject, p.identity.Roles, p.identity.Nodes = name, []access.Role{access.Reporter}, []string{id}
		return p, nil
	}
	if p.identity.Subject, err = c.subject(); err != nil {
		return proven{}, err
	}
	if p.identity.Roles, err = s.roles(c); err != nil {
		return proven{}, err
	}
	p.identity.Tenants, err = s.tenants(c)
	return p, err
}

// reporter is the node whose workload has the token, by its subject.
func (s *Source) reporter(c claims) (id, name string, is bool) {
	name, _ = c["sub"].(string)
	if len(name) > maxSubject || strings.ContainsFunc(name, unicode.IsControl) {
		return "", "", false
	}
	for _, pattern := range s.Reporters {
		if id, is = pattern.Node(name); is {
			return id, name, true
		}
	}
	return "", "", false
}

// access refuses what is no access token for whoever bears it.
func (c claims) access() error {
	if kind, _ := c["typ"].(string); !slices.Contains(kinds, strings.ToLower(kind)) {
		return fmt.Errorf("it is of the type %q; send the access token", clip(kind))
	}
	if _, is := c["at_hash"]; is {
		return errors.New("it is an ID token, which is for the client that got it; send the access token")
	}
	if _, is := c["cnf"]; is {
		return errors.New("it is bound to a key of its client (cnf), which is not checked here; have the issuer make plain bearer tokens for this service")
	}
	return nil
}

// date is a time of the claims, and whether there is one.
func (c claims) date(name string) (time.Time, bool, error) {
	value, is := c[name]
	if !is {
		return time.Time{}, false, nil
	}
	seconds, ok := value.(float64)
	if !ok || seconds < 0 || seconds > latest {
		return time.Time{}, false, fmt.Errorf("its %s is no date; correct it at the issuer", name)
	}
	return time.Unix(int64(seconds), 0), true, nil
}

// subject is the name that people know, else the one that the issuer gave.
func (c claims) subject() (string, error) {
	for _, claim := range []string{"preferred_username", "sub"} {
		name, _ := c[claim].(string)
		if name != "" && len(name) <= maxSubject && !strings.ContainsFunc(name, unicode.IsControl) {
			return name, nil
		}
	}
	return "", errors.New("it has neither preferred_username nor sub, so it does not say who has it")
}

// roles are those that the site knows; others are for other services.
func (s *Source) roles(c claims) ([]access.Role, error) {
	var roles []access.Role
	add := func(claim string, ours func(name string) (access.Role, bool)) error {
		names, err := c.list(claim)
		for _, name := range names {
			if role, known := ours(name); known && !slices.Contains(roles, role) {
				roles = append(roles, role)
			}
		}
		return err
	}
	if s.RolesClaim != "" {
		if err := add(s.RolesClaim, s.role); err != nil {
			return nil, err
		}
	}
	for _, more := range s.MoreRoles {
		if err := add(more.Claim, func(name string) (access.Role, bool) { role, known := more.Roles[name]; return role, known }); err != nil {
			return nil, err
		}
	}
	return roles, nil
}

func (s *Source) role(name string) (access.Role, bool) {
	if s.Roles != nil {
		role, ok := s.Roles[name]
		return role, ok
	}
	role, err := access.ParseRole(name)
	return role, err == nil
}

// tenants bound the reach. What cannot be understood is never the whole site.
func (s *Source) tenants(c claims) ([]string, error) {
	if s.TenantsClaim == "" {
		return nil, nil
	}
	names, err := c.list(s.TenantsClaim)
	if err != nil {
		return nil, err
	}
	if s.TenantsSuffix != "" {
		names = s.suffixed(names)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "/") {
			return nil, fmt.Errorf("its claim %s has %q, which is a path of groups and no tenant's name; have the issuer write plain names (in Keycloak, switch off the full group path of the mapper)", s.TenantsClaim, clip(name))
		}
		if !bos.ValidTenantName(name) {
			return nil, fmt.Errorf("its claim %s has %q, which cannot be a tenant's name; correct it at the issuer", s.TenantsClaim, clip(name))
		}
	}
	if len(names) == 0 && !s.Unbounded {
		return nil, fmt.Errorf("its claim %s names no tenant; have the issuer name some, or set %s.without_tenants to site if such tokens are for the whole site", s.TenantsClaim, s.Name)
	}
	return names, nil
}

// suffixed are the names that end as those of tenants do, without that end.
func (s *Source) suffixed(names []string) []string {
	var tenants []string
	for _, name := range names {
		if tenant, is := strings.CutSuffix(name, s.TenantsSuffix); is {
			tenants = append(tenants, tenant)
		}
	}
	return tenants
}

// list is a claim that lists texts, or one text with spaces between them, as scope
// is. It is empty where there is none.
func (c claims) list(path string) ([]string, error) {
	value, _ := find(map[string]any(c), strings.Split(path, "."))
	switch value := value.(type) {
	case nil:
		return nil, nil
	case string:
		return strings.Fields(value), nil
	case []any:
		list := make([]string, 0, len(value))
		for _, v := range value {
			text, ok := v.(string)
			if !ok {
				return nil, fmt.Errorf("its claim %s lists what is no text; name another claim, or correct it at the issuer", path)
			}
			list = append(list, text)
		}
		return list, nil
	default:
		return nil, fmt.Errorf("its claim %s is no list of texts; name another claim, or correct it at the issuer", path)
	}
}

// find follows a path. A name may have dots in it, as those of clients of Keycloak
// and of claims that are URLs: the longest name that is there is taken.
func find(in any, path []string) (any, bool) {
	if len(path) == 0 {
		return in, true
	}
	object, _ := in.(map[string]any)
	for n := len(path); n > 0; n-- {
		if value, is := object[strings.Join(path[:n], ".")]; is {
			return find(value, path[n:])
		}
	}
	return nil, false
}
