package edge

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"unicode"
)

// TenantHeader scopes a request to a tenant.
const TenantHeader = "Cray-Tenant-Name"

const (
	// maxClaims bounds the part of a bearer token that is looked into.
	maxClaims = 16 << 10
	// unverified marks a name that nobody has checked.
	unverified = "unverified:"
)

// Actor names who sent a request, for the history: the user that a bearer token
// names, marked as such, because nobody here has checked the token, or the
// address that the request came from.
func Actor(r *http.Request) string {
	if name := tokenUser(r.Header.Get("Authorization")); name != "" {
		return unverified + name
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return ""
}

func tokenUser(header string) string {
	token, ok := strings.CutPrefix(header, "Bearer ")
	parts := strings.Split(token, ".")
	if !ok || len(parts) != 3 || len(parts[1]) > maxClaims {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		User    string `json:"preferred_username"`
		Subject string `json:"sub"`
	}
	if json.Unmarshal(text, &claims) != nil {
		return ""
	}
	if claims.User == "" {
		claims.User = claims.Subject
	}
	return clip(strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return -1
	}, claims.User))
}
