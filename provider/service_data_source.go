package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type serviceDataSource struct{ dataSourceBase }

func newServiceDataSource() datasource.DataSource { return &serviceDataSource{} }

type serviceModel struct {
	Endpoint       types.String `tfsdk:"endpoint"`
	APIVersion     types.String `tfsdk:"api_version"`
	Service        types.String `tfsdk:"service"`
	ServiceVersion types.String `tfsdk:"service_version"`
	Healthy        types.Bool   `tfsdk:"healthy"`
	DatabaseStatus types.String `tfsdk:"database_status"`
	APIStatus      types.String `tfsdk:"api_status"`
	Extensions     types.List   `tfsdk:"extensions"`
}

func (d *serviceDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_service"
}

func (d *serviceDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The BOS that the provider talks to: its version, whether it is well, and what it can do beyond the v2 API.",
		Attributes: map[string]schema.Attribute{
			"endpoint":        readText("URL in front of `/v2`."),
			"api_version":     readText("Version of the API, such as `2.0.0`."),
			"service":         readText("Name of the service: `bootorch` for the bundled one, null for a plain BOS v2."),
			"service_version": readText("Version of the bundled service, null for a plain BOS v2."),
			"healthy":         readFlag("The service can work. A plain BOS v2 says so even while its database cannot be used; look at `database_status`."),
			"database_status": readText("What the service says of its database, `ok` if all is well; null if it does not say."),
			"api_status":      readText("What the service says of its API, `ok` if all is well; null if it does not say."),
			"extensions": readWords("What the service can do beyond v2, sorted; empty for a plain BOS v2. `previews` makes plans say which nodes a session touches, " +
				"`pinned_sessions` makes an apply refuse what was not reviewed, `session_components` tells why each node failed, `folded_limits` takes " +
				"`x3000c0s[1-4]b0n0` as limit, " +
				"`cancel_sessions` ends a session early, `events` is the history, and lets a wait end at once, `nodes` lists the inventory, `images` reads " +
				"images, `holds` keeps all hands off a node."),
		},
	}
}

func (d *serviceDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	c := d.shared.reach(types.StringNull(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	version, err := c.Version(ctx)
	if err != nil {
		unable(&resp.Diagnostics, "read the version of BOS", err)
		return
	}
	health, reason, err := c.Health(ctx)
	if err != nil {
		unable(&resp.Diagnostics, "ask BOS how it is", err)
		return
	}
	caps, err := c.Capabilities(ctx)
	if err != nil {
		unable(&resp.Diagnostics, "ask BOS for its extensions", err)
		return
	}
	m := serviceModel{
		Endpoint: types.StringValue(c.Endpoint()), APIVersion: types.StringValue(version),
		Service: orNull(caps.Service), ServiceVersion: orNull(caps.Version),
		Healthy: types.BoolValue(reason == ""), DatabaseStatus: orNull(health.Database), APIStatus: orNull(health.API),
		Extensions: sortedWords(caps.Extensions),
	}
	if reason != "" {
		resp.Diagnostics.AddWarning("BOS is not well", "BOS says: "+reason)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
