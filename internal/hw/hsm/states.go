package hsm

import (
	"context"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// States reads what HSM calls the state of each node, such as Ready, which it is when
// the node's heartbeat has come.
func (c *Client) States(ctx context.Context) (map[string]string, error) {
	list, _, err := entries[struct{ ID, State string }](ctx, c, c.question("/State/Components?type=Node"), "Components")
	if err != nil {
		return nil, err
	}
	states := make(map[string]string, len(list))
	for _, n := range list {
		states[bos.CanonicalXname(n.ID)] = n.State
	}
	return states, nil
}
