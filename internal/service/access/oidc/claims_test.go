package oidc_test

import (
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/oidc"
)

func TestRolesAreReadWhereTheSiteSaysAndOthersAreNone(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	everything := map[string]any{
		"realm_access":          map[string]any{"roles": []string{"reader", "uma_authorization", "Admin", "reader"}},
		"resource_access":       map[string]any{"bos": map[string]any{"roles": []string{"operator"}}, "bos.example": map[string]any{"roles": []string{"wlm"}}},
		"scope":                 []string{"boot:write", "auditor"},
		"scp":                   "openid admin  wlm",
		"https://x.example/bos": map[string]any{"roles": []string{"admin"}},
		"empty":                 nil,
	}
	mapped := map[string]access.Role{"boot:write": access.Operator, "uma_authorization": access.Reader}
	for path, c := range map[string]struct {
		ours map[string]access.Role
		want []access.Role
	}{
		"realm_access.roles":                {nil, []access.Role{access.Reader}},
		"resource_access.bos.roles":         {nil, []access.Role{access.Operator}},
		"resource_access.bos.example.roles": {nil, []access.Role{access.WLM}},
		"scope":                             {mapped, []access.Role{access.Operator}},
		"scp":                               {nil, []access.Role{access.Admin, access.WLM}},
		"https://x.example/bos.roles":       {nil, []access.Role{access.Admin}},
		"realm_access":                      {nil, nil},
		"realm_access.roles.admin":          {nil, nil},
		"groups":                            {nil, nil},
	} {
		source := i.source(func(s *oidc.Settings) { s.RolesClaim, s.Roles = path, c.ours })
		got, err := asked(t, source, i.token(key, everything))
		if path == "realm_access" {
			if err == nil {
				t.Errorf("%s: %+v", path, got)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got.Roles); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", path, err, diff)
		}
	}
}

func TestATokenReachesTheWholeSiteOnlyIfTheSiteSaysSo(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	bounded := func(s *oidc.Settings) { s.TenantsClaim = "tenants" }
	site := func(s *oidc.Settings) { s.Unbounded = true }
	for name, c := range map[string]struct {
		tenants any
		site    bool
		want    []string
		says    string
	}{
		"one":                    {[]string{"red"}, false, []string{"red"}, ""},
		"several":                {[]string{"red", "blue"}, true, []string{"red", "blue"}, ""},
		"a text":                 {"red blue", false, []string{"red", "blue"}, ""},
		"none":                   {nil, false, nil, "names no tenant"},
		"an empty list":          {[]string{}, false, nil, "names no tenant"},
		"an empty text":          {" ", false, nil, "names no tenant"},
		"none, for the site":     {nil, true, nil, ""},
		"a full path of groups":  {[]string{"/red"}, true, nil, "is a path of groups"},
		"a path within a list":   {[]string{"blue", "/a/red"}, true, nil, "is a path of groups"},
		"a name that is long":    {[]string{strings.Repeat("r", 1000)}, true, nil, "cannot be a tenant's name"},
		"an empty name":          {[]string{""}, true, nil, "cannot be a tenant's name"},
		"names that are objects": {[]any{map[string]any{}}, true, nil, "lists what is no text"},
		"a truth":                {true, true, nil, "is no list of texts"},
		"a null in a list":       {[]any{nil}, true, nil, "lists what is no text"},
	} {
		source := i.source(bounded)
		if c.site {
			source = i.source(bounded, site)
		}
		got, err := asked(t, source, i.token(key, map[string]any{"tenants": c.tenants}))
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if diff := cmp.Diff(c.want, got.Tenants); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestASubjectIsTheNameThatPeopleKnowElseTheIssuersOwn(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	source := i.source()
	for name, c := range map[string]struct{ known, own any }{
		"ada": {"ada", "f:1:ada"}, "f:1:ada": {nil, "f:1:ada"}, "f:2": {"", "f:2"}, "f:3": {strings.Repeat("a", 1000), "f:3"}, "f:4": {7, "f:4"},
	} {
		if got, err := asked(t, source, i.token(key, map[string]any{"preferred_username": c.known, "sub": c.own})); err != nil || got.Subject != name {
			t.Errorf("%+v, %v, want %s", got, err, name)
		}
	}
}

func TestWrongSettingsOfAnIssuerAreNamed(t *testing.T) {
	for says, change := range map[string]func(*oidc.Settings){
		"issuer is missing":            func(s *oidc.Settings) { s.Issuer = "" },
		"is not https":                 func(s *oidc.Settings) { s.Issuer = "http://keycloak.example/realms/site" },
		"issuer is no URL":             func(s *oidc.Settings) { s.Issuer = "keycloak" },
		"has a user":                   func(s *oidc.Settings) { s.Issuer = "https://u:secret@keycloak.example" },
		"jwks_url \"ftp":               func(s *oidc.Settings) { s.JWKSURL = "ftp://127.0.0.1/keys" },
		"audiences is missing":         func(s *oidc.Settings) { s.Audiences = nil },
		"auth.oidc[0].audiences: acco": func(s *oidc.Settings) { s.Audiences = []string{"account", "bos"} },
		`"HS256" is none`:              func(s *oidc.Settings) { s.Algorithms = []string{"RS256", "HS256"} },
		`"none" is none`:               func(s *oidc.Settings) { s.Algorithms = []string{"none"} },
		"roles_claim is missing":       func(s *oidc.Settings) { s.RolesClaim = "" },
	} {
		s := oidc.Settings{Name: "auth.oidc[0]", Issuer: "https://keycloak.example/realms/site", Audiences: []string{"bos"}, RolesClaim: "realm_access.roles"}
		change(&s)
		if _, err := oidc.New(s); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
