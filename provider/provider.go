// Package provider is the Terraform face of BOS: the provider block, one file
// per resource, data source and function, and what they share. It speaks to a
// BOS through internal/client and to nothing else; which nodes a session
// touches and what happens to them is the service's business.
package provider

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// Address is the provider's address in the registry.
const Address = "registry.terraform.io/bootorch/bos"

// endpointVariable names the environment variable that stands in for endpoint.
const endpointVariable = "BOS_ENDPOINT"

// New makes the provider; version goes into the user agent.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &bosProvider{version: version} }
}

// Serve answers Terraform over the plugin protocol until Terraform ends it.
func Serve(ctx context.Context, version string, debug bool) error {
	return providerserver.Serve(ctx, New(version), providerserver.ServeOpts{
		Address: Address, Debug: debug, ProtocolVersion: 6,
	})
}

type bosProvider struct{ version string }

type providerModel struct {
	Endpoint       types.String `tfsdk:"endpoint"`
	Tenant         types.String `tfsdk:"tenant"`
	Token          types.String `tfsdk:"token"`
	CACertificate  types.String `tfsdk:"ca_certificate"`
	Insecure       types.Bool   `tfsdk:"insecure"`
	RequestTimeout types.String `tfsdk:"request_timeout"`
	MaxRetries     types.Int64  `tfsdk:"max_retries"`
	Applying       types.Bool   `tfsdk:"applying"`
	RequirePreview types.Bool   `tfsdk:"require_preview"`
}

func (p *bosProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "bos"
	resp.Version = p.version
}

func (p *bosProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Boots, reboots and shuts down the nodes of an HPC system through the Boot Orchestration Service (BOS): " +
			"the bundled service, or the BOS v2 of a CSM system.",
		Attributes: map[string]schema.Attribute{
			"endpoint": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "URL in front of `/v2`, such as `http://127.0.0.1:8770` for the bundled service or `https://api-gw-service-nmn.local/apis/bos` on CSM. " +
					"Defaults to the environment variable `" + endpointVariable + "`.",
			},
			"tenant": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{stringvalidator.UTF8LengthBetween(1, bos.MaxTenantName)},
				MarkdownDescription: "Tenant that requests are made for, unless a resource names its own.",
			},
			"token": schema.StringAttribute{
				Optional: true, Sensitive: true,
				MarkdownDescription: "Bearer token.",
			},
			"ca_certificate": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "PEM of the CA that signed the endpoint's certificate, trusted besides the system's own; for example `file(\"ca.pem\")`.",
			},
			"insecure": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Accept any certificate. Whoever sits between Terraform and BOS can then read the token and boot nodes; meant for tests.",
			},
			"request_timeout": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration{least: time.Second, most: time.Hour}},
				MarkdownDescription: "How long one attempt of one request may take, such as `30s`. Defaults to `" + client.DefaultTimeout.String() + "`.",
			},
			"max_retries": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(0, 100)},
				MarkdownDescription: "How often a read that failed in passing is tried again, with growing pauses. Writes are never repeated blindly. Defaults to 4.",
			},
			"applying": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Set this to `terraform.applying`. During apply the provider then goes by the preview that was reviewed at plan, and " +
					"the service refuses a session whose nodes or images have changed since. Needs a Terraform that knows `terraform.applying` (1.10 or later).",
			},
			"require_preview": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Refuse to plan a session when it cannot be said which nodes it will touch. Without it such a plan only warns.",
			},
		},
	}
}

func (p *bosProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var m providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	s := &shared{
		tenant:         m.Tenant.ValueString(),
		tenantUnknown:  m.Tenant.IsUnknown(),
		applying:       m.Applying.ValueBool(),
		applyingSet:    !m.Applying.IsNull(),
		requirePreview: m.RequirePreview.ValueBool(),
		planned:        newPlannedTemplates(),
		previews:       newPreviewCache(),
		components:     newComponentCache(),
	}
	resp.ResourceData, resp.DataSourceData = s, s
	if m.Insecure.ValueBool() {
		resp.Diagnostics.AddAttributeWarning(path.Root("insecure"), "BOS certificate is not verified",
			"insecure = true: whoever sits between Terraform and BOS can read the token and boot nodes. Give the CA in ca_certificate instead.")
	}
	s.client = p.connect(m, &resp.Diagnostics)
}

// connect makes the client, nil while settings are not known yet.
func (p *bosProvider) connect(m providerModel, diags *diag.Diagnostics) *client.Client {
	if m.Endpoint.IsUnknown() || m.Tenant.IsUnknown() || m.Token.IsUnknown() || m.CACertificate.IsUnknown() ||
		m.Insecure.IsUnknown() || m.RequestTimeout.IsUnknown() || m.MaxRetries.IsUnknown() {
		return nil
	}
	endpoint := m.Endpoint.ValueString()
	if endpoint == "" {
		endpoint = os.Getenv(endpointVariable)
	}
	if endpoint == "" {
		diags.AddAttributeError(path.Root("endpoint"), "No BOS endpoint",
			"The provider does not know which BOS to talk to. Set endpoint in the provider block or "+endpointVariable+" in the environment to the URL in front of /v2, such as http://127.0.0.1:8770.")
		return nil
	}
	retries := client.DefaultMaxRetries
	if !m.MaxRetries.IsNull() {
		retries = int(m.MaxRetries.ValueInt64())
	}
	c, err := client.New(client.Config{
		Endpoint: endpoint, Tenant: m.Tenant.ValueString(), Token: m.Token.ValueString(),
		CACertificate: m.CACertificate.ValueString(), Insecure: m.Insecure.ValueBool(),
		Timeout: durationOr(m.RequestTimeout, client.DefaultTimeout), MaxRetries: retries,
		UserAgent: "terraform-provider-bos/" + p.version,
	})
	if err == nil {
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

func (p *bosProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newTemplateResource, newSessionResource, newComponentResource, newOptionsResource, newStagedApplyResource}
}

func (p *bosProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newComponentDataSource, newComponentsDataSource, newOptionsDataSource, newPreviewDataSource, newServiceDataSource,
		newSessionDataSource, newSessionsDataSource, newTemplateDataSource, newTemplatesDataSource,
	}
}

func (p *bosProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newXnameExpand, newXnameFold, newXnameParse, newLimitParse}
}
