package oidc

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
)

const (
	// maxKeys bounds the keys of an issuer. Two or three are usual.
	maxKeys = 64
	// minBits is the least length of an RSA key.
	minBits = 2048
)

// set are keys that were fetched together.
type set struct {
	keys []jose.JSONWebKey
	text string // the keys as text, to compare
}

// parseSet reads keys, and leaves out those that sign no token here.
func parseSet(body []byte, algorithms []string) (*set, error) {
	var listed struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &listed); err != nil {
		return nil, errors.New("it is no JSON Web Key Set; correct jwks_url")
	}
	if len(listed.Keys) > maxKeys {
		return nil, fmt.Errorf("it has %d keys, more than %d; remove old ones at the issuer", len(listed.Keys), maxKeys)
	}
	s := &set{}
	var texts []string
	for _, raw := range listed.Keys {
		var key jose.JSONWebKey
		// A kind of key that is not known here is for others.
		if err := json.Unmarshal(raw, &key); err != nil || !usable(key, algorithms) {
			continue
		}
		text, err := json.Marshal(key)
		if err != nil {
			continue
		}
		s.keys, texts = append(s.keys, key), append(texts, string(text))
	}
	if len(s.keys) == 0 {
		return nil, fmt.Errorf("none of its %d keys verifies %s; look at the keys of the issuer", len(listed.Keys), strings.Join(algorithms, ", "))
	}
	slices.Sort(texts)
	s.text = strings.Join(texts, "\n")
	return s, nil
}

// usable reports whether a key verifies tokens. Secrets that sign as well never do.
func usable(key jose.JSONWebKey, algorithms []string) bool {
	if !key.Valid() || !key.IsPublic() || len(key.KeyID) > maxKeyID || key.Use != "" && key.Use != "sig" || key.Algorithm != "" && !slices.Contains(algorithms, key.Algorithm) {
		return false
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= minBits
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}

// verify is what is in a token that one of the keys has signed, else nil. A token that
// names no key is tried with all.
func (s *set) verify(jws *jose.JSONWebSignature) []byte {
	if s == nil {
		return nil
	}
	header := jws.Signatures[0].Header
	for i := range s.keys {
		key := &s.keys[i]
		if header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		// By the key itself: with a JSONWebKey the token could choose.
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload
		}
	}
	return nil
}

func (s *set) same(other *set) bool { return other != nil && s.text == other.text }

// names are those of the keys, for a person.
func (s *set) names() string {
	var names []string
	for _, key := range s.keys {
		names = append(names, fmt.Sprintf("%q", key.KeyID))
	}
	return clip(strings.Join(names, ", "))
}
