package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

type sessionDataSource struct{ dataSourceBase }

func newSessionDataSource() datasource.DataSource { return &sessionDataSource{} }

type sessionDataModel struct {
	Name   types.String `tfsdk:"name"`
	Tenant types.String `tfsdk:"tenant"`
	ID     types.String `tfsdk:"id"`
	sessionOrder
	sessionResults
	Duration types.String `tfsdk:"duration"`

	PercentComplete   types.Float64 `tfsdk:"percent_complete"`
	PercentSuccessful types.Float64 `tfsdk:"percent_successful"`
	PercentFailed     types.Float64 `tfsdk:"percent_failed"`
	PercentStaged     types.Float64 `tfsdk:"percent_staged"`
}

func (d *sessionDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session"
}

func (d *sessionDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "One session as it is now, whoever started it: what it was told to do, how far it is, and which nodes failed. Reading it waits " +
			"for nothing.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{Required: true, Validators: []validator.String{validName()}, MarkdownDescription: "Name of the session. BOS " +
				"must know it."},
			"tenant":           tenantArgument("Tenant of the session; defaults to the provider's."),
			"id":               readText("`name`, or `tenant/name`."),
			"operation":        readText("`boot`, `reboot` or `shutdown`."),
			"template_name":    readText("Session template it goes by."),
			"limit":            readText("What it was limited to, null for all nodes of the template."),
			"stage":            readFlag("It stages the desired state instead of acting on it."),
			"include_disabled": readFlag("It also acts on nodes that are disabled in the inventory."),

			"status":       readText("`pending`, `running` or `complete`."),
			"start_time":   readText("When the session was accepted, in UTC."),
			"end_time":     readText("When it was complete, in UTC; null before."),
			"duration":     readText("How long it has run, as `h:mm:ss`."),
			"error":        readText("What failed the session as a whole, empty if nothing did."),
			"nodes":        readText("Nodes the session acts on, folded; `provider::bos::xname_expand` writes them out."),
			"node_count":   readCount("Number of nodes in `nodes`."),
			"failed_nodes": readText("Nodes that failed so far, folded."),
			"failed_count": readCount("Number of nodes in `failed_nodes`. Null once the session is over and failed in a way that a number does not tell: as a whole, " +
				"or because other sessions took nodes from it."),
			"succeeded":   readFlag("The session is complete, acted on nodes, and each of them is where it should be. `false` before it is complete."),
			"retry_limit": readText("Value for `limit` that retries only the failed nodes; empty if none failed, and an empty limit is refused."),
			"error_summary": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "Failed nodes by what failed them.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"count": readCount("How many nodes."), "nodes": readText("Which, folded."),
				}},
			},
			"rollout_status":     readRolloutStatus(),
			"percent_complete":   readPercent("Nodes that are done, well or not, in percent."),
			"percent_successful": readPercent("Nodes that are where they should be, in percent."),
			"percent_failed":     readPercent("Nodes that failed, in percent."),
			"percent_staged":     readPercent("Nodes for which this session has staged a state, in percent."),
		},
	}
}

func (d *sessionDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m sessionDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	name := m.Name.ValueString()
	s, err := c.Session(ctx, name)
	if client.IsNotFound(err) {
		noSuchSession(path.Root("name"), name, &resp.Diagnostics)
		return
	}
	if err != nil {
		unable(&resp.Diagnostics, "read BOS session", err)
		return
	}
	status, err := c.SessionStatus(ctx, name)
	if err != nil {
		unable(&resp.Diagnostics, "read the status of the BOS session", err)
		return
	}
	outcomes, err := c.Outcomes(ctx, name)
	if err != nil {
		unable(&resp.Diagnostics, "read what became of the nodes of the BOS session", err)
		return
	}
	var common sessionModel
	common.adopt(s)
	common.observe(s)
	acted, err := bos.Expand(common.Nodes.ValueString(), bos.MaxExpand)
	if err != nil {
		unable(&resp.Diagnostics, "read the nodes of the BOS session", err)
		return
	}
	v, err := judge(acted, outcomes, func() (bos.ExtendedStatus, error) { return status, nil })
	if err != nil {
		unable(&resp.Diagnostics, "read what became of the nodes of the BOS session", err)
		return
	}
	common.take(v)
	m.Tenant = d.tenantOr(m.Tenant)
	m.ID = joinID(m.Tenant, m.Name)
	common.RolloutStatus = noRolloutStatus()
	rollout, err := rolloutStatusOf(ctx, c, name)
	if err != nil {
		unable(&resp.Diagnostics, "read the rollout of the BOS session", err)
		return
	}
	if rollout != nil {
		common.RolloutStatus = rolloutStatusValue(*rollout)
	}
	m.sessionOrder, m.sessionResults = common.sessionOrder, common.sessionResults
	if !common.complete() {
		m.FailedCount = types.Int64Value(v.failed) // so far
	}
	m.Duration = orNull(status.Timing.Duration)
	m.PercentComplete, m.PercentSuccessful = types.Float64Value(status.Phases.PercentComplete), types.Float64Value(status.PercentSuccessful)
	m.PercentFailed, m.PercentStaged = types.Float64Value(status.PercentFailed), types.Float64Value(status.PercentStaged)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// noSuchSession says that BOS has no session of the name that an argument has.
func noSuchSession(at path.Path, name string, diags *diag.Diagnostics) {
	diags.AddAttributeError(at, "BOS knows no such session",
		fmt.Sprintf("BOS has no session %q: it never was, it belongs to another tenant, or BOS has deleted its record, as it does some days after completion.", name))
}
