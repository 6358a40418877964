package oidc_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/bootorch/terraform-provider-bos/internal/service/access/oidc"
)

func encoded(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// byHand is a token with any header, signed with a secret.
func byHand(header, claims any, secret []byte) string {
	signed := encoded(header) + "." + encoded(claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestATokenThatAnybodyCouldMakeIsRefused(t *testing.T) {
	key := newSigner(t, "k1", jose.RS256)
	i := newIssuer(t, key)
	source := i.source()
	good := i.token(key, nil)
	if _, err := asked(t, source, good); err != nil {
		t.Fatal(err)
	}
	// What a hostile token names must never be asked.
	var visits atomic.Int64
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer evil.Close()
	public := key.key.Public().(*rsa.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := json.Marshal(key.public())
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	forged := signer{id: "k1", algorithm: jose.RS256, key: stranger}
	wrongKid := func(kid string) string {
		return byHand(map[string]any{"alg": "RS256", "kid": kid}, i.claims(nil), nil)
	}
	parts := strings.Split(good, ".")
	hostile := map[string]string{
		"no algorithm":               encoded(map[string]any{"kid": "k1"}) + "." + encoded(i.claims(nil)) + ".",
		"the algorithm none":         encoded(map[string]any{"alg": "none", "kid": "k1"}) + "." + encoded(i.claims(nil)) + ".",
		"the algorithm NoNe":         encoded(map[string]any{"alg": "NoNe", "kid": "k1"}) + "." + encoded(i.claims(nil)) + ".AA",
		"none for a good signature":  encoded(map[string]any{"alg": "none", "kid": "k1"}) + "." + parts[1] + "." + parts[2],
		"the public key as secret":   byHand(map[string]any{"alg": "HS256", "kid": "k1"}, i.claims(nil), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"the public key in DER":      byHand(map[string]any{"alg": "HS256", "kid": "k1"}, i.claims(nil), der),
		"the public key as JWK":      byHand(map[string]any{"alg": "HS256", "kid": "k1"}, i.claims(nil), jwk),
		"its modulus as secret":      byHand(map[string]any{"alg": "HS256", "kid": "k1"}, i.claims(nil), public.N.Bytes()),
		"an empty secret":            byHand(map[string]any{"alg": "HS256", "kid": ""}, i.claims(nil), nil),
		"a stranger's key":           i.token(forged, nil),
		"the algorithm of another":   i.token(signer{"k1", jose.RS512, key.key}, nil),
		"the key for another use":    i.token(signer{"k1", jose.PS256, key.key}, nil),
		"an embedded key":            i.signed(forged, i.claims(nil), map[jose.HeaderKey]any{"jwk": forged.public()}),
		"an embedded key and no kid": i.signed(signer{"", jose.RS256, stranger}, i.claims(nil), map[jose.HeaderKey]any{"jwk": signer{"", jose.RS256, stranger}.public()}),
		"jku":                        i.signed(forged, i.claims(nil), map[jose.HeaderKey]any{"jku": evil.URL + "/keys"}),
		"x5u":                        i.signed(forged, i.claims(nil), map[jose.HeaderKey]any{"x5u": evil.URL + "/chain"}),
		"x5c":                        i.signed(forged, i.claims(nil), map[jose.HeaderKey]any{"x5c": []string{base64.StdEncoding.EncodeToString(der)}}),
		"crit":                       i.signed(key, i.claims(nil), map[jose.HeaderKey]any{"crit": []string{"exp"}, "exp": 0}),
		"another payload":            parts[0] + "." + encoded(i.claims(map[string]any{"preferred_username": "root"})) + "." + parts[2],
		"a signature of nothing":     parts[0] + "." + parts[1] + ".",
		"a path as kid":              wrongKid("../../../../etc/passwd"),
		"a URL as kid":               wrongKid(evil.URL + "/keys"),
		"SQL as kid":                 wrongKid("k1' OR '1'='1"),
		"a kid with a zero byte":     wrongKid("k1\x00"),
		"a kid of a kilobyte":        wrongKid(strings.Repeat("k", 1024)),
		"a kid of a megabyte":        wrongKid(strings.Repeat("k", 1<<20)),
		"a kid that is a number":     byHand(map[string]any{"alg": "RS256", "kid": 1}, i.claims(nil), nil),
		"a kid that is a list":       byHand(map[string]any{"alg": "RS256", "kid": []string{"k1"}}, i.claims(nil), nil),
	}
	for name, token := range hostile {
		got, err := asked(t, source, token)
		if err == nil || got.Subject != "" || len(got.Roles) > 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if err != nil && (len(err.Error()) > 1024 || strings.Contains(err.Error(), token)) {
			t.Errorf("%s: the error repeats the token: %.200s", name, err)
		}
	}
	if visits.Load() != 0 {
		t.Errorf("what tokens name was asked %d times", visits.Load())
	}
	// All of them within one moment: the first keys, and nothing more.
	if got := i.fetches.Load(); got != 1 {
		t.Errorf("the keys were fetched %d times", got)
	}
	if _, err := asked(t, source, good); err != nil {
		t.Errorf("after all that a good token is refused: %v", err)
	}
}

func TestKeysThatAreNotForSigningAreLeftOut(t *testing.T) {
	weak := signer{id: "weak", algorithm: jose.RS256, key: rsaKeys()[2]}
	sealed := newSigner(t, "enc", jose.ES256)
	good := newSigner(t, "good", jose.ES256)
	i := newIssuer(t, weak, good)
	secret := []byte("a secret that both sides know, of 32 bytes and more")
	leaked := newSigner(t, "leaked", jose.ES256)
	i.mu.Lock()
	forEncryption := sealed.public()
	forEncryption.Use = "enc"
	i.keys = append(i.keys, forEncryption, jose.JSONWebKey{Key: secret, KeyID: "oct", Use: "sig"}, jose.JSONWebKey{Key: leaked.key, KeyID: "leaked"})
	i.mu.Unlock()
	source := i.source()
	if _, err := asked(t, source, i.token(good, nil)); err != nil {
		t.Error(err)
	}
	for name, token := range map[string]string{
		"a short key": i.token(weak, nil), "a key for encryption": i.token(sealed, nil), "a key that everybody has": i.token(leaked, nil),
		"a secret": byHand(map[string]any{"alg": "HS256", "kid": "oct"}, i.claims(nil), secret),
	} {
		if got, err := asked(t, source, token); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestASettingNarrowsTheAlgorithms(t *testing.T) {
	key, other := newSigner(t, "k1", jose.ES256), newSigner(t, "k2", jose.EdDSA)
	i := newIssuer(t, key, other)
	source := i.source(func(s *oidc.Settings) { s.Algorithms = []string{"EdDSA"} })
	if _, err := asked(t, source, i.token(other, nil)); err != nil {
		t.Error(err)
	}
	if got, err := asked(t, source, i.token(key, nil)); err == nil {
		t.Errorf("%+v", got)
	}
}
