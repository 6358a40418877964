package oidc_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/oidc"
)

func TestAHundredThousandTokensWithUnknownKeysAskTheIssuerTwice(t *testing.T) {
	const tokens, seconds = 100_000, 2 * int64(oidc.RefreshGap/time.Second)
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	source := i.source()
	good := i.token(key, nil)
	start := i.now.Load()
	claims := i.claims(nil)
	for n := range int64(tokens) {
		i.now.Store(start + n*seconds/tokens)
		token := byHand(map[string]any{"alg": "ES256", "kid": fmt.Sprint("k", n+2)}, claims, nil)
		if got, err := asked(t, source, token); err == nil {
			t.Fatalf("%+v", got)
		}
		if n%1000 == 0 {
			if _, err := asked(t, source, good); err != nil {
				t.Fatalf("a good token after %d hostile ones: %v", n, err)
			}
		}
	}
	source.Settle()
	if got := i.fetches.Load(); got > 2 {
		t.Errorf("the keys were fetched %d times", got)
	}
}

func TestKeysChangeWithoutARefusedRequest(t *testing.T) {
	before, after := newSigner(t, "old", jose.ES256), newSigner(t, "new", jose.ES256)
	i := newIssuer(t, before)
	source := i.source()
	was := i.token(before, nil)
	if _, err := asked(t, source, was); err != nil {
		t.Fatal(err)
	}
	i.later(oidc.RefreshGap)
	i.has(before, after)
	// Many at once with the new key, while tokens of the old one are still good.
	var all sync.WaitGroup
	for n := range 100 {
		all.Go(func() {
			if _, err := asked(t, source, i.token(after, map[string]any{"jti": n})); err != nil {
				t.Errorf("with the new key: %v", err)
			}
			if _, err := asked(t, source, i.token(before, map[string]any{"jti": n})); err != nil {
				t.Errorf("with the old key: %v", err)
			}
		})
	}
	all.Wait()
	if got := i.fetches.Load(); got != 2 {
		t.Errorf("the keys were fetched %d times", got)
	}
	// The old key goes: what it has signed goes with it, also what was known.
	i.has(after)
	told := make(chan struct{})
	i.answers(func(w http.ResponseWriter, r *http.Request) {
		<-told
		i.answers(nil)
		i.ServeHTTP(w, r)
	})
	i.later(oidc.RefreshEvery)
	if _, err := asked(t, source, was); err != nil {
		t.Errorf("before anybody knows: %v", err)
	}
	close(told)
	source.Settle()
	if got, err := asked(t, source, was); err == nil {
		t.Errorf("signed by a key that was withdrawn: %+v", got)
	}
	if _, err := asked(t, source, i.token(after, nil)); err != nil {
		t.Error(err)
	}
}

func TestAnotherKeyUnderTheSameNameIsFound(t *testing.T) {
	before, after := newSigner(t, "k1", jose.ES256), newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, before)
	source := i.source()
	if _, err := asked(t, source, i.token(before, nil)); err != nil {
		t.Fatal(err)
	}
	i.has(after)
	i.later(oidc.RefreshGap)
	if _, err := asked(t, source, i.token(after, nil)); err != nil {
		t.Error(err)
	}
	if got, err := asked(t, source, i.token(before, nil)); err == nil {
		t.Errorf("%+v", got)
	}
}

func TestAnIssuerThatIsAwayNeitherKeepsTheServiceFromStartingNorOpensIt(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	i.answers(away)
	source := i.source()
	for range 50 {
		got, err := asked(t, source, i.token(key, nil))
		if err == nil || errors.Is(err, access.ErrUnknown) || !strings.Contains(err.Error(), "502") || got.Subject != "" {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if got := i.discoveries.Load(); got != 1 {
		t.Errorf("an issuer that is away was asked %d times in one moment", got)
	}
	i.answers(nil)
	i.later(oidc.RefreshGap)
	if _, err := asked(t, source, i.token(key, nil)); err != nil {
		t.Errorf("it is back: %v", err)
	}
}

func TestAnIssuerMayBeAwayForAnHourWithoutARefusedRequest(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	source := i.source()
	if _, err := asked(t, source, i.token(key, nil)); err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]http.HandlerFunc{
		"a proxy without it": away,
		"a login page":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no keys":            func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"no end": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":["` + strings.Repeat(" ", 2<<20) + `"]}`))
		},
		"no answer": func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = c.Close()
			}
		},
	} {
		i.answers(answer)
		from := i.fetches.Load() + i.discoveries.Load()
		for minute := range 60 {
			i.later(time.Minute)
			if _, err := asked(t, source, i.token(key, map[string]any{"jti": minute})); err != nil {
				t.Fatalf("%s for %d minutes: %v", name, minute, err)
			}
			source.Settle()
		}
		// net/http tries again itself where a connection ends without an answer.
		if got := i.fetches.Load() + i.discoveries.Load() - from; got == 0 || got > 240 {
			t.Errorf("%s: asked %d times", name, got)
		}
	}
	i.answers(nil)
	after := newSigner(t, "k2", jose.ES256)
	i.has(after)
	i.later(oidc.RefreshGap)
	if _, err := asked(t, source, i.token(after, nil)); err != nil {
		t.Errorf("it is back with another key: %v", err)
	}
}

func TestWhileAnIssuerHangsKnownKeysServeAndFewWait(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	source := i.source()
	if _, err := asked(t, source, i.token(key, nil)); err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	i.answers(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		away(w, nil)
	})
	i.later(oidc.RefreshGap)
	const many = 1000
	unknown := i.token(signer{"k2", jose.ES256, newSigner(t, "k2", jose.ES256).key}, nil)
	dropped := make(chan error, many)
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			_, err := asked(t, source, unknown)
			dropped <- err
		})
	}
	for range many - oidc.MaxWaiting {
		if err := <-dropped; err == nil {
			t.Error("a token of nobody passed")
		}
	}
	for source.Waiting() != oidc.MaxWaiting {
		runtime.Gosched()
	}
	if _, err := asked(t, source, i.token(key, map[string]any{"jti": "x"})); err != nil {
		t.Errorf("with a known key: %v", err)
	}
	close(release)
	all.Wait()
}

func TestAClockThatWasSetBackStopsNoFetch(t *testing.T) {
	before, after := newSigner(t, "k1", jose.ES256), newSigner(t, "k2", jose.ES256)
	i := newIssuer(t, before)
	source := i.source()
	i.later(100 * 24 * time.Hour)
	if _, err := asked(t, source, i.token(before, nil)); err != nil {
		t.Fatal(err)
	}
	i.later(-100 * 24 * time.Hour)
	i.has(after)
	if _, err := asked(t, source, i.token(after, nil)); err != nil {
		t.Error(err)
	}
}

func TestKeysComeOnlyFromWhereNobodyIsOnTheWay(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	other := newIssuer(t, key)
	for name, c := range map[string]struct {
		answer func(i *issuer) http.HandlerFunc
		says   string
	}{
		"sent on": {func(*issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.name()+"/keys", http.StatusFound)
			}
		}, "sends on to another address"},
		"sent round": {func(*issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }
		}, "again and again"},
		"plain keys": {func(i *issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"http://keycloak.example/keys"}`, i.name())
			}
		}, "is not https"},
		"no keys": {func(i *issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, `{"issuer":%q}`, i.name()) }
		}, "names no jwks_uri"},
		"another issuer": {func(*issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, other.name(), other.name()+"/keys")
			}
		}, "did not match"},
	} {
		i := newIssuer(t, key)
		i.answers(c.answer(i))
		if got, err := asked(t, i.source(), i.token(key, nil)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if other.fetches.Load() != 0 {
		t.Error("somebody else was asked for keys")
	}
}

func TestTheCertificateOfAnIssuerIsVerifiedByItsOwnAuthority(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	secure := httptest.NewTLSServer(i)
	defer secure.Close()
	authority := x509.NewCertPool()
	authority.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	keys := func(s *oidc.Settings) { s.JWKSURL = secure.URL + realm + "/keys" }
	if got, err := asked(t, i.source(keys), i.token(key, nil)); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := asked(t, i.source(keys, func(s *oidc.Settings) { s.CA = func() *x509.CertPool { return authority } }), i.token(key, nil)); err != nil {
		t.Error(err)
	}
}
