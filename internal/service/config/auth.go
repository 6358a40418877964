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
}

// Certificate is a name of client certificates, and what their holders may do.
type Certificate struct {
	// URI may have {node} in place of one segment: the component that its holder
	// reports for. One of URI and DNS is given.
	URI     string   `yaml:"uri"`
	DNS     string   `yaml:"dns"`
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
	if a.Mode == AuthOff && (a.TokensFile != "" || len(a.Certificates) > 0) {
		return errors.New("auth.tokens_file and auth.certificates have no effect while auth.mode is off; take them out, or use shadow")
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
