// Package certificates knows who is at the other end of a TLS connection by the
// client certificate that it has shown, and that the listener has verified.
package certificates

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// Rule says who has certificates with a name. One of URI and DNS is given.
type Rule struct {
	// URI is that of the certificate, such as the SPIFFE id
	// spiffe://shasta/compute/{node}/workload/bos-reporter; {node} is one segment of
	// it, the only component that its holder may report for.
	URI string
	// DNS is a host name of the certificate.
	DNS     string
	Roles   []access.Role
	Tenants []string
}

// Check is nil if the rule says who has which roles.
func (r Rule) Check() error {
	switch {
	case (r.URI == "") == (r.DNS == ""):
		return errors.New("give either uri or dns")
	case strings.Contains(r.DNS, "*"):
		return fmt.Errorf("dns %q is of many; name each in an entry of its own", r.DNS)
	case bos.NodePattern(r.URI).Placeholders() > 1:
		return fmt.Errorf("uri %q has %s more than once", r.URI, bos.NodePlaceholder)
	case len(r.Roles) == 0:
		return fmt.Errorf("%q has no roles; give it some of %v", r.URI+r.DNS, access.RoleNames())
	}
	for _, role := range r.Roles {
		if role == access.TenantAdmin && len(r.Tenants) == 0 {
			return fmt.Errorf("%q is %s of no tenant; name some in tenants", r.URI+r.DNS, role)
		}
	}
	return nil
}

// Source goes by rules, the first that fits.
type Source []Rule

var _ access.Connections = Source(nil)

// Connection is who has the client certificate of a request. Only a certificate that
// the listener has verified counts.
func (s Source) Connection(r *http.Request) (access.Identity, error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.VerifiedChains[0]) == 0 {
		return access.Identity{}, access.ErrUnknown
	}
	shown := r.TLS.VerifiedChains[0][0]
	for _, rule := range s {
		if name, node, fits := rule.fits(shown); fits {
			identity := access.Identity{Subject: name, Issuer: shown.Issuer.CommonName, Proof: access.ProofCertificate, Roles: rule.Roles, Tenants: rule.Tenants, Expires: shown.NotAfter}
			if node != "" {
				identity.Nodes = []string{node}
			}
			return identity, nil
		}
	}
	return access.Identity{}, errors.New("its certificate is verified, and no entry of auth.certificates has one of its names")
}

// fits reports whether a certificate has the name of the rule, and which.
func (r Rule) fits(c *x509.Certificate) (name, node string, fits bool) {
	if r.DNS != "" {
		// By the name itself: a wildcard is for servers, and whoever has one is not each
		// of those that it stands for.
		return r.DNS, "", slices.ContainsFunc(c.DNSNames, func(name string) bool { return strings.EqualFold(name, r.DNS) })
	}
	pattern := bos.NodePattern(r.URI)
	for _, uri := range c.URIs {
		text := uri.String()
		if pattern.Placeholders() == 0 && text == r.URI {
			return text, "", true
		}
		if id, ok := pattern.Node(text); ok {
			return text, id, true
		}
	}
	return "", "", false
}
