package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

type providerModel struct {
	Endpoint          types.String `tfsdk:"endpoint"`
	Tenant            types.String `tfsdk:"tenant"`
	Token             types.String `tfsdk:"token"`
	TokenFile         types.String `tfsdk:"token_file"`
	ClientCredentials types.Object `tfsdk:"client_credentials"`
	Embedded          types.Object `tfsdk:"embedded"`
	ClientCertificate types.String `tfsdk:"client_certificate"`
	ClientKey         types.String `tfsdk:"client_key"`
	CACertificate     types.String `tfsdk:"ca_certificate"`
	Insecure          types.Bool   `tfsdk:"insecure"`
	RequestTimeout    types.String `tfsdk:"request_timeout"`
	MaxRetries        types.Int64  `tfsdk:"max_retries"`
	Applying          types.Bool   `tfsdk:"applying"`
	RequirePreview    types.Bool   `tfsdk:"require_preview"`
	MaxNodes          types.Int64  `tfsdk:"max_nodes"`
	ProtectedRoles    types.List   `tfsdk:"protected_roles"`
	MaxReboots        types.Int64  `tfsdk:"max_reboots"`
}

type clientCredentialsModel struct {
	TokenURL     types.String `tfsdk:"token_url"`
	ClientID     types.String `tfsdk:"client_id"`
	ClientSecret types.String `tfsdk:"client_secret"`
	Scopes       types.List   `tfsdk:"scopes"`
}

type embeddedModel struct {
	Config   types.String `tfsdk:"config"`
	Settings types.String `tfsdk:"settings"`
	Database types.String `tfsdk:"database"`
}

func (p *bosProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	attributes := connectionAttributes()
	for _, some := range []map[string]schema.Attribute{credentialAttributes(), guardAttributes()} {
		for name, attribute := range some {
			attributes[name] = attribute
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Boots, reboots and shuts down the nodes of an HPC system through the Boot Orchestration Service (BOS): " +
			"the bundled service, or the BOS v2 of a CSM system.",
		Attributes: attributes,
	}
}

func connectionAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"endpoint": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "URL in front of `/v2`, such as `http://127.0.0.1:8770` for the bundled service or " +
				"`https://api-gw-service-nmn.local/apis/bos` on CSM. " +
				"Exactly one of this and `embedded` is needed." + orVariable(endpointVariable),
		},
		"embedded": schema.SingleNestedAttribute{
			Optional: true,
			MarkdownDescription: "Run the bundled BOS inside the provider, for this run of Terraform alone, instead of talking to one at `endpoint`. " +
				"It acts on nodes only while an apply creates or changes something: a session that is interrupted stays as it is, with the status `suspended`, " +
				"until the next apply. " +
				"It listens on a loopback address only, the one that `listen` in its configuration names or else a free port, and takes requests of this machine alone: " +
				"nodes elsewhere reach it only through something on this machine that forwards their reports.",
			Attributes: map[string]schema.Attribute{
				"config": schema.StringAttribute{
					Optional: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
					MarkdownDescription: "Path of the service's configuration file, as `terraform-provider-bos serve --config` takes it: inventory, power, boot " +
						"parameters and artifacts.",
				},
				"settings": schema.StringAttribute{
					Optional: true, Sensitive: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
					MarkdownDescription: "What the configuration file would hold, in place of `config`: `yamlencode({...})` puts it together from variables and " +
						"other resources.",
				},
				"database": schema.StringAttribute{
					Optional: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
					MarkdownDescription: "Path of the database file, kept from run to run. Defaults to the one that the configuration names, else to `bos.db`. Only " +
						"one run at a time can act on it. A PostgreSQL is refused: the services that share one are asked at `endpoint`.",
				},
			},
		},
		"tenant": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.UTF8LengthBetween(1, bos.MaxTenantName)},
			MarkdownDescription: "Tenant that requests are made for, unless a resource names its own." + orVariable(tenantVariable),
		},
		"ca_certificate": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "PEM of the CA that signed the certificates of the endpoint and of the token URL, trusted in addition to the system's own; " +
				"for example `file(\"ca.pem\")`. " +
				"Defaults to the file that the environment variable `" + caCertificateVariable + "` names.",
		},
		"insecure": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Accept any certificate. Whoever sits between Terraform and BOS can then read the token and boot nodes, so this is for tests " +
				"only." + orVariable(insecureVariable),
		},
		"request_timeout": schema.StringAttribute{
			Optional: true, Validators: []validator.String{duration{least: time.Second, most: time.Hour}},
			MarkdownDescription: "How long one attempt of one request may take, such as `30s`. Defaults to the " +
				"environment variable `" + requestTimeoutVariable + "`, else to `" + client.DefaultTimeout.String() + "`.",
		},
		"max_retries": schema.Int64Attribute{
			Optional: true, Validators: []validator.Int64{int64validator.Between(0, 100)},
			MarkdownDescription: "How often a read that failed with a transient error is retried, with growing pauses. Writes are never repeated blindly. " +
				"Defaults to the environment variable `" + maxRetriesVariable + "`, else to 4.",
		},
		"applying": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Set this to `terraform.applying`. During apply the provider then goes by the preview that was reviewed at plan, and " +
				"the service refuses a session whose nodes or images have changed since. Needs a Terraform that knows `terraform.applying` (1.10 or later).",
		},
		"require_preview": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "What to do if a plan cannot name the nodes of a session. `true`: fail. `false`: warn. " +
				"If not set, fail where BOS can name them but does not answer or its preview fails, and warn where nobody can: on a plain BOS v2, or if the " +
				"template is not stored yet." +
				orVariable(requirePreviewVariable),
		},
	}
}

func credentialAttributes() map[string]schema.Attribute {
	required := func(sensitive bool, description string) schema.StringAttribute {
		return schema.StringAttribute{Required: true, Sensitive: sensitive, Validators: []validator.String{stringvalidator.LengthAtLeast(1)}, MarkdownDescription: description}
	}
	return map[string]schema.Attribute{
		"token": schema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: "Bearer token." + orVariable(tokenVariable),
		},
		"token_file": schema.StringAttribute{
			Optional: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			MarkdownDescription: "Path of a file that holds a bearer token and nothing else. It is read for each request, so that something else can keep it " +
				"fresh during a long apply." + orVariable(tokenFileVariable),
		},
		"client_credentials": schema.SingleNestedAttribute{
			Optional: true,
			MarkdownDescription: "Get tokens from an identity provider, such as the Keycloak of a CSM system, by the client credentials grant of OAuth 2. " +
				"A token is fetched when one is needed and replaced before it expires. " +
				"Defaults to the environment variables `" + tokenURLVariable + "`, `" + clientIDVariable + "`, `" + clientSecretVariable + "` and `" + scopesVariable + "`.",
			Attributes: map[string]schema.Attribute{
				"token_url": required(false, "Token endpoint, such as "+
					"`https://api-gw-service-nmn.local/keycloak/realms/shasta/protocol/openid-connect/token`. It must be https."),
				"client_id":     required(false, "Name of the client."),
				"client_secret": required(true, "Secret of the client."),
				"scopes": schema.ListAttribute{
					Optional: true, ElementType: types.StringType, Validators: []validator.List{noNullEntries{}},
					MarkdownDescription: "Scopes to ask for, such as `openid`. " +
						"Defaults to those of the client.",
				},
			},
		},
		"client_certificate": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "PEM of a client certificate for mutual TLS; for example `file(\"client.pem\")`. Needs `client_key`. Can be combined with " +
				"any kind of token. " +
				"Defaults to the file that the environment variable `" + clientCertificateVariable + "` names.",
		},
		"client_key": schema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: "PEM of the private key of `client_certificate`. Defaults to the file that the environment variable `" + clientKeyVariable + "` names.",
		},
	}
}

// ValidateConfig checks what goes together. Values that are not known yet may
// turn out to be none, so nothing is said of them.
func (p *bosProvider) ValidateConfig(_ context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	var settings map[string]tftypes.Value
	if req.Config.Raw.IsNull() || req.Config.Raw.As(&settings) != nil {
		return
	}
	wrong := func(name, summary, detail string) {
		resp.Diagnostics.AddAttributeError(path.Root(name), summary, detail)
	}
	if isGiven(settings, "endpoint") && isGiven(settings, "embedded") {
		wrong("embedded", "Two services to talk to", "endpoint names a BOS that runs, and embedded runs one for Terraform alone. Keep one of them.")
	}
	var service map[string]tftypes.Value
	if isGiven(settings, "embedded") && settings["embedded"].As(&service) == nil {
		switch {
		case isGiven(service, "config") && isGiven(service, "settings"):
			wrong("embedded", "Settings twice", "config and settings both say how the embedded BOS is set up. Keep one of them.")
		case isAbsent(service, "config") && isAbsent(service, "settings"):
			wrong("embedded", "No settings for the embedded BOS", "Give the path of its configuration file in config, or what that would hold in settings.")
		}
	}
	var given []string
	for _, name := range []string{"token", "token_file", "client_credentials"} {
		if isGiven(settings, name) {
			given = append(given, name)
		}
	}
	if len(given) > 1 {
		wrong(given[1], "More than one kind of token", given[0]+" and "+given[1]+" both say where the bearer token comes from. Keep one of token, "+
			"token_file and client_credentials.")
	}
	switch {
	case isGiven(settings, "client_certificate") && isAbsent(settings, "client_key"):
		wrong("client_certificate", "The client's certificate has no key", "Give its private key in client_key as well, for example with file(\"client-key.pem\").")
	case isGiven(settings, "client_key") && isAbsent(settings, "client_certificate"):
		wrong("client_key", "The client's key has no certificate", "Give its certificate in client_certificate as well, for example with file(\"client.pem\").")
	}
}

// isGiven reports whether the configuration has a value for the setting, and
// knows it.
func isGiven(settings map[string]tftypes.Value, name string) bool {
	value, ok := settings[name]
	return ok && value.IsKnown() && !value.IsNull()
}

// isAbsent reports whether the configuration leaves the setting out for certain.
func isAbsent(settings map[string]tftypes.Value, name string) bool {
	value, ok := settings[name]
	return !ok || value.IsNull()
}
