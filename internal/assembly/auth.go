package assembly

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/certificates"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/oidc"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/peers"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/tokens"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// authenticator finds out who asks, by the sources that the settings name.
func authenticator(settings config.Auth, log *slog.Logger) (access.Authenticator, error) {
	auth := access.Authenticator{Mode: access.Mode(cmp.Or(settings.Mode, config.AuthEnforce)), Log: log}
	if settings.TokensFile != "" {
		source, err := tokens.New(settings.TokensFile)
		if err != nil {
			return auth, err
		}
		auth.Bearers = append(auth.Bearers, source)
	}
	issuers, err := oidcSources(settings.OIDC, log)
	if err != nil {
		return auth, err
	}
	for _, issuer := range issuers {
		auth.Bearers = append(auth.Bearers, issuer)
	}
	auth.Connections, err = connections(settings)
	return auth, err
}

// unreadTokens says that the file of tokens cannot be read now, and why: all of its
// tokens are refused.
func unreadTokens(settings config.Auth) []string {
	if settings.TokensFile == "" {
		return nil
	}
	if _, err := tokens.New(settings.TokensFile); err != nil {
		return []string{fmt.Sprintf("%v: none of its tokens is taken; mend it, or give it to the user of the service", err)}
	}
	return nil
}

// connections know who asks by how they are connected.
func connections(settings config.Auth) (all []access.Connections, err error) {
	callers, err := peerRules(settings.Peers)
	if err != nil {
		return nil, err
	}
	rules, err := certificateRules(settings.Certificates)
	if len(rules) > 0 {
		all = append(all, rules)
	}
	return append(all, callers), err
}

func peerRules(settings []config.Peer) (rules peers.Source, err error) {
	for i, p := range settings {
		rule := peers.Rule{User: p.User, Group: p.Group, Tenants: p.Tenants}
		if rule.Roles, err = roles(p.Roles); err != nil {
			return nil, fmt.Errorf("auth.peers[%d].roles: %w", i, err)
		}
		if err := rule.Check(); err != nil {
			return nil, fmt.Errorf("auth.peers[%d]: %w", i, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func roles(names []string) (all []access.Role, err error) {
	for _, name := range names {
		role, err := access.ParseRole(name)
		if err != nil {
			return nil, err
		}
		all = append(all, role)
	}
	return all, nil
}

// CheckAuth says what of the settings of who may ask keeps a service from starting. No
// issuer is asked for anything.
func CheckAuth(settings config.Auth) error {
	_, err := authenticator(settings, slog.New(slog.DiscardHandler))
	return err
}

func certificateRules(settings []config.Certificate) (rules certificates.Source, err error) {
	for i, c := range settings {
		rule := certificates.Rule{URI: c.URI, DNS: c.DNS, Tenants: c.Tenants}
		if rule.Roles, err = roles(c.Roles); err != nil {
			return nil, fmt.Errorf("auth.certificates[%d].roles: %w", i, err)
		}
		if err := rule.Check(); err != nil {
			return nil, fmt.Errorf("auth.certificates[%d]: %w", i, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// oidcSources are the issuers of tokens. None is asked for anything yet.
func oidcSources(settings []config.OIDC, log *slog.Logger) ([]*oidc.Source, error) {
	var sources []*oidc.Source
	for i, o := range settings {
		name := fmt.Sprintf("auth.oidc[%d]", i)
		s := oidc.Settings{
			Name: name, Issuer: o.Issuer, JWKSURL: o.JWKSURL, Audiences: o.Audiences, Algorithms: o.Algorithms, RolesClaim: o.RolesClaim,
			TenantsClaim: o.TenantsClaim, TenantsSuffix: o.TenantsSuffix, Unbounded: o.WithoutTenants == config.WithoutTenantsSite, Log: log,
		}
		var err error
		if s.Roles, err = rolesByName(name, o.Roles); err != nil {
			return nil, err
		}
		for i, more := range o.MoreRoles {
			ours, err := rolesByName(fmt.Sprintf("%s.more_roles[%d]", name, i), more.Roles)
			if err != nil {
				return nil, err
			}
			s.MoreRoles = append(s.MoreRoles, oidc.ClaimRoles{Claim: more.Claim, Roles: ours})
		}
		for _, pattern := range o.Reporters {
			s.Reporters = append(s.Reporters, bos.NodePattern(pattern))
		}
		if s.CA, err = transport.Authorities(name+".ca_file", o.CAFile); err != nil {
			return nil, err
		}
		source, err := oidc.New(s)
		if err != nil {
			return nil, err
		}
		sources = append(sources, source)
	}
	return sources, nil
}

// rolesByName are our roles by the names of an issuer; nil if it gives none.
func rolesByName(section string, names map[string]string) (map[string]access.Role, error) {
	var ours map[string]access.Role
	for _, theirs := range slices.Sorted(maps.Keys(names)) {
		role, err := access.ParseRole(names[theirs])
		if err != nil {
			return nil, fmt.Errorf("%s.roles of %q: %w", section, theirs, err)
		}
		if ours == nil {
			ours = make(map[string]access.Role, len(names))
		}
		ours[theirs] = role
	}
	return ours, nil
}

// Admit lets whoever has a token do everything: for the clients of this machine, or
// of this process. It goes before Handler and Driven.
func (a *Assembly) Admit(token string) {
	a.auth.Bearers = append([]access.Bearers{tokens.Local(token)}, a.auth.Bearers...)
}

// AdmitMachine draws a token for Admit and returns it. Where the service listens at
// an address that its settings name, so that others know it, the token is left for the
// clients of this machine until Close: the nodes of an emulated room are such.
func (a *Assembly) AdmitMachine(named, address string) (token string) {
	token = localtoken.New()
	a.Admit(token)
	if named != "" {
		a.Leave(address, token)
	}
	return token
}

// Leave leaves a token for the clients of this machine, until Close. Where there is no
// place for it, the log says so, and they need a token of their own.
func (a *Assembly) Leave(address, token string) {
	path, err := localtoken.Leave(address, token)
	if err != nil {
		a.log.Warn("the programs of this machine do not find a token by themselves; give them one of auth.tokens_file in BOS_TOKEN", "cause", err)
		return
	}
	a.left = func() error { return localtoken.Take(path, token) }
}

// Guarded reports whether requests need a proof.
func (a *Assembly) Guarded() bool { return a.auth.Mode == access.Enforce }
