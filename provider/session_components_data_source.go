package provider

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

type sessionComponentsDataSource struct{ dataSourceBase }

func newSessionComponentsDataSource() datasource.DataSource { return &sessionComponentsDataSource{} }

type sessionComponentsModel struct {
	Tenant  types.String `tfsdk:"tenant"`
	Session types.String `tfsdk:"session"`
	Status  types.List   `tfsdk:"status"`
	Phase   types.String `tfsdk:"phase"`
	Cause   types.List   `tfsdk:"cause"`

	Nodes      types.String `tfsdk:"nodes"`
	NodeCount  types.Int64  `tfsdk:"node_count"`
	ByStatus   types.Map    `tfsdk:"by_status"`
	ByCause    types.Map    `tfsdk:"by_cause"`
	Components types.Map    `tfsdk:"components"`
}

// nodeOutcomeType is what became of one node of a session.
var nodeOutcomeType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"boot_set": types.StringType, "status": types.StringType, "phase": types.StringType, "error": types.StringType, "cause": types.StringType,
	"sentence": types.StringType, "finished": types.StringType, "waits_for": types.StringType,
}}

func (d *sessionComponentsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session_components"
}

func (d *sessionComponentsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	causes := make([]string, 0, len(bos.Causes()))
	for _, cause := range bos.Causes() {
		causes = append(causes, string(cause))
	}
	slices.Sort(causes)
	phases := make([]string, 0, len(bos.Phases()))
	for _, phase := range bos.Phases() {
		phases = append(phases, string(phase))
	}
	folded := func(description string) schema.MapAttribute {
		return schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "What became of the nodes of a session, also of those that another session has taken over since. Filters are combined. " +
			"It needs the bundled service; a plain BOS v2 does not remember what became of each node.",
		Attributes: map[string]schema.Attribute{
			"tenant":  tenantArgument("Tenant of the session; defaults to the provider's."),
			"session": schema.StringAttribute{Required: true, Validators: []validator.String{validName()}, MarkdownDescription: "Name of the session."},
			"status": schema.ListAttribute{
				Optional: true, ElementType: types.StringType, Validators: []validator.List{words{most: 16, filters: true}, listvalidator.ValueStringsAre(stringvalidator.OneOf(bos.OutcomeWords()...))},
				MarkdownDescription: "Only nodes with one of these status words, such as `failed`, `stable`, `taken_over` or `staged`.",
			},
			"phase": schema.StringAttribute{Optional: true, Validators: []validator.String{stringvalidator.OneOf(phases...)}, MarkdownDescription: "Only nodes in " +
				"this phase; empty for those in none."},
			"cause": schema.ListAttribute{
				Optional: true, ElementType: types.StringType, Validators: []validator.List{words{most: len(causes), filters: true}, listvalidator.ValueStringsAre(stringvalidator.OneOf(causes...))},
				MarkdownDescription: "Only nodes that failed for one of these causes: `" + strings.Join(causes, "`, `") + "`.",
			},

			"nodes":      readText("The nodes found, folded, as a `limit` takes them. Empty if there are none, and an empty limit is refused."),
			"node_count": readCount("How many nodes were found."),
			"by_status":  folded("The nodes found, folded, by status word."),
			"by_cause":   folded("Those among them that have a cause, folded, by cause."),
			"components": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "The nodes found, by xname.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"boot_set": readText("Boot set by which the session has it, empty if that is not known."),
					"status": readText("Status word; of a node that the session has no more, what it was when the session was done with it, or `taken_over`, `released`, " +
						"`deleted` or `excluded`, as when it was off and to be configured."),
					"phase": readText("Phase, empty for none."), "error": readText("What went wrong, in BOS' words; empty if nothing did."),
					"cause": readText("Why, as one word; empty if nothing went wrong."), "sentence": readText("What the cause means."),
					"finished":  readText("When the session was done with it, or lost it, in UTC; null before."),
					"waits_for": readText("Why nothing is done to it now although nothing is wrong with it, such as that the site is paused; empty if it does not wait."),
				}},
			},
		},
	}
}

func (d *sessionComponentsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m sessionComponentsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if !announces(ctx, c, bos.ExtensionOutcomes, "bos_session_components", "say what became of each node of a session",
		"Use data.bos_session, whose error_summary has the errors of its nodes, or data.bos_components with session and status, which lists the nodes that "+
			"it still has.", &resp.Diagnostics) {
		return
	}
	name := m.Session.ValueString()
	outcomes, err := c.Outcomes(ctx, name)
	if client.IsNotFound(err) {
		noSuchSession(path.Root("session"), name, &resp.Diagnostics)
		return
	}
	if err != nil {
		unable(&resp.Diagnostics, "read what became of the nodes of the BOS session", err)
		return
	}
	m.Tenant = d.tenantOr(m.Tenant)
	m.take(outcomes)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// take shows the outcomes that pass the filters.
func (m *sessionComponentsModel) take(outcomes []bos.NodeOutcome) {
	statuses, causes := wordsOf(m.Status), wordsOf(m.Cause)
	ids := []string{}
	byStatus, byCause := make(map[string][]string), make(map[string][]string)
	all := make(map[string]attr.Value)
	for _, o := range outcomes {
		switch {
		case len(statuses) > 0 && !slices.Contains(statuses, o.Status),
			len(causes) > 0 && !slices.Contains(causes, string(o.Cause)),
			!m.Phase.IsNull() && m.Phase.ValueString() != string(o.Phase):
			continue
		}
		ids = append(ids, o.ID)
		byStatus[o.Status] = append(byStatus[o.Status], o.ID)
		if o.Cause != "" {
			byCause[string(o.Cause)] = append(byCause[string(o.Cause)], o.ID)
		}
		waits := ""
		if o.Wait != nil {
			waits = o.Wait.Sentence
		}
		all[o.ID] = types.ObjectValueMust(nodeOutcomeType.AttrTypes, map[string]attr.Value{
			"boot_set": types.StringValue(o.BootSet), "status": types.StringValue(o.Status), "phase": types.StringValue(string(o.Phase)),
			"error": types.StringValue(bos.Unsigned(o.Error)), "cause": types.StringValue(string(o.Cause)), "sentence": types.StringValue(o.Sentence),
			"finished": orNull(o.Finished.String()), "waits_for": types.StringValue(waits),
		})
	}
	m.Nodes, m.NodeCount = types.StringValue(bos.Fold(ids)), types.Int64Value(int64(len(ids)))
	m.ByStatus, m.ByCause, m.Components = foldedBy(byStatus), foldedBy(byCause), types.MapValueMust(nodeOutcomeType, all)
}
