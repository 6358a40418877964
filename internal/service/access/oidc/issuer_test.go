package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/oidc"
)

// signer is a key of an issuer.
type signer struct {
	id        string
	algorithm jose.SignatureAlgorithm
	key       crypto.Signer
}

func (s signer) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: s.key.Public(), KeyID: s.id, Algorithm: string(s.algorithm), Use: "sig"}
}

// rsaKeys are made once: that takes long.
var rsaKeys = sync.OnceValue(func() []*rsa.PrivateKey {
	var keys []*rsa.PrivateKey
	for _, bits := range []int{2048, 2048, 1024} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		keys = append(keys, key)
	}
	return keys
})

func newSigner(tb testing.TB, id string, algorithm jose.SignatureAlgorithm) signer {
	tb.Helper()
	s := signer{id: id, algorithm: algorithm}
	var err error
	switch algorithm {
	case jose.ES256:
		s.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, s.key, err = ed25519.GenerateKey(rand.Reader)
	default:
		s.key = rsaKeys()[0]
	}
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// issuer is an identity provider on a socket.
type issuer struct {
	*httptest.Server
	tb  testing.TB
	now atomic.Int64

	mu   sync.Mutex
	keys []jose.JSONWebKey
	// answer, if any, answers in place of the issuer.
	answer http.HandlerFunc

	discoveries, fetches atomic.Int64
}

const realm = "/realms/site"

func newIssuer(tb testing.TB, signers ...signer) *issuer {
	tb.Helper()
	i := &issuer{tb: tb}
	i.Server = httptest.NewServer(i)
	tb.Cleanup(i.Close)
	i.now.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Unix())
	i.has(signers...)
	return i
}

// has gives the issuer other keys.
func (i *issuer) has(signers ...signer) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = nil
	for _, s := range signers {
		i.keys = append(i.keys, s.public())
	}
}

// answers has something else answer; nil is the issuer again.
func (i *issuer) answers(h http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = h
}

func away(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == realm+"/keys" {
		i.fetches.Add(1)
	} else {
		i.discoveries.Add(1)
	}
	i.mu.Lock()
	answer, keys := i.answer, i.keys
	i.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case realm + "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.name(), "jwks_uri": i.name() + "/keys", "id_token_signing_alg_values_supported": []string{"HS256", "none"}})
	case realm + "/keys":
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: keys})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (i *issuer) name() string           { return i.URL + realm }
func (i *issuer) clock() time.Time       { return time.Unix(i.now.Load(), 0) }
func (i *issuer) later(by time.Duration) { i.now.Add(int64(by / time.Second)) }

// source is what a site says of the issuer, with what a test says otherwise.
func (i *issuer) source(but ...func(*oidc.Settings)) *oidc.Source {
	i.tb.Helper()
	s := oidc.Settings{Name: "auth.oidc[0]", Issuer: i.name(), Audiences: []string{"bos"}, RolesClaim: "realm_access.roles", Now: i.clock}
	for _, change := range but {
		change(&s)
	}
	source, err := oidc.New(s)
	if err != nil {
		i.tb.Fatal(err)
	}
	return source
}

// claims are those of an access token of Keycloak, good for an hour.
func (i *issuer) claims(but map[string]any) map[string]any {
	now := i.now.Load()
	c := map[string]any{
		"iss": i.name(), "sub": "f:1:ada", "preferred_username": "ada", "aud": []string{"account", "bos"}, "typ": "Bearer", "azp": "cli",
		"iat": now, "exp": now + 3600, "realm_access": map[string]any{"roles": []string{"offline_access", "operator"}},
	}
	maps.Copy(c, but)
	for name, value := range c {
		if value == nil {
			delete(c, name)
		}
	}
	return c
}

// token signs claims.
func (i *issuer) token(s signer, but map[string]any) string {
	i.tb.Helper()
	return i.signed(s, i.claims(but), nil)
}

func (i *issuer) signed(s signer, claims any, headers map[jose.HeaderKey]any) string {
	i.tb.Helper()
	options := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{jose.HeaderType: "JWT"}}
	for name, value := range headers {
		options.WithHeader(name, value)
	}
	var key any = s.key
	if s.id != "" {
		key = jose.JSONWebKey{Key: s.key, KeyID: s.id}
	}
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: s.algorithm, Key: key}, options)
	if err != nil {
		i.tb.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		i.tb.Fatal(err)
	}
	jws, err := made.Sign(payload)
	if err != nil {
		i.tb.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		i.tb.Fatal(err)
	}
	return token
}

// asked is what a source says of a token.
func asked(tb testing.TB, source *oidc.Source, token string) (access.Identity, error) {
	tb.Helper()
	return source.Bearer(httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/v2/components", nil), token)
}
