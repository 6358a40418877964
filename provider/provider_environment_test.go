package provider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// filled is the settings of a provider block with what the environment adds.
func filled(t *testing.T, m providerModel, variables map[string]string) (providerModel, diag.Diagnostics) {
	t.Helper()
	var diags diag.Diagnostics
	environment{func(name string) string { return variables[name] }, &diags}.fill(&m)
	return m, diags
}

// emptyBlock is a provider block that sets nothing.
func emptyBlock() providerModel {
	return providerModel{ClientCredentials: types.ObjectNull(clientCredentialsType), Embedded: types.ObjectNull(nil), ProtectedRoles: types.ListNull(types.StringType)}
}

func TestEverySettingHasAnEnvironmentVariable(t *testing.T) {
	t.Parallel()
	pem := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(pem, []byte("PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, diags := filled(t, emptyBlock(), map[string]string{
		endpointVariable: "https://bos", tenantVariable: "blue", tokenVariable: "secret", caCertificateVariable: pem, clientCertificateVariable: pem,
		clientKeyVariable: pem, insecureVariable: "true", requestTimeoutVariable: "5s", maxRetriesVariable: "7", requirePreviewVariable: "true",
		maxNodesVariable: "64", protectedRolesVariable: "Management, Storage", maxRebootsVariable: "0",
	})
	if diags.HasError() {
		t.Fatal(diags)
	}
	for what, got := range map[string]attr.Value{
		"https://bos": m.Endpoint, "blue": m.Tenant, "secret": m.Token, "PEM": m.CACertificate, "PEM ": m.ClientCertificate, " PEM": m.ClientKey, "5s": m.RequestTimeout,
	} {
		if text, ok := got.(types.String); !ok || text.ValueString() != strings.TrimSpace(what) {
			t.Errorf("a setting is %s instead of %s", got, what)
		}
	}
	if !m.Insecure.ValueBool() || !m.RequirePreview.ValueBool() || m.MaxRetries.ValueInt64() != 7 || m.MaxNodes.ValueInt64() != 64 || m.MaxReboots.IsNull() {
		t.Errorf("the settings are %+v", m)
	}
	if got := wordsOf(m.ProtectedRoles); len(got) != 2 || got[1] != "Storage" {
		t.Errorf("the protected roles are %q", got)
	}
}

func TestTheProviderBlockCountsAndNotTheEnvironment(t *testing.T) {
	t.Parallel()
	block := emptyBlock()
	block.Endpoint, block.Token, block.MaxNodes, block.Insecure = types.StringValue("https://mine"), types.StringUnknown(), types.Int64Value(3), types.BoolValue(false)
	m, diags := filled(t, block, map[string]string{
		endpointVariable: "https://bos", tokenVariable: "secret", tokenFileVariable: "/tmp/token", maxNodesVariable: "64", insecureVariable: "true",
	})
	if diags.HasError() || m.Endpoint.ValueString() != "https://mine" || !m.Token.IsUnknown() || !m.TokenFile.IsNull() || m.MaxNodes.ValueInt64() != 3 || m.Insecure.ValueBool() {
		t.Errorf("the settings are %+v (%v)", m, diags)
	}
}

func TestOfTheCredentialsInTheEnvironmentTheFirstKindCounts(t *testing.T) {
	t.Parallel()
	all := map[string]string{tokenVariable: "t", tokenFileVariable: "f", tokenURLVariable: "https://idp", clientIDVariable: "id", clientSecretVariable: "s", scopesVariable: "openid"}
	m, _ := filled(t, emptyBlock(), all)
	if m.Token.ValueString() != "t" || !m.TokenFile.IsNull() || !m.ClientCredentials.IsNull() {
		t.Errorf("with all of them it takes %+v", m)
	}
	delete(all, tokenVariable)
	if m, _ = filled(t, emptyBlock(), all); m.TokenFile.ValueString() != "f" || !m.ClientCredentials.IsNull() {
		t.Errorf("without a token it takes %+v", m)
	}
	delete(all, tokenFileVariable)
	if m, _ = filled(t, emptyBlock(), all); m.ClientCredentials.IsNull() {
		t.Error("the client credentials are not taken")
	}
	delete(all, clientSecretVariable)
	if _, diags := filled(t, emptyBlock(), all); !diags.HasError() {
		t.Error("client credentials without a secret are taken")
	}
}

func TestAnEnvironmentVariableThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	for variable, text := range map[string]string{
		insecureVariable: "perhaps", maxRetriesVariable: "-1", maxNodesVariable: "many", requestTimeoutVariable: "7", caCertificateVariable: "/nowhere/ca.pem",
	} {
		_, diags := filled(t, emptyBlock(), map[string]string{variable: text})
		if !diags.HasError() || !strings.Contains(diags[0].Summary()+diags[0].Detail(), variable) {
			t.Errorf("%s = %q: %v", variable, text, diags)
		}
	}
}
