package decide

import (
	"maps"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// StagedNode is a node with something staged, and the operation of the session that
// staged it, empty where that is not known.
type StagedNode struct {
	Record    bos.Record
	Operation bos.Operation
}

// StagedPreview says what applying staged state would do to nodes, as far as guards
// go by it: how many there are, of which role, and which would be taken down.
func StagedPreview(staged []StagedNode, inv bos.Inventory) bos.Preview {
	known := make(map[string]bos.Node, len(inv.Nodes))
	for _, n := range inv.Nodes {
		known[n.ID] = n
	}
	p, roles := bos.Preview{Count: len(staged)}, make(map[string][]string)
	down := 0
	for _, s := range staged {
		node := known[s.Record.ID]
		roles[node.Role] = append(roles[node.Role], s.Record.ID)
		if node.Seen != bos.PowerStateOff && takesDown(s) {
			down++
		}
	}
	for _, role := range slices.Sorted(maps.Keys(roles)) {
		p.Roles = append(p.Roles, bos.PreviewRole{Role: role, Count: len(roles[role]), Nodes: bos.Fold(roles[role])})
	}
	if down > 0 {
		p.Effects = append(p.Effects, bos.PreviewEffect{Effect: bos.NodeMayReboot, Count: down})
	}
	return p
}

// takesDown reports whether a node that runs would be taken down. What is not known
// counts.
func takesDown(s StagedNode) bool {
	return s.Operation != bos.OperationBoot || !Matches(s.Record.ActualState.BootArtifacts, s.Record.StagedState.BootArtifacts)
}
