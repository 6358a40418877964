package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/client"
)

type templateDataSource struct{ dataSourceBase }

func newTemplateDataSource() datasource.DataSource { return &templateDataSource{} }

func (d *templateDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session_template"
}

func (d *templateDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A session template that is stored in BOS, whoever wrote it.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{Required: true, Validators: []validator.String{validName()}, MarkdownDescription: "Name of the template. " +
				"BOS must have it."},
			"tenant":             tenantArgument("Tenant the template belongs to; defaults to the provider's."),
			"id":                 readText("`name`, or `tenant/name`."),
			"description":        readText("What the template is for."),
			"enable_cfs":         readFlag("Nodes are configured with CFS after they booted."),
			"cfs":                readConfiguration(templateConfiguration),
			"boot_sets":          readBootSets(),
			"revision":           readText("Hash of everything that decides what nodes boot."),
			"valid":              readFlag("BOS finds nothing wrong with it, its image included."),
			"validation_message": readText("What BOS finds wrong with it; empty if nothing, or if it is not known."),
		},
	}
}

func (d *templateDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m templateModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	name := m.Name.ValueString()
	t, err := c.Template(ctx, name)
	if client.IsNotFound(err) {
		resp.Diagnostics.AddAttributeError(path.Root("name"), "BOS has no such session template",
			fmt.Sprintf("BOS has no session template %q, at least not for this tenant. Check name and tenant.", name))
		return
	}
	if err != nil {
		unable(&resp.Diagnostics, "read BOS session template", err)
		return
	}
	m.Tenant = d.tenantOr(m.Tenant)
	m.ID = joinID(m.Tenant, types.StringValue(name))
	m.fromAPI(ctx, t, &resp.Diagnostics)
	m.readValidity(ctx, c, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
