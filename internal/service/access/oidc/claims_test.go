package oidc_test

import (
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
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
		"jwks_url \"http://k":          func(s *oidc.Settings) { s.Issuer, s.JWKSURL = "http://k/site", "http://k/keys" },
		"reporters[1]":                 func(s *oidc.Settings) { s.Reporters = []bos.NodePattern{"a/{node}", "spiffe://a/b"} },
		"have {node} once":             func(s *oidc.Settings) { s.Reporters = []bos.NodePattern{"{node}/{node}"} },
		"more_roles[0]":                func(s *oidc.Settings) { s.MoreRoles = []oidc.ClaimRoles{{Claim: "c"}} },
	} {
		s := oidc.Settings{Name: "auth.oidc[0]", Issuer: "https://keycloak.example/realms/site", Audiences: []string{"bos"}, RolesClaim: "realm_access.roles"}
		change(&s)
		if _, err := oidc.New(s); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestATokenOfANodesReporterIsForThatNodeAlone(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	// As SPIRE signs them: nothing of a person, and whoever could add to them gains nothing.
	spire := func(s *oidc.Settings) {
		s.Audiences, s.TenantsClaim = []string{"system-compute"}, "groups"
		s.Reporters = []bos.NodePattern{"spiffe://shasta/compute/{node}/workload/bos-reporter", "spiffe://shasta/uan/{node}/workload/bos-reporter"}
	}
	svid := func(subject string, more map[string]any) map[string]any {
		claims := map[string]any{"sub": subject, "aud": []string{"system-compute"}, "preferred_username": nil, "typ": nil, "azp": nil, "realm_access": nil}
		for name, value := range more {
			claims[name] = value
		}
		return claims
	}
	const own = "spiffe://shasta/compute/x1000c0s0b0n0/workload/bos-reporter"
	for what, c := range map[string]struct {
		claims map[string]any
		node   string
	}{
		"a node":                         {svid(own, nil), "x1000c0s0b0n0"},
		"a node in capitals":             {svid("spiffe://shasta/compute/X1000C0S0B0N0/workload/bos-reporter", nil), "x1000c0s0b0n0"},
		"a login node":                   {svid("spiffe://shasta/uan/x3000c0s1b0n0/workload/bos-reporter", nil), "x3000c0s1b0n0"},
		"a node that calls itself admin": {svid(own, map[string]any{"realm_access": map[string]any{"roles": []string{"admin"}}, "preferred_username": "root", "groups": []string{"red"}}), "x1000c0s0b0n0"},
		"another workload":               {svid("spiffe://shasta/compute/x1000c0s0b0n0/workload/cfs-state-reporter", nil), ""},
		"another trust domain":           {svid("spiffe://other/compute/x1000c0s0b0n0/workload/bos-reporter", nil), ""},
		"a node without a name":          {svid("spiffe://shasta/compute/workload/bos-reporter", nil), ""},
		"a person of that name":          {svid("f:1", map[string]any{"preferred_username": own}), ""},
	} {
		source := i.source(spire, func(s *oidc.Settings) { s.Unbounded = true })
		got, err := asked(t, source, i.token(key, c.claims))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		got.Expires = time.Time{}
		want := access.Identity{Issuer: i.name(), Subject: got.Subject, Proof: access.ProofOIDC, Roles: got.Roles}
		if c.node != "" {
			want.Nodes, want.Roles = []string{c.node}, []access.Role{access.Reporter}
		} else if got.Is(access.Reporter) {
			t.Errorf("%s is a reporter", what)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", what, diff)
		}
	}
	if got, err := asked(t, i.source(spire), i.token(key, svid(own, map[string]any{"aud": []string{"bos"}}))); err == nil {
		t.Errorf("a token for another audience is %+v", got)
	}
}

// TestTheTokensOfCSMAreReadAsItsGatewayReadsThem: roles of the client count by one claim,
// a tenant's admin by another, and the tenants are groups with an ending.
func TestTheTokensOfCSMAreReadAsItsGatewayReadsThem(t *testing.T) {
	key := newSigner(t, "k1", jose.ES256)
	i := newIssuer(t, key)
	source := i.source(func(s *oidc.Settings) {
		s.Audiences, s.RolesClaim, s.TenantsClaim, s.TenantsSuffix, s.Unbounded = []string{"shasta"}, "resource_access.shasta.roles", "groups", "-tenant-admin", true
		s.MoreRoles = []oidc.ClaimRoles{{Claim: "realm_access.roles", Roles: map[string]access.Role{"tenant-admin": access.TenantAdmin}}}
	})
	token := func(client, realm, groups []string) string {
		return i.token(key, map[string]any{
			"aud": []string{"shasta"}, "resource_access": map[string]any{"shasta": map[string]any{"roles": client}},
			"realm_access": map[string]any{"roles": realm}, "groups": groups,
		})
	}
	for what, c := range map[string]struct {
		client, realm, groups []string
		roles                 []access.Role
		tenants               []string
	}{
		"an admin":                               {[]string{"admin", "user"}, []string{"offline_access"}, nil, []access.Role{access.Admin}, nil},
		"an admin of the realm, which is none":   {nil, []string{"admin", "operator"}, nil, nil, nil},
		"a workload manager":                     {[]string{"wlm"}, nil, []string{"users"}, []access.Role{access.WLM}, nil},
		"a tenant's admin":                       {nil, []string{"tenant-admin"}, []string{"users", "blue-tenant-admin"}, []access.Role{access.TenantAdmin}, []string{"blue"}},
		"an admin of two tenants":                {nil, []string{"tenant-admin"}, []string{"red-tenant-admin", "blue-tenant-admin"}, []access.Role{access.TenantAdmin}, []string{"red", "blue"}},
		"a tenant's admin without a tenant":      {nil, []string{"tenant-admin"}, []string{"blue"}, []access.Role{access.TenantAdmin}, nil},
		"one of the group without the role":      {nil, nil, []string{"blue-tenant-admin"}, nil, []string{"blue"}},
		"roles of CSM that are nothing here":     {[]string{"user", "monitor-ro", "system-pxe", "system-compute", "ckdump"}, nil, nil, nil, nil},
		"a role of the client that is the realm": {[]string{"tenant-admin"}, nil, nil, []access.Role{access.TenantAdmin}, nil},
	} {
		got, err := asked(t, source, token(c.client, c.realm, c.groups))
		if diff := cmp.Diff([]any{c.roles, c.tenants}, []any{got.Roles, got.Tenants}); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", what, err, diff)
		}
	}
}
