package assembly

import (
	"cmp"
	"log/slog"

	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/tokens"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// authenticator finds out who asks, by the sources that the settings name.
func authenticator(settings config.Auth, log *slog.Logger) (access.Authenticator, error) {
	auth := access.Authenticator{Mode: access.Mode(cmp.Or(settings.Mode, config.AuthEnforce)), Log: log}
	if settings.TokensFile != "" {
		source, err := tokens.New(settings.TokensFile)
		if err != nil {
			return auth, err
		}
		auth.Bearers = append(auth.Bearers, source)
	}
	return auth, nil
}

// Admit lets whoever has a token do everything: for the clients of this machine, or
// of this process. It goes before Handler and Driven.
func (a *Assembly) Admit(token string) {
	a.auth.Bearers = append([]access.Bearers{tokens.Local(token)}, a.auth.Bearers...)
}

// NewToken draws a token for Admit.
func NewToken() string { return localtoken.New() }

// Guarded reports whether requests need a proof.
func (a *Assembly) Guarded() bool { return a.auth.Mode == access.Enforce }
