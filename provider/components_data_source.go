package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

type componentsDataSource struct{ shared *shared }

var _ datasource.DataSourceWithConfigure = (*componentsDataSource)(nil)

func newComponentsDataSource() datasource.DataSource { return &componentsDataSource{} }

type componentsModel struct {
	Tenant        types.String `tfsdk:"tenant"`
	Xnames        types.List   `tfsdk:"xnames"`
	Session       types.String `tfsdk:"session"`
	StagedSession types.String `tfsdk:"staged_session"`
	Enabled       types.Bool   `tfsdk:"enabled"`
	Phase         types.String `tfsdk:"phase"`
	Status        types.List   `tfsdk:"status"`

	Nodes      types.String `tfsdk:"nodes"`
	NodeCount  types.Int64  `tfsdk:"node_count"`
	Components types.Map    `tfsdk:"components"`
}

// leanType is one component of the list: enough to decide by, small enough for
// a map of ten thousand.
var leanType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"status": types.StringType, "phase": types.StringType, "enabled": types.BoolType, "session": types.StringType,
	"error": types.StringType, "kernel": types.StringType, "configuration": types.StringType,
}}

func (d *componentsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_components"
}

func (d *componentsDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.shared = configured(req.ProviderData, &resp.Diagnostics)
}

func (d *componentsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	phases := []string{}
	for _, phase := range bos.Phases() {
		phases = append(phases, string(phase))
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Components as BOS has them now. Filters are combined; without any, all components are listed.",
		Attributes: map[string]schema.Attribute{
			"tenant": schema.StringAttribute{Optional: true, Validators: textBetween(1, bos.MaxTenantName), MarkdownDescription: "Only nodes of this tenant; " +
				"defaults to the provider's."},
			"xnames": schema.ListAttribute{
				Optional: true, ElementType: types.StringType, Validators: []validator.List{words{most: maxNodeList, filters: true}},
				MarkdownDescription: "Only these nodes. Entries may be folded. Nodes that BOS does not know are ignored.",
			},
			"session": schema.StringAttribute{Optional: true, Validators: []validator.String{validName()}, MarkdownDescription: "Only nodes that this " +
				"session owns."},
			"staged_session": schema.StringAttribute{Optional: true, Validators: []validator.String{validName()}, MarkdownDescription: "Only nodes with a state " +
				"staged by this session."},
			"enabled": schema.BoolAttribute{Optional: true, MarkdownDescription: "Only nodes that BOS is acting on, or only those it is not."},
			"phase":   schema.StringAttribute{Optional: true, Validators: []validator.String{stringvalidator.OneOf(phases...)}, MarkdownDescription: "Only nodes in this phase; empty for those in none."},
			"status": schema.ListAttribute{
				Optional: true, ElementType: types.StringType, Validators: []validator.List{words{most: 16, filters: true}, listvalidator.ValueStringsAre(stringvalidator.OneOf(bos.StatusWords()...))},
				MarkdownDescription: "Only nodes with one of these status words, such as `failed`.",
			},
			"nodes": text("The nodes found, folded, as a `limit` takes them. Empty if there are none, and an empty limit is refused: give a session that " +
				"takes it `count = data.bos_components.x.node_count > 0 ? 1 : 0`."),
			"node_count": schema.Int64Attribute{Computed: true, MarkdownDescription: "How many nodes were found."},
			"components": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "The nodes found, by xname.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"status": text("Status word."), "phase": text("Phase."), "session": text("Session that owns it."), "error": text("Last error; empty if there is none."),
					"enabled": schema.BoolAttribute{Computed: true, MarkdownDescription: "BOS is acting on it."},
					"kernel":  text("Kernel of the desired state; empty for off."), "configuration": text("Configuration of the desired state."),
				}},
			},
		},
	}
}

func (d *componentsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m componentsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	filter := bos.ComponentFilter{
		Session: m.Session.ValueString(), StagedSession: m.StagedSession.ValueString(),
		Enabled: m.Enabled.ValueBoolPointer(), Status: wordsOf(m.Status),
	}
	ids, err := wanted(m.Xnames)
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("xnames"), "Invalid list of nodes", capital(err.Error())+".")
		return
	}
	filter.IDs = ids
	if !m.Phase.IsNull() {
		phase := bos.Phase(m.Phase.ValueString())
		filter.Phase = &phase
	}
	records, err := c.Components(ctx, filter)
	if err != nil {
		unable(&resp.Diagnostics, "list BOS components", err)
		return
	}
	found := make([]string, len(records))
	components := make(map[string]attr.Value, len(records))
	for i, record := range records {
		found[i] = record.ID
		components[record.ID] = types.ObjectValueMust(leanType.AttrTypes, map[string]attr.Value{
			"status": types.StringValue(record.Status.Status), "phase": types.StringValue(string(record.Status.Phase)),
			"enabled": types.BoolValue(record.Enabled), "session": types.StringValue(record.Session), "error": types.StringValue(record.Error),
			"kernel":        types.StringValue(record.DesiredState.BootArtifacts.Kernel),
			"configuration": types.StringValue(record.DesiredState.Configuration),
		})
	}
	m.Nodes = types.StringValue(bos.Fold(found))
	m.NodeCount = types.Int64Value(int64(len(found)))
	m.Components = types.MapValueMust(leanType, components)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
