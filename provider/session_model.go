package provider

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

type sessionModel struct {
	Name   types.String `tfsdk:"name"`
	Tenant types.String `tfsdk:"tenant"`
	sessionOrder
	Triggers types.Map `tfsdk:"triggers"`

	WaitForCompletion types.Bool     `tfsdk:"wait_for_completion"`
	PollInterval      types.String   `tfsdk:"poll_interval"`
	OnFailure         types.String   `tfsdk:"on_failure"`
	MaxFailed         types.String   `tfsdk:"max_failed"`
	OnDestroy         types.String   `tfsdk:"on_destroy"`
	AllowEmpty        types.Bool     `tfsdk:"allow_empty"`
	Reason            types.String   `tfsdk:"reason"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
	Rollout           types.Object   `tfsdk:"rollout"`
	Overlap           types.String   `tfsdk:"overlap"`
	StagedBoot        types.Bool     `tfsdk:"write_staged_boot_parameters"`

	ID types.String `tfsdk:"id"`
	sessionResults
	UnfinishedNodes types.String `tfsdk:"unfinished_nodes"`
	RecordExpired   types.Bool   `tfsdk:"record_expired"`
	// URL is null where the service has no page, or does not say where.
	URL types.String `tfsdk:"url"`

	Effect types.String `tfsdk:"effect"`
	Scope  types.String `tfsdk:"scope"`

	Pin             types.String `tfsdk:"pin"`
	PlannedNodes    types.String `tfsdk:"planned_nodes"`
	PlannedCount    types.Int64  `tfsdk:"planned_count"`
	PlannedRoles    types.Map    `tfsdk:"planned_roles"`
	PlannedBootSets types.Map    `tfsdk:"planned_boot_sets"`
	PlannedBatches  types.List   `tfsdk:"planned_batches"`
	Skipped         types.Map    `tfsdk:"skipped"`
}

// sessionOrder is what a session was told to do.
type sessionOrder struct {
	Operation       types.String `tfsdk:"operation"`
	TemplateName    types.String `tfsdk:"template_name"`
	Limit           types.String `tfsdk:"limit"`
	Stage           types.Bool   `tfsdk:"stage"`
	IncludeDisabled types.Bool   `tfsdk:"include_disabled"`
}

// sessionResults are how far a session is, and what became of its nodes.
type sessionResults struct {
	Status       types.String `tfsdk:"status"`
	StartTime    types.String `tfsdk:"start_time"`
	EndTime      types.String `tfsdk:"end_time"`
	Error        types.String `tfsdk:"error"`
	Nodes        types.String `tfsdk:"nodes"`
	NodeCount    types.Int64  `tfsdk:"node_count"`
	FailedNodes  types.String `tfsdk:"failed_nodes"`
	FailedCount  types.Int64  `tfsdk:"failed_count"`
	ErrorSummary types.Map    `tfsdk:"error_summary"`
	RetryLimit   types.String `tfsdk:"retry_limit"`
	Succeeded    types.Bool   `tfsdk:"succeeded"`

	RolloutStatus types.Object `tfsdk:"rollout_status"`
}

// statusUnconfirmed is the status of a session whose creation got no answer and
// that could not be looked up either.
const statusUnconfirmed = "unconfirmed"

// complete reports whether the session is over.
func (m *sessionModel) complete() bool {
	return m.Status.ValueString() == string(bos.SessionComplete)
}

// settled reports whether there is nothing left to wait for. A staged session
// is done when everything is staged; it completes when that is applied.
func (m *sessionModel) settled() bool {
	staged := m.Stage.ValueBool() && m.Status.ValueString() == string(bos.SessionRunning)
	return m.complete() || staged || m.RecordExpired.ValueBool()
}

// succeededBy reports whether what BOS has under the name of this session is
// another one: a name can be used again once the record is deleted. Only the time
// at which it was accepted tells them apart.
func (m *sessionModel) succeededBy(s bos.Session) bool {
	found := s.Status.StartTime.String()
	return m.StartTime.ValueString() != "" && found != "" && found != m.StartTime.ValueString()
}

// unknownResults marks everything that a running session can change.
func (m *sessionModel) unknownResults() {
	m.Status, m.StartTime, m.EndTime, m.Error = types.StringUnknown(), types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	m.Nodes, m.FailedNodes, m.RetryLimit, m.UnfinishedNodes = types.StringUnknown(), types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	m.NodeCount, m.FailedCount = types.Int64Unknown(), types.Int64Unknown()
	m.ErrorSummary = types.MapUnknown(outcomeType)
	m.RecordExpired, m.Succeeded = types.BoolUnknown(), types.BoolUnknown()
	m.RolloutStatus = types.ObjectUnknown(rolloutStatusType.AttrTypes)
	if !m.mayRoll() {
		m.RolloutStatus = noRolloutStatus()
	}
}

// noResults is what is known of a session before BOS was asked about it. Texts
// are empty and not null: users put them into messages and limits.
func (m *sessionModel) noResults() {
	m.StartTime, m.EndTime, m.Nodes = types.StringNull(), types.StringNull(), types.StringValue("")
	m.Error, m.FailedNodes, m.RetryLimit, m.UnfinishedNodes = types.StringValue(""), types.StringValue(""), types.StringValue(""), types.StringValue("")
	m.NodeCount, m.FailedCount = types.Int64Null(), types.Int64Null()
	m.ErrorSummary = types.MapNull(outcomeType)
	m.RecordExpired, m.Succeeded = types.BoolValue(false), types.BoolValue(false)
	m.RolloutStatus = noRolloutStatus()
}

// keepResults takes over everything computed from the state.
func (m *sessionModel) keepResults(state *sessionModel) {
	m.sessionResults = state.sessionResults
	m.UnfinishedNodes, m.RecordExpired, m.URL = state.UnfinishedNodes, state.RecordExpired, state.URL
}

// locate takes over where the page of the session is, as far as the service says. It is no
// reason to fail: what is known stays.
func (m *sessionModel) locate(ctx context.Context, c *client.Client) {
	if m.URL.IsUnknown() {
		m.URL = types.StringNull()
	}
	caps, err := c.Capabilities(ctx)
	switch {
	case err != nil:
		tflog.Debug(ctx, "where the page of the BOS session is cannot be read now", map[string]any{"session": m.Name.ValueString(), "error": err.Error()})
	case caps.PublicURL == "":
		m.URL = types.StringNull()
	default:
		m.URL = types.StringValue(bos.PageOfSession(caps.PublicURL, bos.SessionKey{Tenant: m.Tenant.ValueString(), Name: m.Name.ValueString()}))
	}
}

// modernize fills in what states of older versions of the provider do not have,
// or have as null. It changes nothing that a plan compares with a configuration.
func (m *sessionModel) modernize() {
	for _, text := range []*types.String{&m.Error, &m.Nodes, &m.FailedNodes, &m.RetryLimit, &m.UnfinishedNodes, &m.PlannedNodes} {
		if text.IsNull() {
			*text = types.StringValue("")
		}
	}
	if m.Succeeded.IsNull() {
		m.Succeeded = m.judged()
	}
	if m.Scope.IsNull() {
		m.Scope = scopeOf(m.Limit)
	}
	m.Effect = types.StringValue(m.effected())
}

func (m *sessionModel) keepPlanned(state *sessionModel) {
	m.Pin, m.PlannedNodes, m.PlannedCount, m.Skipped = state.Pin, state.PlannedNodes, state.PlannedCount, state.Skipped
	m.PlannedRoles, m.PlannedBootSets, m.PlannedBatches = state.PlannedRoles, state.PlannedBootSets, state.PlannedBatches
	m.Effect, m.Scope = state.Effect, state.Scope
}

func (m *sessionModel) unknownPlanned() {
	m.Pin, m.PlannedNodes, m.PlannedCount = types.StringUnknown(), types.StringUnknown(), types.Int64Unknown()
	m.Skipped, m.PlannedRoles, m.PlannedBootSets = types.MapUnknown(types.StringType), types.MapUnknown(types.StringType), types.MapUnknown(plannedSetType)
	m.PlannedBatches = types.ListUnknown(plannedBatchType) // also by an order of the template
}

// noBatches plans a session that has no rollout, against a BOS that has none.
func (m *sessionModel) noBatches() {
	m.PlannedBatches, m.RolloutStatus = types.ListNull(plannedBatchType), noRolloutStatus()
}

// nullPlanned replaces what is still unknown of the preview.
func (m *sessionModel) nullPlanned() {
	if m.Pin.IsUnknown() {
		m.Pin = types.StringNull()
	}
	if m.PlannedNodes.IsUnknown() {
		// Whoever gives it as a limit must not get every node.
		m.PlannedNodes = types.StringValue("")
	}
	if m.PlannedCount.IsUnknown() {
		m.PlannedCount = types.Int64Null()
	}
	if m.PlannedRoles.IsUnknown() {
		m.PlannedRoles = types.MapNull(types.StringType)
	}
	if m.Skipped.IsUnknown() {
		m.Skipped = types.MapNull(types.StringType)
	}
	if m.PlannedBootSets.IsUnknown() {
		m.PlannedBootSets = types.MapNull(plannedSetType)
	}
	if m.PlannedBatches.IsUnknown() {
		m.PlannedBatches = types.ListNull(plannedBatchType)
	}
}

// takePreview plans what the preview says.
func (m *sessionModel) takePreview(p bos.Preview) {
	m.Pin = types.StringValue(p.Pin)
	m.PlannedNodes = types.StringValue(p.Nodes)
	m.PlannedCount = types.Int64Value(int64(p.Count))
	m.PlannedRoles, m.PlannedBootSets, m.Skipped = rolesOf(p), bootSetsOf(p), skippedOf(p)
	m.PlannedBatches = batchesOf(p)
	if !m.rolls() {
		m.RolloutStatus = noRolloutStatus()
	}
}

// observe takes over what BOS says about the session itself.
func (m *sessionModel) observe(s bos.Session) {
	m.Status = types.StringValue(string(s.Status.Status))
	m.StartTime = orNull(s.Status.StartTime.String())
	m.EndTime = orNull(s.Status.EndTime.String())
	m.Error = types.StringValue("")
	if s.Status.Error != nil {
		m.Error = types.StringValue(*s.Status.Error)
	}
	nodes := splitWords(s.Components)
	m.Nodes = types.StringValue(bos.Fold(nodes))
	m.NodeCount = types.Int64Value(int64(len(nodes)))
	m.RecordExpired = types.BoolValue(false)
}

// adopt takes over what an imported session was told to do.
func (m *sessionModel) adopt(s bos.Session) {
	m.Operation = types.StringValue(string(s.Operation))
	m.TemplateName = types.StringValue(s.TemplateName)
	m.Limit = orNull(s.Limit)
	m.Stage = types.BoolValue(s.Stage)
	m.IncludeDisabled = types.BoolValue(s.IncludeDisabled)
	m.Rollout = noRollout()
	m.unknownPlanned()
	m.nullPlanned()
}

// failures reads back what take stored.
func (m *sessionModel) failures(ctx context.Context) []failure {
	var summary map[string]struct {
		Count int64  `tfsdk:"count"`
		List  string `tfsdk:"nodes"`
	}
	if m.ErrorSummary.IsUnknown() || m.ErrorSummary.ElementsAs(ctx, &summary, false).HasError() {
		return nil
	}
	var all []failure
	for _, reason := range slices.Sorted(maps.Keys(summary)) {
		nodes, err := bos.Expand(summary[reason].List, bos.MaxExpand)
		if err == nil {
			all = append(all, failure{reason, nodes})
		}
	}
	return all
}

func orNull(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

func splitWords(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
