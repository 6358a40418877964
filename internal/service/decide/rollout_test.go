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
