package shell

import (
	"context"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// everyNode is no bound on the nodes of a session that are read.
const everyNode = -1

// RolloutFacts reads what became of the nodes of a session with a rollout.
func (p Ports) RolloutFacts(ctx context.Context, s bos.SessionRecord) engine.RolloutFacts {
	nodes, err := p.Store.SessionNodes(ctx, s.Key(), "", everyNode)
	return engine.RolloutFacts{Key: s.Key(), Nodes: nodes, Err: err}
}
