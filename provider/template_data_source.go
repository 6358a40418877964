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
	cfs := func(description string) schema.SingleNestedAttribute {
		return schema.SingleNestedAttribute{
			Computed: true, MarkdownDescription: description,
			Attributes: map[string]schema.Attribute{"configuration": readText("Name of the CFS configuration.")},
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A session template that is stored in BOS, whoever wrote it.",
		Attributes: map[string]schema.Attribute{
			"name":        schema.StringAttribute{Required: true, Validators: []validator.String{validName()}, MarkdownDescription: "Name of the template. BOS must have it."},
			"tenant":      tenantArgument("Tenant the template belongs to; defaults to the provider's."),
			"id":          readText("`name`, or `tenant/name`."),
			"description": readText("What the template is for."),
			"enable_cfs":  readFlag("Nodes are configured with CFS after they booted."),
			"cfs":         cfs("Configuration that nodes get after they booted."),
			"boot_sets": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "Boot sets by name: nodes that boot one image one way.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"path":                        readText("Path of the image's manifest."),
					"type":                        readText("Where the image comes from."),
					"etag":                        readText("Etag that the manifest shall have."),
					"kernel_parameters":           readText("Kernel parameters."),
					"rootfs_provider":             readText("How nodes get their root file system."),
					"rootfs_provider_passthrough": readText("Text for the root file system provider."),
					"node_list":                   readWords("Nodes by xname."),
					"node_groups":                 readWords("Nodes by HSM group."),
					"node_roles_groups":           readWords("Nodes by HSM role."),
					"cfs":                         cfs("Overrides the template's configuration for these nodes."),
					"arch":                        readText("Architecture."),
				}},
			},
			"revision":           readText("Hash of everything that decides what nodes boot."),
			"valid":              readFlag("BOS finds nothing wrong with it, its image included."),
			"validation_message": readText("What BOS finds wrong with it, null if nothing."),
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
