package shell

import (
	"context"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// RolloutFacts reads what became of the nodes of a session with a rollout.
func (p Ports) RolloutFacts(ctx context.Context, s bos.SessionRecord) engine.RolloutFacts {
	nodes, err := p.Store.SessionNodes(ctx, s.Key(), "", bos.AllNodes)
	return engine.RolloutFacts{Key: s.Key(), Nodes: nodes, Err: err}
}
