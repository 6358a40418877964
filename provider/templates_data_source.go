package provider

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

type templatesDataSource struct{ dataSourceBase }

func newTemplatesDataSource() datasource.DataSource { return &templatesDataSource{} }

type templatesModel struct {
	Tenant    types.String `tfsdk:"tenant"`
	Names     types.List   `tfsdk:"names"`
	Templates types.List   `tfsdk:"templates"`
}

var listedTemplateType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"id": types.StringType, "name": types.StringType, "tenant": types.StringType, "description": types.StringType, "configuration": types.StringType,
	"boot_sets": types.ListType{ElemType: types.StringType}, "images": types.ListType{ElemType: types.StringType}, "revision": types.StringType,
}}

func (d *templatesDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session_templates"
}

func (d *templatesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The session templates that are stored in BOS, by name; for finding one, or for importing them all.",
		Attributes: map[string]schema.Attribute{
			"tenant": tenantArgument("Only templates of this tenant; defaults to the provider's. Without either, the templates of everyone."),
			"names":  readWords("Their names, sorted. Two tenants may use one name."),
			"templates": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "The templates, sorted by name. `bos_session_template` tells more of one.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id": readText("`name`, or `tenant/name`: what an import takes."), "name": readText("Name."), "tenant": readText("Tenant, null for none."),
					"description": readText("What it is for."), "configuration": readText("CFS configuration that nodes get unless their boot set says otherwise."),
					"boot_sets": readWords("Names of its boot sets, sorted."), "images": readWords("Paths of the images it boots, sorted."),
					"revision": readText("Hash of everything that decides what nodes boot."),
				}},
			},
		},
	}
}

func (d *templatesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m templatesModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	all, err := c.Templates(ctx)
	if err != nil {
		unable(&resp.Diagnostics, "list BOS session templates", err)
		return
	}
	slices.SortFunc(all, func(a, b bos.SessionTemplate) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(bos.TenantOf(a.Tenant), bos.TenantOf(b.Tenant)))
	})
	names, templates := make([]attr.Value, len(all)), make([]attr.Value, len(all))
	for i, t := range all {
		names[i], templates[i] = types.StringValue(t.Name), listedTemplate(t)
	}
	m.Tenant = d.tenantOr(m.Tenant)
	m.Names, m.Templates = types.ListValueMust(types.StringType, names), types.ListValueMust(listedTemplateType, templates)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func listedTemplate(t bos.SessionTemplate) types.Object {
	images := make(map[string]bool)
	for _, set := range t.BootSets {
		images[set.Path] = true
	}
	configuration := ""
	if t.CFS != nil {
		configuration = t.CFS.Configuration
	}
	tenant, name := orNull(bos.TenantOf(t.Tenant)), types.StringValue(t.Name)
	return types.ObjectValueMust(listedTemplateType.AttrTypes, map[string]attr.Value{
		"id": joinID(tenant, name), "name": name, "tenant": tenant, "description": orNull(t.Description), "configuration": orNull(configuration),
		"boot_sets": sortedWords(slices.Collect(maps.Keys(t.BootSets))), "images": sortedWords(slices.Collect(maps.Keys(images))),
		"revision": types.StringValue(revision(t)),
	})
}
