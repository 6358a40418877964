package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Auth says who may use the API.
type Auth struct {
	// Mode is what becomes of requests by those who may not make them: enforce
	// refuses them, shadow lets them pass and logs them, off asks nobody for a
	// proof, which is for loopback alone. Empty is enforce.
	Mode string `yaml:"mode"`
	// TokensFile has the hashes of the site's own tokens, with their roles.
	TokensFile string `yaml:"tokens_file"`
	// Certificates say who has which client certificate; they need
	// tls.client_ca_file.
	Certificates []Certificate `yaml:"certificates"`
	// Peers say what the users of this machine may do who ask on the socket, besides
	// root and the user of the service, who may do everything.
	Peers []Peer `yaml:"peers"`
	// OIDC are the issuers of tokens that are taken.
	OIDC []OIDC `yaml:"oidc"`
}

// OIDC is an issuer of tokens, and what they have to say to be good here.
type OIDC struct {
	// Issuer is what tokens have in iss. Without JWKSURL its keys are found by
	// discovery below it.
	Issuer  string `yaml:"issuer"`
	JWKSURL string `yaml:"jwks_url"`
	// Audiences are those of which a token must have one in aud.
	Audiences []string `yaml:"audiences"`
	// Algorithms narrow those that a token may be signed with: RS256, PS256, ES256,
	// EdDSA.
	Algorithms []string `yaml:"algorithms"`
	// RolesClaim is where in a token its roles are, such as realm_access.roles, and
	// Roles has ours by the issuer's names for them; without it they are ours by name.
	RolesClaim string            `yaml:"roles_claim"`
	Roles      map[string]string `yaml:"roles"`
	// MoreRoles are other claims of which only the roles named count.
	MoreRoles []ClaimRoles `yaml:"more_roles"`
	// Reporters are the subjects of nodes, with {node} in place of one segment: who has
	// one reports for that node alone.
	Reporters []string `yaml:"reporters"`
	// TenantsSuffix is what tenants end in there, as groups of Keycloak do; what ends
	// otherwise is none.
	TenantsSuffix string `yaml:"tenants_suffix"`
	// TenantsClaim is where in a token its tenants are. WithoutTenants is what becomes
	// of a token that names none there: refuse, which is the default, or site.
	TenantsClaim   string `yaml:"tenants_claim"`
	WithoutTenants string `yaml:"without_tenants"`
	// CAFile verifies the certificate of the issuer; empty is the system's pool.
	CAFile string `yaml:"ca_file"`
}

// ClaimRoles has roles of ours by the names that one claim of a token has for them.
type ClaimRoles struct {
	Claim string            `yaml:"claim"`
	Roles map[string]string `yaml:"roles"`
}

// What becomes of tokens without tenants.
const (
	WithoutTenantsRefuse = "refuse"
	WithoutTenantsSite   = "site"
)

// Certificate is a name of client certificates, and what their holders may do.
type Certificate struct {
	// URI may have {node} in place of one segment: the component that its holder
	// reports for. One of URI and DNS is given.
	URI     string   `yaml:"uri"`
	DNS     string   `yaml:"dns"`
	Roles   []string `yaml:"roles"`
	Tenants []string `yaml:"tenants"`
}

// Peer is a user or a group of this machine, by name or number, and what they may do.
type Peer struct {
	User    string   `yaml:"user"`
	Group   string   `yaml:"group"`
	Roles   []string `yaml:"roles"`
	Tenants []string `yaml:"tenants"`
}

// TLS is what the API is served with; none of it is plain HTTP.
type TLS struct {
	// CertFile and KeyFile are read again when they change.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// ClientCAFile has the authorities of client certificates.
	ClientCAFile string `yaml:"client_ca_file"`
}

// On reports whether the API is served over TLS.
func (t TLS) On() bool { return t.CertFile != "" }

// The modes of Auth.
const (
	AuthEnforce = "enforce"
	AuthShadow  = "shadow"
	AuthOff     = "off"
)

var authModes = []string{AuthEnforce, AuthShadow, AuthOff}

// Validate checks what is set.
func (a Auth) Validate() error {
	if a.Mode != "" && !slices.Contains(authModes, a.Mode) {
		return fmt.Errorf("auth.mode %q is none; use one of %s", a.Mode, strings.Join(authModes, ", "))
	}
	if a.Mode == AuthOff && (a.TokensFile != "" || len(a.Certificates) > 0 || len(a.Peers) > 0 || len(a.OIDC) > 0) {
		return errors.New("auth.tokens_file, auth.certificates, auth.peers and auth.oidc have no effect while auth.mode is off; take them out, or use shadow")
	}
	return a.issuers()
}

func (a Auth) issuers() error {
	for i, o := range a.OIDC {
		name := fmt.Sprintf("auth.oidc[%d]", i)
		switch {
		case slices.ContainsFunc(a.OIDC[:i], func(before OIDC) bool { return before.Issuer == o.Issuer }):
			return fmt.Errorf("%s.issuer %q comes twice; keep one, with all its audiences", name, o.Issuer)
		case !slices.Contains([]string{"", WithoutTenantsRefuse, WithoutTenantsSite}, o.WithoutTenants):
			return fmt.Errorf("%s.without_tenants %q is none; use %s or %s", name, o.WithoutTenants, WithoutTenantsRefuse, WithoutTenantsSite)
		case o.TenantsSuffix != "" && o.TenantsClaim == "":
			return fmt.Errorf("%s.tenants_suffix has no effect without tenants_claim; give that as well, or take it out", name)
		case o.WithoutTenants != "" && o.TenantsClaim == "":
			return fmt.Errorf("%s.without_tenants has no effect without tenants_claim; give that as well, or take it out", name)
		}
	}
	return nil
}

func (c Config) tls() error {
	switch {
	case (c.TLS.CertFile == "") != (c.TLS.KeyFile == ""):
		return errors.New("tls.cert_file and tls.key_file belong together; give both")
	case c.TLS.ClientCAFile != "" && !c.TLS.On():
		return errors.New("tls.client_ca_file has no effect without tls.cert_file and tls.key_file; give them as well")
	case len(c.Auth.Certificates) > 0 && c.TLS.ClientCAFile == "":
		return errors.New("auth.certificates needs tls.client_ca_file, the authorities of these certificates")
	}
	return nil
}
