package provider

import (
	"cmp"
	"context"
	"regexp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

type sessionsDataSource struct{ dataSourceBase }

func newSessionsDataSource() datasource.DataSource { return &sessionsDataSource{} }

type sessionsModel struct {
	Tenant   types.String `tfsdk:"tenant"`
	Status   types.String `tfsdk:"status"`
	MinAge   types.String `tfsdk:"min_age"`
	MaxAge   types.String `tfsdk:"max_age"`
	Names    types.List   `tfsdk:"names"`
	Sessions types.List   `tfsdk:"sessions"`
}

var listedSessionType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"name": types.StringType, "tenant": types.StringType, "operation": types.StringType, "template_name": types.StringType, "limit": types.StringType,
	"stage": types.BoolType, "status": types.StringType, "start_time": types.StringType, "end_time": types.StringType, "error": types.StringType,
	"node_count": types.Int64Type,
}}

// ageRule is how BOS writes ages: 0, or a number and a unit.
var ageRule = regexp.MustCompile(`^(0[mhdwMHDW]?|[1-9][0-9]{0,6}[mhdwMHDW])$`)

func validAge() validator.String {
	return stringvalidator.RegexMatches(ageRule, "must be a number and one of m, h, d, w, such as 90m or 2d")
}

func (d *sessionsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_sessions"
}

func (d *sessionsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The sessions that BOS has a record of, oldest first. Filters are combined; without any, all are listed.",
		Attributes: map[string]schema.Attribute{
			"tenant": tenantArgument("Only sessions of this tenant; defaults to the provider's. Without either, the sessions of everyone."),
			"status": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.OneOf(string(bos.SessionPending), string(bos.SessionRunning), string(bos.SessionComplete))},
				MarkdownDescription: "Only those that are `pending`, `running` or `complete`.",
			},
			"min_age": schema.StringAttribute{Optional: true, Validators: []validator.String{validAge()}, MarkdownDescription: "Only those accepted at least this " +
				"long ago, such as `2d`."},
			"max_age": schema.StringAttribute{Optional: true, Validators: []validator.String{validAge()}, MarkdownDescription: "Only those accepted at most this " +
				"long ago, such as `90m`."},
			"names": readWords("Their names, oldest first."),
			"sessions": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "The sessions, oldest first. `bos_session` tells more of one.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name": readText("Name."), "tenant": readText("Tenant, null for none."), "operation": readText("`boot`, `reboot` or `shutdown`."),
					"template_name": readText("Session template it goes by."), "limit": readText("What it was limited to, null for all nodes."),
					"stage": readFlag("It stages instead of acting."), "status": readText("`pending`, `running` or `complete`."),
					"start_time": readText("When it was accepted, in UTC."), "end_time": readText("When it was complete, in UTC."),
					"error": readText("What failed it as a whole, empty if nothing did."), "node_count": readCount("How many nodes it acts on."),
				}},
			},
		},
	}
}

func (d *sessionsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m sessionsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	all, err := c.Sessions(ctx, client.SessionFilter{Status: m.Status.ValueString(), MinAge: m.MinAge.ValueString(), MaxAge: m.MaxAge.ValueString()})
	if err != nil {
		unable(&resp.Diagnostics, "list BOS sessions", err)
		return
	}
	slices.SortFunc(all, func(a, b bos.Session) int {
		return cmp.Or(a.Status.StartTime.Compare(b.Status.StartTime.Time), cmp.Compare(bos.TenantOf(a.Tenant), bos.TenantOf(b.Tenant)), cmp.Compare(a.Name, b.Name))
	})
	names, sessions := make([]attr.Value, len(all)), make([]attr.Value, len(all))
	for i, s := range all {
		var common sessionModel
		common.adopt(s)
		common.observe(s)
		names[i] = types.StringValue(s.Name)
		sessions[i] = types.ObjectValueMust(listedSessionType.AttrTypes, map[string]attr.Value{
			"name": names[i], "tenant": orNull(bos.TenantOf(s.Tenant)), "operation": common.Operation, "template_name": common.TemplateName, "limit": common.Limit,
			"stage": common.Stage, "status": common.Status, "start_time": common.StartTime, "end_time": common.EndTime, "error": common.Error,
			"node_count": common.NodeCount,
		})
	}
	m.Tenant = d.tenantOr(m.Tenant)
	m.Names, m.Sessions = types.ListValueMust(types.StringType, names), types.ListValueMust(listedSessionType, sessions)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
