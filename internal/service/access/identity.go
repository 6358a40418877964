// Package access says who sent a request and what they may do. It decides by one
// table of roles (role.go) over one list of permissions (permission.go); the
// sources of identities, such as tokens and certificates, only say who somebody is.
package access

import (
	"slices"
	"time"
)

// Proof is how somebody showed who they are.
type Proof string

// The proofs.
const (
	// ProofNone is nobody's: authentication is off, or only watched.
	ProofNone Proof = ""
	// ProofLocal is the token that a service makes for its own machine.
	ProofLocal Proof = "local"
	// ProofStatic is a token of the site's own list.
	ProofStatic Proof = "token"
	// ProofOIDC is a token that an identity provider signed.
	ProofOIDC Proof = "oidc"
	// ProofCertificate is a client certificate.
	ProofCertificate Proof = "certificate"
	// ProofNode is the token that a node has from its boot script.
	ProofNode Proof = "node token"
	// ProofAddress is the address that a node asks from, as the inventory knows it.
	ProofAddress Proof = "address"
	// ProofPeer is a process on this machine, told by its kernel.
	ProofPeer Proof = "peer"
)

// Identity is who sent a request, as a source has found.
type Identity struct {
	// Subject is the name; Issuer is who vouches for it, empty for this service.
	Subject, Issuer string
	Proof           Proof
	Roles           []Role
	// Tenants bounds the reach to the nodes of these tenants; none is the site,
	// which the role TenantAdmin never is.
	Tenants []string
	// Nodes bounds a reporter to these components; none is all.
	Nodes []string
	// Expires is when the proof ends; zero is never.
	Expires time.Time
}

// Everybody is who asks where nobody is asked for a proof.
func Everybody() Identity { return Identity{Roles: []Role{Admin}} }

// Name is the identity for the history: the subject with who vouches for it,
// and how it was proven.
func (i Identity) Name() string {
	name := i.Subject
	if i.Issuer != "" {
		name = i.Issuer + "|" + name
	}
	if i.Proof != ProofNone {
		name += " (" + string(i.Proof) + ")"
	}
	return name
}

// Is reports whether the identity has a role.
func (i Identity) Is(role Role) bool { return slices.Contains(i.Roles, role) }

// may reports whether one of the roles has the permission, within its reach.
func (i Identity) may(p Permission) bool {
	if p == Public {
		return true
	}
	for _, role := range i.Roles {
		if grants[role].has(p) && (!siteWide.has(p) || i.site(role)) {
			return true
		}
	}
	return false
}

// site reports whether a role reaches beyond tenants.
func (i Identity) site(role Role) bool { return len(i.Tenants) == 0 && role != TenantAdmin }
