package provider

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// Configure makes what the resources of this run have in common. While a
// setting is not known there is no client, and what needs one says so.
func (p *bosProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var m providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	environment{os.Getenv, &resp.Diagnostics}.fill(&m)
	if resp.Diagnostics.HasError() {
		return
	}
	once := newPlannedOnce()
	p.tenant.Store(&m.Tenant)
	p.planned.Store(once)
	s := &shared{
		tenant:         m.Tenant.ValueString(),
		tenantUnknown:  m.Tenant.IsUnknown(),
		applying:       m.Applying.ValueBool(),
		applyingSet:    !m.Applying.IsNull(),
		tellsPlan:      tellsPlan(req.TerraformVersion),
		requirePreview: m.RequirePreview,
		planned:        newPlannedTemplates(),
		plannedHolds:   newPlannedHolds(),
		plannedOnce:    once,
		previews:       newPreviewCache(),
		components:     newComponentCache(),
		guards:         m.guardsOf(),
		reason:         pipelineRunOfEnvironment(),
		sessions:       newKnownSessions(),
		templates:      newKnownSessions(),
		writing:        newTurns(),
		running:        newTurns(),
		staged:         newStagedReceipts(),
	}
	resp.ResourceData, resp.DataSourceData, resp.ListResourceData, resp.ActionData = s, s, s, s
	if m.Insecure.ValueBool() {
		resp.Diagnostics.AddAttributeWarning(path.Root("insecure"), "BOS certificate is not verified",
			"insecure = true: whoever sits between Terraform and BOS can read the token and boot nodes. Give the CA in ca_certificate instead.")
	}
	if !req.Config.Raw.IsFullyKnown() {
		if req.ClientCapabilities.DeferralAllowed {
			// The framework then defers all that needs BOS to a later plan.
			resp.Deferred = &provider.Deferred{Reason: provider.DeferredReasonProviderConfigUnknown}
		}
		return
	}
	s.client = p.connect(ctx, s, m, &resp.Diagnostics)
}

// connect makes the client of settings that are all known.
func (p *bosProvider) connect(ctx context.Context, s *shared, m providerModel, diags *diag.Diagnostics) *client.Client {
	settings := client.Config{
		Endpoint: m.Endpoint.ValueString(), Tenant: m.Tenant.ValueString(), Token: m.Token.ValueString(), TokenFile: m.TokenFile.ValueString(),
		CACertificate: m.CACertificate.ValueString(), Insecure: m.Insecure.ValueBool(),
		ClientCertificate: m.ClientCertificate.ValueString(), ClientKey: m.ClientKey.ValueString(),
		Timeout: durationOr(m.RequestTimeout, client.DefaultTimeout), MaxRetries: client.DefaultMaxRetries,
		UserAgent: "terraform-provider-bos/" + p.version,
		Workspace: workspaceName(os.Getenv, os.ReadFile), Run: pipelineRun(os.Getenv),
	}
	if !m.MaxRetries.IsNull() {
		settings.MaxRetries = int(m.MaxRetries.ValueInt64())
	}
	if !m.ClientCredentials.IsNull() {
		var given clientCredentialsModel
		diags.Append(m.ClientCredentials.As(ctx, &given, basetypes.ObjectAsOptions{})...)
		settings.ClientCredentials = &client.Credentials{
			TokenURL: given.TokenURL.ValueString(), ClientID: given.ClientID.ValueString(), ClientSecret: given.ClientSecret.ValueString(), Scopes: wordsOf(given.Scopes),
		}
	}
	switch {
	case !m.Embedded.IsNull():
		p.embed(ctx, s, m, &settings, diags)
	case settings.Endpoint == "":
		diags.AddAttributeError(path.Root("endpoint"), "No BOS endpoint",
			"The provider does not know which BOS to talk to. Set endpoint in the provider block or "+endpointVariable+" in the environment to the URL in front of "+
				"/v2, such as http://127.0.0.1:8770; "+
				"or give embedded to run the bundled service for this run alone.")
	}
	if diags.HasError() {
		return nil
	}
	c, err := client.New(settings)
	if err == nil {
		warnPlain(settings, diags)
		return c
	}
	at := path.Root("endpoint")
	var setting *client.ConfigError
	if errors.As(err, &setting) {
		at = path.Root(setting.Setting)
	}
	diags.AddAttributeError(at, "Unable to use the BOS provider settings", err.Error())
	return nil
}

// warnPlain says that a token travels in the clear.
func warnPlain(settings client.Config, diags *diag.Diagnostics) {
	u, err := url.Parse(settings.Endpoint)
	if err != nil || u.Scheme != "http" || settings.Token == "" && settings.TokenFile == "" && settings.ClientCredentials == nil {
		return
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return
	}
	diags.AddAttributeWarning(path.Root("endpoint"), "The token travels in the clear",
		"endpoint begins with http://, so whoever sits between Terraform and BOS can read the token and boot nodes. Use https://.")
}
