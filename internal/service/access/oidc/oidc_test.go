package oidc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/oidc"
)

func TestATokenSaysWhoHasItByEachAlgorithmWithAndWithoutDiscovery(t *testing.T) {
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA} {
		for _, bare := range []bool{false, true} {
			key := newSigner(t, "k1", algorithm)
			i := newIssuer(t, key)
			source := i.source(func(s *oidc.Settings) {
				if bare {
					s.JWKSURL = i.name() + "/keys"
				}
			})
			want := access.Identity{Subject: "ada", Issuer: i.name(), Proof: access.ProofOIDC, Roles: []access.Role{access.Operator}, Expires: i.clock().Add(time.Hour + oidc.Leeway)}
			for range 2 { // by its signature, and as one that is known
				got, err := asked(t, source, i.token(key, nil))
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Errorf("%s: %v\n%s", algorithm, err, diff)
				}
			}
			if got := i.discoveries.Load(); bare && got != 0 {
				t.Errorf("%s: %d discoveries beside jwks_url", algorithm, got)
			}
			if got := i.fetches.Load(); got != 1 {
				t.Errorf("%s: the keys were fetched %d times", algorithm, got)
			}
		}
	}
}

func TestATokenThatNamesNoKeyIsTriedWithAll(t *testing.T) {
	key := newSigner(t, "", jose.ES256)
	i := newIssuer(t, newSigner(t, "", jose.EdDSA), newSigner(t, "", jose.ES256), key)
	if got, err := asked(t, i.source(), i.token(key, nil)); err != nil || got.Subject != "ada" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestATokenThatIsNotForThisServiceIsRefused(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	source := i.source()
	for name, c := range map[string]struct {
		but  map[string]any
		says string
	}{
		"another audience":       {map[string]any{"aud": "account"}, "it is for account and not for bos"},
		"no audience":            {map[string]any{"aud": nil}, "and not for bos"},
		"an audience like ours":  {map[string]any{"aud": []string{"bos ", "BOS", "bos,account"}}, "and not for bos"},
		"our name in azp":        {map[string]any{"aud": "account", "azp": "bos"}, "it is for account"},
		"an ID token":            {map[string]any{"typ": "ID"}, `of the type "ID"`},
		"an ID token by at_hash": {map[string]any{"typ": nil, "at_hash": "x"}, "it is an ID token"},
		"a refresh token":        {map[string]any{"typ": "Refresh"}, `of the type "Refresh"`},
		"bound to a key":         {map[string]any{"cnf": map[string]any{"jkt": "x"}}, "bound to a key of its client"},
		"no end":                 {map[string]any{"exp": nil}, "it has no exp"},
		"an end that is none":    {map[string]any{"exp": 1e18}, "its exp is no date"},
		"a beginning as text":    {map[string]any{"nbf": "tomorrow"}, "invalid number"},
		"nobody":                 {map[string]any{"sub": nil, "preferred_username": nil}, "neither preferred_username nor sub"},
		"a name with lines":      {map[string]any{"sub": "a\nb", "preferred_username": ""}, "neither preferred_username nor sub"},
		"roles that are none":    {map[string]any{"realm_access": map[string]any{"roles": map[string]any{"admin": true}}}, "realm_access.roles is no list"},
		"roles that are numbers": {map[string]any{"realm_access": map[string]any{"roles": []int{1}}}, "lists what is no text"},
	} {
		got, err := asked(t, source, i.token(key, c.but))
		if err == nil || errors.Is(err, access.ErrUnknown) || !strings.Contains(err.Error(), c.says) || len(got.Roles) > 0 || got.Subject != "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, kind := range []string{"logout+jwt", "dpop+jwt", "secevent+jwt"} {
		if got, err := asked(t, source, i.signed(key, i.claims(nil), map[jose.HeaderKey]any{jose.HeaderType: kind})); err == nil {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	for _, kind := range []string{"at+jwt", "application/at+jwt", "JWT"} {
		if _, err := asked(t, source, i.signed(key, i.claims(nil), map[jose.HeaderKey]any{jose.HeaderType: kind})); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestATokenOfAnotherIssuerIsLeftToOthersWithoutAQuestion(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	source := i.source()
	for _, other := range []any{i.URL + "/realms/other", i.name() + "/", strings.ToUpper(i.name()), "https://evil.example", "", nil} {
		if got, err := asked(t, source, i.token(key, map[string]any{"iss": other})); !errors.Is(err, access.ErrUnknown) {
			t.Errorf("%v: %+v, %v", other, got, err)
		}
	}
	for _, token := range []string{"", "bos_static", "a.b.c", "..", "e30.e30.", "a.b.c.d", "{}", `{"payload":"e30","signatures":[]}`} {
		if got, err := asked(t, source, token); !errors.Is(err, access.ErrUnknown) {
			t.Errorf("%q: %+v, %v", token, got, err)
		}
	}
	if i.fetches.Load()+i.discoveries.Load() != 0 {
		t.Error("the issuer was asked")
	}
}

func TestTimesHoldToTheSecondOfTheLeewayAndAfterAClockThatJumped(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	source := i.source()
	start := i.now.Load()
	token := i.token(key, map[string]any{"nbf": start + 1000, "exp": start + 2000})
	other := i.token(key, map[string]any{"nbf": start + 1000, "exp": start + 2000, "jti": "2"})
	for _, at := range []struct {
		second int64
		says   string
	}{
		{939, "it is good from"},
		{940, ""},
		{1500, ""},
		{2059, ""},
		{2060, "it has expired"},
		{100_000_000, "it has expired"},
		{1500, ""},
		{0, "it is good from"},
		{-100_000_000, "it is good from"},
		{2059, ""},
	} {
		i.now.Store(start + at.second)
		fresh := i.source()
		for name, ask := range map[string]struct {
			source *oidc.Source
			token  string
		}{"one that is known": {source, token}, "a second": {source, other}, "one that was never seen": {fresh, token}} {
			_, err := asked(t, ask.source, ask.token)
			if (err == nil) != (at.says == "") || err != nil && !strings.Contains(err.Error(), at.says) {
				t.Errorf("%s at %d: %v, want %q", name, at.second, err, at.says)
			}
		}
	}
}

func TestTheFrontTakesATokenUntilItsLeewayIsOverAndSaysNothingOfWhy(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	front := access.Authenticator{Bearers: []access.Bearers{i.source()}, Now: i.clock}.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(access.Actor(r)))
	}))
	token := i.token(key, nil)
	ask := func() *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/components", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		front.ServeHTTP(w, r)
		return w
	}
	i.later(time.Hour + oidc.Leeway - time.Second)
	if w := ask(); w.Code != http.StatusOK || w.Body.String() != i.name()+"|ada (oidc)" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	i.later(time.Second)
	if w := ask(); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" || strings.Contains(w.Body.String(), "expired") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
