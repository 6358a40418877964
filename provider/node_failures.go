package provider

import (
	"cmp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// failure is nodes that failed for one reason.
type failure struct {
	// reason is the cause's sentence, or the error itself where BOS names
	// no cause.
	reason string
	nodes  []string
}

// failuresOf is the nodes that failed, by reason, the one with most nodes first.
func failuresOf(outcomes []bos.NodeOutcome) []failure {
	byReason := make(map[string][]string)
	for _, node := range outcomes {
		if node.Status == bos.StatusFailed {
			byReason[reasonOf(node)] = append(byReason[reasonOf(node)], node.ID)
		}
	}
	failures := make([]failure, 0, len(byReason))
	for reason, nodes := range byReason {
		failures = append(failures, failure{reason, nodes})
	}
	slices.SortFunc(failures, func(a, b failure) int {
		return cmp.Or(cmp.Compare(len(b.nodes), len(a.nodes)), cmp.Compare(a.reason, b.reason))
	})
	return failures
}

func reasonOf(node bos.NodeOutcome) string {
	switch {
	case node.Sentence != "":
		return node.Sentence
	case node.Error != "":
		return node.Error
	default:
		return "BOS gives no reason"
	}
}

// reported is failures as state has them: which nodes, folded and counted, what
// to give as limit to try them again, and why they failed.
func reported(failures []failure) (folded types.String, count types.Int64, retry types.String, summary types.Map) {
	var failed []string
	reasons := make(map[string]attr.Value, len(failures))
	for _, f := range failures {
		failed = append(failed, f.nodes...)
		reasons[f.reason] = types.ObjectValueMust(outcomeType.AttrTypes, map[string]attr.Value{
			"count": types.Int64Value(int64(len(f.nodes))), "nodes": types.StringValue(bos.Fold(f.nodes)),
		})
	}
	text := bos.Fold(failed)
	return types.StringValue(text), types.Int64Value(int64(len(failed))), types.StringValue(text), types.MapValueMust(outcomeType, reasons)
}
