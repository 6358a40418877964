// Package tokens knows who has a bearer token of the site's own: those of its file,
// of which it holds hashes alone, and the one that a service makes for its own
// machine.
package tokens

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/yamlfile"
)

// Entry is one token of a file.
type Entry struct {
	// Name is who has it, as the history shows.
	Name string `yaml:"name"`
	// SHA256 is the hash of the token, in hexadecimal.
	SHA256 string   `yaml:"sha256"`
	Roles  []string `yaml:"roles"`
	// Tenants bound it to the nodes of these tenants, Nodes a reporter to these
	// components.
	Tenants []string `yaml:"tenants,omitempty"`
	Nodes   []string `yaml:"nodes,omitempty"`
	// Expires is when it is good no more; zero is never.
	Expires time.Time `yaml:"expires,omitempty"`
}

// File is what a file of tokens holds.
type File struct {
	Tokens []Entry `yaml:"tokens"`
}

// maxTokens bounds a file.
const maxTokens = 100_000

// Hash is what a file keeps of a token.
func Hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Parse reads a file of tokens.
func Parse(d yamlfile.Document) (map[string]access.Identity, error) {
	var f File
	if err := d.Decode(&f); err != nil {
		return nil, err
	}
	if len(f.Tokens) > maxTokens {
		return nil, fmt.Errorf("it holds %d tokens, more than %d; have an identity provider issue them", len(f.Tokens), maxTokens)
	}
	known := make(map[string]access.Identity, len(f.Tokens))
	names := make(map[string]bool, len(f.Tokens))
	for i, e := range f.Tokens {
		place := fmt.Sprintf("$.tokens[%d]", i)
		identity, err := e.identity()
		if err != nil {
			return nil, d.Errorf(place, "%w", err)
		}
		if names[e.Name] {
			return nil, d.Errorf(place, "the name %q comes twice; give each token its own, so that the history tells them apart", e.Name)
		}
		if _, twice := known[e.SHA256]; twice {
			return nil, d.Errorf(place, "the token of %q is that of another one; make it anew", e.Name)
		}
		names[e.Name], known[e.SHA256] = true, identity
	}
	return known, nil
}

func (e Entry) identity() (access.Identity, error) {
	identity := access.Identity{Subject: e.Name, Proof: access.ProofStatic, Tenants: e.Tenants, Expires: e.Expires}
	if e.Name == "" {
		return identity, errors.New("a token has no name; say who has it")
	}
	if sum, err := hex.DecodeString(e.SHA256); err != nil || len(sum) != sha256.Size || hex.EncodeToString(sum) != e.SHA256 {
		return identity, fmt.Errorf("sha256 of %q is no SHA-256 in 64 lower-case hexadecimal digits; make the token with the command token make", e.Name)
	}
	if len(e.Roles) == 0 {
		return identity, fmt.Errorf("%q has no roles; give it some of %v", e.Name, access.RoleNames())
	}
	for _, text := range e.Roles {
		role, err := access.ParseRole(text)
		if err != nil {
			return identity, fmt.Errorf("roles of %q: %w", e.Name, err)
		}
		if role == access.TenantAdmin && len(e.Tenants) == 0 {
			return identity, fmt.Errorf("%q is %s of no tenant; name some in tenants", e.Name, role)
		}
		identity.Roles = append(identity.Roles, role)
	}
	for _, tenant := range e.Tenants {
		if !bos.ValidTenantName(tenant) {
			return identity, fmt.Errorf("tenants of %q: %q cannot be a tenant's name", e.Name, tenant)
		}
	}
	for _, node := range e.Nodes {
		if !bos.ValidComponentID(node) {
			return identity, fmt.Errorf("nodes of %q: %q cannot be a component's id", e.Name, node)
		}
		identity.Nodes = append(identity.Nodes, bos.CanonicalXname(node))
	}
	return identity, nil
}

// Source knows the tokens of a file, which is read again when it changed.
type Source struct {
	file *yamlfile.File[map[string]access.Identity]
}

var _ access.Bearers = (*Source)(nil)

// New makes a source of a file. The error says why it cannot be read now.
func New(path string) (*Source, error) {
	s := &Source{yamlfile.New(path, Parse)}
	if _, err := s.file.Read(); err != nil {
		return nil, fmt.Errorf("auth.tokens_file: %w", err)
	}
	return s, nil
}

// Bearer is who has a token. What is looked up is its hash: how long that takes says
// nothing about the token.
func (s *Source) Bearer(_ *http.Request, token string) (access.Identity, error) {
	known, err := s.file.Read()
	if err != nil {
		return access.Identity{}, fmt.Errorf("auth.tokens_file cannot be read: %w", err)
	}
	identity, ok := known[Hash(token)]
	if !ok {
		return access.Identity{}, access.ErrUnknown
	}
	return identity, nil
}

// Local is the token of a service for its own machine, whose holder may do
// everything.
type Local string

var _ access.Bearers = Local("")

// Bearer is who has the token.
func (l Local) Bearer(_ *http.Request, token string) (access.Identity, error) {
	want, got := sha256.Sum256([]byte(l)), sha256.Sum256([]byte(token))
	if l == "" || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return access.Identity{}, access.ErrUnknown
	}
	return access.Identity{Subject: "local", Proof: access.ProofLocal, Roles: []access.Role{access.Admin}}, nil
}
