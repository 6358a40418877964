package hsm

import (
	"context"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// States reads what HSM calls the state of each node, such as Ready, which it is when
// the node's heartbeat has come.
func (c *Client) States(ctx context.Context) (map[string]string, error) {
	q := c.question("/State/Components?type=Node")
	var list struct {
		Components *[]struct{ ID, State string }
	}
	if err := c.http.JSON(ctx, q, &list); err != nil {
		return nil, err
	}
	if list.Components == nil {
		return nil, c.missing(q, "Components")
	}
	states := make(map[string]string, len(*list.Components))
	for _, n := range *list.Components {
		states[bos.CanonicalXname(n.ID)] = n.State
	}
	return states, nil
}
