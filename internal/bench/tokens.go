package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/oidc"
)

// tokenRounds is how often reports are counted without and with tokens in turn, so that a
// machine which is busy now and then is so to both.
const tokenRounds = 5

// issuer signs a token for each node, as SPIRE does, and shows its key.
type issuer struct {
	*httptest.Server
	key *ecdsa.PrivateKey
}

const keyID = "bench"

func newIssuer() (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	i := &issuer{key: key}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: keyID, Algorithm: string(jose.ES256), Use: "sig"}}})
	}))
	return i, nil
}

// tokens are those of the nodes, by name.
func (i *issuer) tokens(ids []string) (map[string]string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: keyID}}, nil)
	if err != nil {
		return nil, err
	}
	all := make(map[string]string, len(ids))
	for _, id := range ids {
		claims, err := json.Marshal(map[string]any{"iss": i.URL, "aud": "bos", "sub": id, "exp": time.Now().Add(time.Hour).Unix(), "roles": []string{"operator"}})
		if err != nil {
			return nil, err
		}
		signed, err := signer.Sign(claims)
		if err != nil {
			return nil, err
		}
		if all[id], err = signed.CompactSerialize(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// tokenPrice is by how many per cent reports per second fall if each node has to prove who
// it is by a token of its own, beside a service that asks nobody.
func (m *room) tokenPrice(handler http.Handler, clients int, seconds float64) (float64, error) {
	from, err := newIssuer()
	if err != nil {
		return 0, err
	}
	defer from.Close()
	tokens, err := from.tokens(m.ids)
	if err != nil {
		return 0, err
	}
	source, err := oidc.New(oidc.Settings{Name: "bench", Issuer: from.URL, JWKSURL: from.URL, Audiences: []string{"bos"}, RolesClaim: "roles"})
	if err != nil {
		return 0, err
	}
	guarded := httptest.NewServer(access.Authenticator{Bearers: []access.Bearers{source}}.Handler(handler))
	defer guarded.Close()
	proving := *m
	proving.url, proving.tokens = guarded.URL, tokens
	for _, id := range m.ids { // a token costs more when it is seen for the first time
		r, err := http.NewRequestWithContext(m.ctx, http.MethodGet, "/", http.NoBody)
		if err != nil {
			return 0, err
		}
		if _, err := source.Bearer(r, tokens[id]); err != nil {
			return 0, fmt.Errorf("the token of %s: %w", id, err)
		}
	}
	var without, with float64
	each := time.Duration(seconds * float64(time.Second) / tokenRounds)
	for range tokenRounds {
		for _, side := range []struct {
			room *room
			sum  *float64
		}{{m, &without}, {&proving, &with}} {
			n, err := side.room.reports(clients, each)
			if err != nil {
				return 0, err
			}
			*side.sum += n
		}
	}
	return 100 * (1 - with/without), nil
}
