package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

// BenchmarkBearer is the price of a token per request: one that was seen before, which
// is nearly every one, and one that was not.
func BenchmarkBearer(b *testing.B) {
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256} {
		key := newSigner(b, "k1", algorithm)
		i := newIssuer(b, key)
		token := i.token(key, nil)
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
		warm := i.source()
		b.Run("warm/"+string(algorithm), func(b *testing.B) {
			for b.Loop() {
				if _, err := warm.Bearer(r, token); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("cold/"+string(algorithm), func(b *testing.B) {
			for b.Loop() {
				warm.Forget()
				if _, err := warm.Bearer(r, token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
