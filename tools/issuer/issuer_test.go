// Package issuer_test has access tokens of an identity provider that others wrote taken
// by the service's own verification. It is a module of its own, so that the product
// requires no provider.
package issuer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/oidc"
)

// key is one of the provider's.
type key struct {
	id      string
	private *ecdsa.PrivateKey
}

func newKey(tb testing.TB, id string) key {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key{id, private}
}

func (k key) ID() string                                  { return k.id }
func (k key) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k key) Algorithm() jose.SignatureAlgorithm          { return jose.ES256 }
func (k key) Use() string                                 { return "sig" }
func (k key) Key() any                                    { return k.private }

// public is a key as the provider publishes it.
type public struct{ key }

func (p public) Key() any { return p.private.Public() }

// client is one whose access tokens are signed, and not names of what the provider keeps.
type client struct{ op.Client }

func (client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

// provider is that of a site: its clients are services, and it changes its keys.
type provider struct {
	*storage.Storage
	server *httptest.Server
	away   atomic.Bool
	// asked counts the requests for keys.
	asked atomic.Int64

	mu     sync.Mutex
	signer key
	keys   []op.Key
}

func (p *provider) has(signer key, published ...key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signer, p.keys = signer, nil
	for _, k := range published {
		p.keys = append(p.keys, public{k})
	}
}

func (p *provider) SigningKey(context.Context) (op.SigningKey, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.signer, nil
}

func (p *provider) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

func (p *provider) KeySet(context.Context) ([]op.Key, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys, nil
}

func (p *provider) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	c, err := p.Storage.ClientCredentials(ctx, id, secret)
	return client{c}, err
}

func (p *provider) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	return &zitadel.JWTTokenRequest{Subject: id, Audience: []string{"bos"}, Scopes: scopes}, nil
}

func (p *provider) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return rand.Text(), time.Now().Add(2 * time.Hour), nil
}

func (p *provider) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return map[string]any{"roles": []string{"operator"}}, nil
}

// started is a provider on a socket, with one key.
func started(tb testing.TB) (*provider, key) {
	tb.Helper()
	p, k := &provider{}, newKey(tb, "first")
	p.has(k, k)
	var h http.Handler
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			p.asked.Add(1)
		}
		if p.away.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		h.ServeHTTP(w, r)
	}))
	tb.Cleanup(p.server.Close)
	p.Storage = storage.NewStorage(storage.NewUserStore(p.server.URL))
	made, err := op.NewProvider(&op.Config{CryptoKey: [32]byte{1}}, p, op.StaticIssuer(p.server.URL), op.WithAllowInsecure())
	if err != nil {
		tb.Fatal(err)
	}
	h = made
	return p, k
}

// token is one that the provider gives to its client for its secret.
func (p *provider) token(tb testing.TB) string {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, p.server.URL+"/oauth/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}, "scope": {"openid"}}.Encode()))
	if err != nil {
		tb.Fatal(err)
	}
	r.SetBasicAuth("sid1", "verysecret")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := p.server.Client().Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer answer.Body.Close()
	var says struct {
		Token string `json:"access_token"`
		Error string `json:"error_description"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&says); err != nil || says.Token == "" {
		tb.Fatalf("%s: %v, %s", answer.Status, err, says.Error)
	}
	return says.Token
}

// site takes the provider's tokens, by a clock that a test moves.
type site struct {
	*oidc.Source
	ahead atomic.Int64
}

func (p *provider) site(tb testing.TB) *site {
	tb.Helper()
	s := &site{}
	var err error
	s.Source, err = oidc.New(oidc.Settings{
		Name: "auth.oidc[0]", Issuer: p.server.URL, Audiences: []string{"bos"}, RolesClaim: "roles",
		Now: func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func (s *site) takes(tb testing.TB, token string) (access.Identity, error) {
	tb.Helper()
	return s.Bearer(httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/v2/components", nil), token)
}

func TestATokenOfARealProviderHasTheRolesThatAreInIt(t *testing.T) {
	p, _ := started(t)
	got, err := p.site(t).takes(t, p.token(t))
	if err != nil || !strings.Contains(got.Subject, "sid1") || len(got.Roles) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestARealProviderChangesItsKeysWithoutARefusedRequest(t *testing.T) {
	p, k := started(t)
	s := p.site(t)
	for n := range 5 {
		was := p.token(t)
		if _, err := s.takes(t, was); err != nil {
			t.Fatal(err)
		}
		next := newKey(t, fmt.Sprint("key", n))
		s.ahead.Add(int64(time.Minute))
		p.has(next, k, next)
		for range 20 {
			for name, token := range map[string]string{"new": p.token(t), "old": was} {
				if _, err := s.takes(t, token); err != nil {
					t.Fatalf("change %d, with the %s key: %v", n, name, err)
				}
			}
		}
		k = next
	}
}

func TestARealProviderMayBeAwayForAnHour(t *testing.T) {
	p, _ := started(t)
	s := p.site(t)
	tokens := make([]string, 60)
	for n := range tokens {
		tokens[n] = p.token(t)
	}
	if _, err := s.takes(t, p.token(t)); err != nil {
		t.Fatal(err)
	}
	p.away.Store(true)
	for minute, token := range tokens {
		s.ahead.Add(int64(time.Minute))
		if _, err := s.takes(t, token); err != nil {
			t.Fatalf("after %d minutes: %v", minute+1, err)
		}
	}
}

func TestTokensWithKeysThatARealProviderNeverHadAskItTwiceAMinute(t *testing.T) {
	p, _ := started(t)
	s := p.site(t)
	good := p.token(t)
	if _, err := s.takes(t, good); err != nil {
		t.Fatal(err)
	}
	s.ahead.Add(int64(30 * time.Second))
	before := p.asked.Load()
	parts := strings.Split(good, ".")
	const hostile = 100_000
	for n := range hostile {
		s.ahead.Add(int64(30*time.Second) / hostile)
		header, _ := json.Marshal(map[string]any{"alg": "ES256", "kid": fmt.Sprint("none", n)})
		token := base64.RawURLEncoding.EncodeToString(header) + "." + parts[1] + "." + parts[2]
		if got, err := s.takes(t, token); err == nil || errors.Is(err, access.ErrUnknown) {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if asked := p.asked.Load() - before; asked > 2 {
		t.Errorf("its keys were fetched %d times", asked)
	}
	if _, err := s.takes(t, good); err != nil {
		t.Error(err)
	}
}

// BenchmarkATokenOfARealProvider is what a request pays for a token that was seen before.
func BenchmarkATokenOfARealProvider(b *testing.B) {
	p, _ := started(b)
	s, token := p.site(b), p.token(b)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
	for b.Loop() {
		if _, err := s.Bearer(r, token); err != nil {
			b.Fatal(err)
		}
	}
}
