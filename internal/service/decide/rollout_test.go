package decide

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestANodeThatHasVanishedIsOutOfServiceOnceItIsWorkedOn: until then it has failed, and
// keeps nobody waiting.
func TestANodeThatHasVanishedIsOutOfServiceOnceItIsWorkedOn(t *testing.T) {
	spec := bos.Rollout{MaxUnavailable: bos.Amount{N: 2}, FailureBudget: &bos.Amount{N: 4}}
	gone := RolloutNode{Is: NodeWaitsSilent, At: noon.Add(-2 * spec.NodeDeadline())}
	up := RolloutNode{Is: NodeWaits}
	for name, c := range map[string]struct {
		nodes []RolloutNode
		admit []string
	}{
		"one has vanished":                   {[]RolloutNode{up, gone, up, up}, []string{"b", "a"}},
		"as many have as may be out":         {[]RolloutNode{gone, gone, up, up}, []string{"a", "b"}},
		"more have than may be out":          {[]RolloutNode{gone, gone, gone, up}, []string{"a", "b", "c"}},
		"one is silent, and not for long":    {[]RolloutNode{{Is: NodeWaitsSilent, At: noon.Add(-time.Minute)}, up, up, up}, []string{"a", "b"}},
		"one that has vanished has its turn": {[]RolloutNode{{Is: NodeInFlight}, up, up, up}, []string{"b"}},
	} {
		move := RolloutView{
			State:   bos.RolloutState{Spec: spec, RolloutProgress: bos.RolloutProgress{Phase: bos.RolloutRunning}, Batches: []bos.RolloutBatch{{Name: "batch 1", Count: 4}}},
			Batches: [][]string{{"a", "b", "c", "d"}}, Nodes: [][]RolloutNode{c.nodes}, Now: noon, Wall: noon,
		}.Advance()
		if len(move.Admit) != len(c.admit) {
			t.Errorf("%s: %q are started, want %q", name, move.Admit, c.admit)
			continue
		}
		for i := range c.admit {
			if move.Admit[i] != c.admit[i] {
				t.Errorf("%s: %q are started, want %q", name, move.Admit, c.admit)
			}
		}
	}
}

// TestWhatFailsAfterSomebodyResumedIsNotForgiven: whoever resumes forgives the failures of
// then, and those of nodes that have been silent for too long, which nobody has stored.
func TestWhatFailsAfterSomebodyResumedIsNotForgiven(t *testing.T) {
	spec := bos.Rollout{}
	failed, done, up := RolloutNode{Is: NodeFailed}, RolloutNode{Is: NodeDone}, RolloutNode{Is: NodeWaits}
	gone := RolloutNode{Is: NodeWaitsSilent, At: noon.Add(-2 * spec.NodeDeadline())}
	then := func(n int) *int { return &n }
	for name, c := range map[string]struct {
		then     *int
		nodes    [][]RolloutNode
		forgiven int
		phase    bos.RolloutPhase
	}{
		"nothing failed since":                    {then(2), [][]RolloutNode{{failed, failed, up}}, 2, bos.RolloutRunning},
		"one failed since":                        {then(1), [][]RolloutNode{{failed, failed, up}}, 1, bos.RolloutHalted},
		"none had failed, and one has":            {then(0), [][]RolloutNode{{failed, up, up}}, 0, bos.RolloutHalted},
		"one had vanished":                        {then(1), [][]RolloutNode{{failed, gone, up}}, 2, bos.RolloutRunning},
		"one had vanished, and one failed since":  {then(0), [][]RolloutNode{{failed, gone, up}}, 1, bos.RolloutHalted},
		"one that had failed is tried again":      {then(2), [][]RolloutNode{{failed, up, up}}, 1, bos.RolloutRunning},
		"an older service stored no number":       {nil, [][]RolloutNode{{failed, failed, up}}, 2, bos.RolloutRunning},
		"the order may pass as it was":            {then(1), [][]RolloutNode{{failed, done}, {up}}, 1, bos.RolloutRunning},
		"the last of an ordinal has failed since": {then(1), [][]RolloutNode{{failed, failed}, {up}}, 1, bos.RolloutHalted},
	} {
		spec.FailureBudget = &bos.Amount{N: len(c.nodes) - 1} // an order is no matter of the budget
		state := bos.RolloutState{Spec: spec, RolloutProgress: bos.RolloutProgress{Phase: bos.RolloutRunning, Resumed: true, FailedThen: c.then}}
		ids := make([][]string, len(c.nodes))
		for i, nodes := range c.nodes {
			state.Batches = append(state.Batches, bos.RolloutBatch{Count: len(nodes), Ordinal: i})
			ids[i] = []string{"a", "b", "c"}[:len(nodes)]
		}
		next := RolloutView{State: state, Batches: ids, Nodes: c.nodes, Now: noon, Wall: noon}.Advance().Next
		if next.Forgiven != c.forgiven || next.Phase != c.phase || next.Resumed || next.FailedThen != nil {
			t.Errorf("%s: %d are forgiven and it is %s (%+v), want %d and %s", name, next.Forgiven, next.Phase, next.RolloutProgress, c.forgiven, c.phase)
		}
	}
}
