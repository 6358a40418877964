package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

type stagedApplyModel struct {
	Tenant   types.String `tfsdk:"tenant"`
	Xnames   types.List   `tfsdk:"xnames"`
	Session  types.String `tfsdk:"session"`
	Triggers types.Map    `tfsdk:"triggers"`

	WaitForCompletion types.Bool     `tfsdk:"wait_for_completion"`
	PollInterval      types.String   `tfsdk:"poll_interval"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`

	ID           types.String `tfsdk:"id"`
	AppliedAt    types.String `tfsdk:"applied_at"`
	Status       types.String `tfsdk:"status"`
	Applied      types.String `tfsdk:"applied_nodes"`
	AppliedCount types.Int64  `tfsdk:"applied_count"`
	Refused      types.String `tfsdk:"refused_nodes"`
	RefusedCount types.Int64  `tfsdk:"refused_count"`
	Ignored      types.String `tfsdk:"ignored_nodes"`
	IgnoredCount types.Int64  `tfsdk:"ignored_count"`
	Sessions     types.Map    `tfsdk:"sessions"`
	FailedNodes  types.String `tfsdk:"failed_nodes"`
	FailedCount  types.Int64  `tfsdk:"failed_count"`
	ErrorSummary types.Map    `tfsdk:"error_summary"`
	RetryLimit   types.String `tfsdk:"retry_limit"`
	Succeeded    types.Bool   `tfsdk:"succeeded"`

	Effect types.String `tfsdk:"effect"`

	// unfinished are the nodes that BOS was never done with; known after a poll.
	unfinished []string `tfsdk:"-"`
}

// unknownResults marks what is not known before the staged state was applied.
func (m *stagedApplyModel) unknownResults() {
	m.ID, m.AppliedAt = types.StringUnknown(), types.StringUnknown()
	m.Applied, m.Refused, m.Ignored = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	m.AppliedCount, m.RefusedCount, m.IgnoredCount = types.Int64Unknown(), types.Int64Unknown(), types.Int64Unknown()
	m.Sessions = types.MapUnknown(types.StringType)
	m.Effect = m.foretold()
	m.unknownOutcome()
}

// unknownOutcome marks what a wait is going to find out.
func (m *stagedApplyModel) unknownOutcome() {
	m.Status, m.FailedNodes, m.RetryLimit = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	m.FailedCount, m.ErrorSummary, m.Succeeded = types.Int64Unknown(), types.MapUnknown(outcomeType), types.BoolUnknown()
}

func (m *stagedApplyModel) noOutcome() {
	m.FailedNodes, m.RetryLimit = types.StringValue(""), types.StringValue("")
	m.FailedCount, m.ErrorSummary, m.Succeeded = types.Int64Null(), types.MapNull(outcomeType), types.BoolValue(false)
}

func (m *stagedApplyModel) keepResults(state *stagedApplyModel) {
	m.ID, m.AppliedAt, m.Sessions = state.ID, state.AppliedAt, state.Sessions
	m.Applied, m.Refused, m.Ignored = state.Applied, state.Refused, state.Ignored
	m.AppliedCount, m.RefusedCount, m.IgnoredCount = state.AppliedCount, state.RefusedCount, state.IgnoredCount
	m.Status, m.FailedNodes, m.RetryLimit = state.Status, state.FailedNodes, state.RetryLimit
	m.FailedCount, m.ErrorSummary, m.Succeeded = state.FailedCount, state.ErrorSummary, state.Succeeded
	m.Effect = state.Effect
}

// judged is whether all that was asked for was applied, and no node failed, went
// to another session or was disabled before BOS was done with it.
func (m *stagedApplyModel) judged() types.Bool {
	return types.BoolValue(m.complete() && len(m.unfinished) == 0 && m.AppliedCount.ValueInt64() > 0 &&
		m.RefusedCount.ValueInt64()+m.IgnoredCount.ValueInt64()+m.FailedCount.ValueInt64() == 0)
}

// modernize fills in what states of older versions of the provider do not have,
// or have as null, and puts the effect into the past tense.
func (m *stagedApplyModel) modernize() {
	for _, text := range []*types.String{&m.Applied, &m.Refused, &m.Ignored, &m.FailedNodes, &m.RetryLimit} {
		if text.IsNull() {
			*text = types.StringValue("")
		}
	}
	if m.Succeeded.IsNull() {
		m.Succeeded = m.judged()
	}
	m.Effect = types.StringValue(m.effected())
}

// foretold is what applying is going to do to which nodes. What is staged for
// them may be part of the same plan, so it is no part of this.
func (m *stagedApplyModel) foretold() types.String {
	names, err := wanted(m.Xnames)
	if err != nil || len(names) == 0 || !sameNames(m.Xnames, m.Xnames) {
		return types.StringUnknown()
	}
	return types.StringValue(fmt.Sprintf("applies what is staged for %s: %s", nodes(int64(len(names))), bos.Fold(names)))
}

// effected is what applying did, as far as it is known.
func (m *stagedApplyModel) effected() string {
	if m.unconfirmed() {
		return "may or may not have applied what was staged"
	}
	if m.Applied.ValueString() == "" {
		return "found nothing staged that could be applied"
	}
	text := "applied what was staged for " + nodes(m.AppliedCount.ValueInt64())
	if failed := m.FailedCount.ValueInt64(); failed > 0 {
		text += fmt.Sprintf(" of which %d failed", failed)
	}
	return text + ": " + m.Applied.ValueString()
}

// complete reports whether all nodes are done.
func (m *stagedApplyModel) complete() bool {
	return m.Status.ValueString() == string(bos.SessionComplete)
}

// unconfirmed reports whether nobody could say so far if BOS got the request.
func (m *stagedApplyModel) unconfirmed() bool { return m.Status.ValueString() == statusUnconfirmed }

// wanted is the nodes, with folded entries written out, in canonical form and
// in order.
func wanted(xnames types.List) ([]string, error) {
	var all []string
	for _, entry := range wordsOf(xnames) {
		names, err := bos.Expand(entry, maxNames-len(all))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			all = append(all, bos.CanonicalXname(name))
		}
	}
	slices.SortFunc(all, bos.CompareXnames)
	return slices.Compact(all), nil
}

// take takes over what BOS said it did, and which session each node belongs to
// since.
func (m *stagedApplyModel) take(answer bos.StagedOutcome, owner map[string]string) {
	folded := func(ids []string) (types.String, types.Int64) {
		return types.StringValue(bos.Fold(ids)), types.Int64Value(int64(len(ids)))
	}
	m.Applied, m.AppliedCount = folded(answer.Succeeded)
	m.Refused, m.RefusedCount = folded(answer.Failed)
	m.Ignored, m.IgnoredCount = folded(answer.Ignored)
	m.takeSessions(slices.Concat(answer.Succeeded, answer.Failed), owner)
}

// completed counts the nodes that no answer names, as those of a request that was
// refused or never sent, to those that were left alone.
func completed(names []string, answer bos.StagedOutcome) bos.StagedOutcome {
	named := make(map[string]bool, len(names))
	for _, id := range slices.Concat(answer.Succeeded, answer.Failed, answer.Ignored) {
		named[id] = true
	}
	answer.Ignored = slices.Clone(answer.Ignored)
	for _, id := range names {
		if !named[id] {
			answer.Ignored = append(answer.Ignored, id)
		}
	}
	return answer
}

// expect notes which sessions would own the nodes if BOS got the request.
func (m *stagedApplyModel) expect(names []string, owner map[string]string) {
	m.Status = types.StringValue(statusUnconfirmed)
	m.Applied, m.Refused, m.Ignored = types.StringValue(""), types.StringValue(""), types.StringValue("")
	m.AppliedCount, m.RefusedCount, m.IgnoredCount = types.Int64Null(), types.Int64Null(), types.Int64Null()
	m.takeSessions(names, owner)
}

func (m *stagedApplyModel) takeSessions(names []string, owner map[string]string) {
	bySession := make(map[string][]string)
	for _, id := range names {
		if session := owner[id]; session != "" {
			bySession[session] = append(bySession[session], id)
		}
	}
	sessions := make(map[string]attr.Value, len(bySession))
	for session, ids := range bySession {
		sessions[session] = types.StringValue(bos.Fold(ids))
	}
	m.Sessions = types.MapValueMust(types.StringType, sessions)
}

// owned is the nodes that were applied or refused, by session.
func (m *stagedApplyModel) owned(ctx context.Context) map[string][]string {
	var folded map[string]string
	if m.Sessions.IsNull() || m.Sessions.IsUnknown() || m.Sessions.ElementsAs(ctx, &folded, false).HasError() {
		return nil
	}
	owned := make(map[string][]string, len(folded))
	for _, session := range slices.Sorted(maps.Keys(folded)) {
		ids, err := bos.Expand(folded[session], maxNames)
		if err == nil {
			owned[session] = ids
		}
	}
	return owned
}
