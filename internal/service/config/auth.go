package config

import (
	"fmt"
	"slices"
	"strings"
)

// Auth says who may use the API.
type Auth struct {
	// Mode is what becomes of requests by those who may not make them: enforce
	// refuses them, shadow lets them pass and logs them, off asks nobody for a
	// proof, which is for loopback alone. Empty is enforce.
	Mode string `yaml:"mode"`
	// TokensFile has the hashes of the site's own tokens, with their roles.
	TokensFile string `yaml:"tokens_file"`
}

// The modes of Auth.
const (
	AuthEnforce = "enforce"
	AuthShadow  = "shadow"
	AuthOff     = "off"
)

var authModes = []string{AuthEnforce, AuthShadow, AuthOff}

// Validate checks what is set.
func (a Auth) Validate() error {
	if a.Mode != "" && !slices.Contains(authModes, a.Mode) {
		return fmt.Errorf("auth.mode %q is none; use one of %s", a.Mode, strings.Join(authModes, ", "))
	}
	if a.Mode == AuthOff && a.TokensFile != "" {
		return fmt.Errorf("auth.tokens_file has no effect while auth.mode is off; take one of them out")
	}
	return nil
}
