package provider

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// verdict is what became of the nodes of a session that is over.
type verdict struct {
	failures []failure
	// failed is how many failed, also those that cannot be named any more.
	failed int64
	// unfinished are the nodes that it was never done with: another session
	// took them over, or somebody told BOS to let go of them.
	unfinished []string
}

// unclear are the nodes that a session acted on and that do not show by
// themselves how it left them: they belong to another session by now, or are
// doing something.
func unclear(acted []string, outcomes []bos.NodeOutcome) (ids []string) {
	done := make(map[string]bool, len(outcomes))
	for _, node := range outcomes {
		done[node.ID] = node.Status == bos.StatusStable || node.Status == bos.StatusFailed
	}
	for _, id := range acted {
		if !done[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// judge says what became of the nodes that a session acted on. kept is the
// status that BOS kept of the session from the moment it was over, which it is
// asked for where nodes are unclear: it tells the nodes that were taken from a
// running session from those that a later one had a right to.
func judge(acted []string, outcomes []bos.NodeOutcome, kept func() (bos.ExtendedStatus, error)) (verdict, error) {
	v := verdict{failures: failuresOf(outcomes)}
	for _, f := range v.failures {
		v.failed += int64(len(f.nodes))
	}
	open := unclear(acted, outcomes)
	if len(open) == 0 {
		return v, nil
	}
	status, err := kept()
	if err != nil {
		return verdict{}, err
	}
	if status.ManagedComponentsCount < len(acted) || status.PercentSuccessful+status.PercentFailed < wholePercent {
		v.unfinished = open
		return v, nil
	}
	// All were done when it was over; of those that went on since, BOS kept
	// how many had failed.
	failed := int64(math.Round(status.PercentFailed * float64(status.ManagedComponentsCount) / 100))
	v.failed = max(v.failed, min(failed, v.failed+int64(len(open))))
	return v, nil
}

// wholePercent is what percentages with two decimals that make a whole add up to
// at least.
const wholePercent = 99.98

// verdictOn asks BOS what became of the nodes of a session that is over.
func verdictOn(ctx context.Context, c *client.Client, m *sessionModel) (verdict, error) {
	outcomes, err := c.Outcomes(ctx, m.Name.ValueString())
	if err != nil {
		return verdict{}, err
	}
	acted, err := bos.Expand(m.Nodes.ValueString(), bos.MaxExpand)
	if err != nil {
		return verdict{}, err
	}
	return judge(acted, outcomes, func() (bos.ExtendedStatus, error) { return c.SessionStatus(ctx, m.Name.ValueString()) })
}

// take takes over what became of the nodes. How many failed is null where that
// number would say less than the truth.
func (m *sessionModel) take(v verdict) {
	m.FailedNodes, m.FailedCount, m.RetryLimit, m.ErrorSummary = reported(v.failures)
	m.FailedCount = types.Int64Value(v.failed)
	m.UnfinishedNodes = types.StringValue(bos.Fold(v.unfinished))
	if m.asAWhole() {
		m.FailedCount = types.Int64Null()
	}
	m.Succeeded = m.judged()
}

// asAWhole reports whether a session that is over failed in a way that a number
// of nodes does not tell.
func (m *sessionModel) asAWhole() bool {
	return m.Error.ValueString() != "" || m.UnfinishedNodes.ValueString() != "" || m.NodeCount.ValueInt64() == 0
}

// judged is whether the session did what it was to do. What is not known is no
// success.
func (m *sessionModel) judged() types.Bool {
	if m.MaxFailed.IsUnknown() || m.Status.IsUnknown() {
		return types.BoolUnknown()
	}
	return types.BoolValue(m.over() && !m.tooManyFailed())
}

// over reports whether the session is complete and what became of its nodes is
// known.
func (m *sessionModel) over() bool {
	return m.complete() && !m.ErrorSummary.IsNull() && !m.ErrorSummary.IsUnknown()
}

// tooManyFailed reports whether more nodes of a session that is over failed than
// max_failed tolerates, or it failed as a whole.
func (m *sessionModel) tooManyFailed() bool {
	if m.asAWhole() {
		return true
	}
	failed, total := m.failedNodes(), m.NodeCount.ValueInt64()
	text, isPercent := strings.CutSuffix(m.MaxFailed.ValueString(), "%")
	tolerated, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		tolerated = 0
	}
	if isPercent {
		return failed*100 > tolerated*total
	}
	return failed > tolerated
}

// failedNodes is how many nodes are known to have failed.
func (m *sessionModel) failedNodes() int64 {
	if !m.FailedCount.IsNull() {
		return m.FailedCount.ValueInt64()
	}
	return countFolded(m.FailedNodes)
}

// countFolded is how many nodes a folded list of our own names.
func countFolded(folded types.String) int64 {
	names, err := bos.Expand(folded.ValueString(), bos.MaxExpand)
	if err != nil {
		return 0
	}
	return int64(len(names))
}
