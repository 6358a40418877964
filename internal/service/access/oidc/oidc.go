// Package oidc knows who has a bearer token that an identity provider signed. It asks
// the provider for its keys alone: a token is judged by what is in it.
package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	jose "github.com/go-jose/go-jose/v4"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

const (
	// Leeway is by how much the clocks of issuer and service may differ.
	Leeway = time.Minute
	// maxToken bounds a token. Those with many roles in them have some 8 KiB.
	maxToken = 32 << 10
	// remembered bounds the tokens that need no look at their signature again: each node of
	// a large site has one of its own. Only those that were good are among them.
	remembered = 1 << 16
)

// Algorithms are those that a token may be signed with. None of them takes a secret
// that both sides know, so a public key is never mistaken for one.
var Algorithms = []string{string(jose.RS256), string(jose.PS256), string(jose.ES256), string(jose.EdDSA)}

// Settings are what a site says of one issuer.
type Settings struct {
	// Name is the section of the settings, for errors.
	Name string
	// Issuer is what its tokens have in iss. Without JWKSURL its keys are found by
	// discovery below it.
	Issuer, JWKSURL string
	// Audiences are those of which a token must have one in aud.
	Audiences []string
	// Algorithms narrow those of this package; none is all of them.
	Algorithms []string
	// RolesClaim and TenantsClaim say where in a token they are, such as
	// realm_access.roles. No TenantsClaim is the whole site.
	RolesClaim, TenantsClaim string
	// Roles are ours by the issuer's names; nil takes ours by their own names.
	Roles map[string]access.Role
	// MoreRoles are other places of a token, of which nothing but the roles named counts.
	MoreRoles []ClaimRoles
	// TenantsSuffix, if it is not empty, is what the names of tenants end in there; it is
	// cut off, and what ends otherwise is no tenant, as among the groups of a person.
	TenantsSuffix string
	// Reporters are the subjects of nodes: who has one reports for that node, whatever
	// else is in the token.
	Reporters []bos.NodePattern
	// Unbounded lets a token without tenants reach the whole site although there is
	// a TenantsClaim; else it is refused.
	Unbounded bool
	// CA verifies the certificate of the issuer; nil is the system's pool.
	CA func() *x509.CertPool
	// Log takes what becomes of the keys; nil discards it.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// ClaimRoles are roles of ours by the names that one claim has for them.
type ClaimRoles struct {
	Claim string
	Roles map[string]access.Role
}

// Source knows the tokens of one issuer.
type Source struct {
	Settings
	keys     *keys
	verifier *oidc.IDTokenVerifier
	proven   *lru.Cache[[sha256.Size]byte, proven]
}

var _ access.Bearers = (*Source)(nil)

// proven is what a token has shown, good from a time until its identity expires, and
// only as long as the keys are those that it was verified with.
type proven struct {
	identity access.Identity
	from     time.Time
	by       *set
}

// New makes a source. It asks the issuer for nothing yet, so that one that is away
// does not keep a service from starting.
func New(s Settings) (*Source, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("%s.%w", s.Name, err)
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if len(s.Algorithms) == 0 {
		s.Algorithms = Algorithms
	}
	cache, err := lru.New[[sha256.Size]byte, proven](remembered)
	if err != nil {
		return nil, err
	}
	source := &Source{Settings: s, keys: newKeys(s), proven: cache}
	// What the verifier would check of times and audience is checked here: its
	// leeways are others, and it knows one audience.
	source.verifier = oidc.NewVerifier(s.Issuer, source.keys, &oidc.Config{SupportedSigningAlgs: s.Algorithms, SkipClientIDCheck: true, SkipExpiryCheck: true})
	return source, nil
}

func (s Settings) check() error {
	if err := s.checkURLs(); err != nil {
		return err
	}
	if len(s.Audiences) == 0 || slices.Contains(s.Audiences, "") {
		return errors.New("audiences is missing; name what the issuer puts into aud for this service, such as bos, or a token for any other service would open this one")
	}
	if slices.Contains(s.Audiences, "account") {
		return errors.New("audiences: account is in every token of Keycloak; give this service an audience of its own, such as bos")
	}
	for _, a := range s.Algorithms {
		if !slices.Contains(Algorithms, a) {
			return fmt.Errorf("algorithms: %q is none that is taken; use some of %s", a, strings.Join(Algorithms, ", "))
		}
	}
	if s.RolesClaim == "" && len(s.Reporters) == 0 {
		return errors.New("roles_claim is missing; say where in a token the roles are, such as realm_access.roles")
	}
	for i, p := range s.Reporters {
		if p.Placeholders() != 1 {
			return fmt.Errorf("reporters[%d] %q has to have %s once, for the node that reports", i, p, bos.NodePlaceholder)
		}
	}
	for i, more := range s.MoreRoles {
		if more.Claim == "" || len(more.Roles) == 0 {
			return fmt.Errorf("more_roles[%d] has to have a claim, and the roles that count there", i)
		}
	}
	return nil
}

// checkURLs is nil if keys are asked for where nobody else can hand them out. What tokens
// have in iss is a name if it is not asked.
func (s Settings) checkURLs() error {
	if s.JWKSURL == "" {
		if err := validURL(s.Issuer); err != nil {
			return fmt.Errorf("issuer %w", err)
		}
		return nil
	}
	if err := plainURL(s.Issuer); err != nil {
		return fmt.Errorf("issuer %w", err)
	}
	if err := validURL(s.JWKSURL); err != nil {
		return fmt.Errorf("jwks_url %w", err)
	}
	return nil
}

// Bearer is who has a token. One of another issuer is unknown, without a look at its
// signature.
func (s *Source) Bearer(r *http.Request, token string) (access.Identity, error) {
	if len(token) > maxToken || strings.Count(token, ".") != 2 {
		return access.Identity{}, access.ErrUnknown
	}
	s.keys.keepFresh()
	sum := sha256.Sum256([]byte(token))
	known, ok := s.proven.Get(sum)
	if !ok || known.by != s.keys.now() {
		if err := s.mine(token); err != nil {
			return access.Identity{}, err
		}
		var err error
		if known, err = s.verify(r.Context(), token); err != nil {
			return access.Identity{}, fmt.Errorf("a token of the issuer %s: %w", s.Issuer, err)
		}
		s.proven.Add(sum, known)
	}
	if err := known.at(s.Now()); err != nil {
		return access.Identity{}, fmt.Errorf("a token of the issuer %s for %q: %w", s.Issuer, known.identity.Subject, err)
	}
	return known.identity, nil
}

// at is nil if the token is good at a time. The clock may have been set meanwhile.
func (p proven) at(now time.Time) error {
	switch {
	case now.Before(p.from):
		return fmt.Errorf("it is good from %s only, and the clock of this service says %s; compare the clocks", p.from.Add(Leeway).UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case !now.Before(p.identity.Expires):
		return fmt.Errorf("it has expired at %s, and the clock of this service says %s; get a new one", p.identity.Expires.Add(-Leeway).UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// mine is nil if a token says that it is of this issuer, which nothing has proven yet.
func (s *Source) mine(token string) error {
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		return access.ErrUnknown
	}
	var says struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal(payload, &says); err != nil || says.Issuer == "" {
		return access.ErrUnknown
	}
	if says.Issuer != s.Issuer {
		return fmt.Errorf("%w: it says that it is of the issuer %q, and %s is %q", access.ErrUnknown, clip(says.Issuer), s.Name, s.Issuer)
	}
	return nil
}

// verify reads a token that nobody has shown before.
func (s *Source) verify(ctx context.Context, token string) (proven, error) {
	used := &verification{}
	t, err := s.verifier.Verify(context.WithValue(ctx, verificationKey{}, used), token)
	if err != nil {
		return proven{}, err
	}
	if !slices.ContainsFunc(t.Audience, func(a string) bool { return slices.Contains(s.Audiences, a) }) {
		return proven{}, fmt.Errorf("it is for %s and not for %s; have the issuer put that into aud (in Keycloak by an audience mapper), or add what it is for to %s.audiences",
			clip(strings.Join(t.Audience, ", ")), strings.Join(s.Audiences, ", "), s.Name)
	}
	var c claims
	if err := t.Claims(&c); err != nil {
		return proven{}, errors.New("its claims are no JSON object")
	}
	return s.read(c, used.by)
}

func clip(s string) string {
	const most = 256
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
