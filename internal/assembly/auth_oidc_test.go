package assembly

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

func TestIssuersBecomeSourcesWithoutAQuestionAndWrongOnesAreNamed(t *testing.T) {
	// Nothing answers at this address, and nothing need to.
	good := config.OIDC{Issuer: "https://127.0.0.1:1/realms/site", Audiences: []string{"bos"}, RolesClaim: "scope", Roles: map[string]string{"w": "operator"}}
	auth, err := authenticator(config.Auth{OIDC: []config.OIDC{good}}, slog.New(slog.DiscardHandler))
	if err != nil || len(auth.Bearers) != 1 {
		t.Fatalf("%+v, %v", auth, err)
	}
	for says, change := range map[string]func(*config.OIDC){
		`auth.oidc[1].roles of "w": "root" is no role`: func(o *config.OIDC) { o.Roles = map[string]string{"w": "root"} },
		"auth.oidc[1].audiences is missing":            func(o *config.OIDC) { o.Audiences = nil },
		"auth.oidc[1].ca_file":                         func(o *config.OIDC) { o.CAFile = t.TempDir() + "/none.pem" },
	} {
		bad := good
		change(&bad)
		if _, err := authenticator(config.Auth{OIDC: []config.OIDC{good, bad}}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
