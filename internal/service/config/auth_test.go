package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIssuersAreReadFromTheSettings(t *testing.T) {
	got, err := load(t, "auth: { oidc: [{ issuer: 'https://k/realms/s', jwks_url: 'https://k/keys', audiences: [bos], algorithms: [ES256], roles_claim: scope, roles: { w: operator }, more_roles: [{ claim: c, roles: { a: admin } }], reporters: ['spiffe://t/{node}'], tenants_suffix: -a, tenants_claim: t, without_tenants: site, ca_file: ca.pem }] }")
	want := []OIDC{{
		Issuer: "https://k/realms/s", JWKSURL: "https://k/keys", Audiences: []string{"bos"}, Algorithms: []string{"ES256"},
		RolesClaim: "scope", Roles: map[string]string{"w": "operator"}, TenantsClaim: "t", TenantsSuffix: "-a", MoreRoles: []ClaimRoles{{Claim: "c", Roles: map[string]string{"a": "admin"}}},
		Reporters: []string{"spiffe://t/{node}"}, WithoutTenants: "site", CAFile: "ca.pem",
	}}
	if diff := cmp.Diff(want, got.Auth.OIDC); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestSettingsOfIssuersThatDoNotBelongTogetherAreNamed(t *testing.T) {
	for text, says := range map[string]string{
		"{ mode: off, oidc: [{ issuer: 'https://k' }] }":               "have no effect while auth.mode is off",
		"{ oidc: [{ issuer: 'https://k' }, { issuer: 'https://k' }] }": `auth.oidc[1].issuer "https://k" comes twice`,
		"{ oidc: [{ tenants_claim: t, without_tenants: all }] }":       `auth.oidc[0].without_tenants "all" is none`,
		"{ oidc: [{ without_tenants: site }] }":                        "no effect without tenants_claim",
		"{ oidc: [{ tenants_suffix: -a }] }":                           "no effect without tenants_claim",
		"{ oidc: [{ issuer: 'https://k', secret: s }] }":               "secret",
	} {
		if _, err := load(t, "auth: "+text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}
