package client

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// nodePage is how many nodes one page of the inventory holds, maxNodePages how many
// pages are read at most. A page costs the server one reading of its inventory.
const (
	nodePage     = 10000
	maxNodePages = 100
)

// NodeFilter picks nodes of the inventory; empty members do not filter, the others
// are ANDed.
type NodeFilter struct {
	Limit, Role, Group, Partition string
	Enabled                       *bool
	// Addresses asks for NIDs and MACs as well.
	Addresses bool
}

// Nodes lists the nodes of the inventory that pass the filter, ordered by id. It needs
// a server that announces bos.ExtensionNodes.
func (c *Client) Nodes(ctx context.Context, f NodeFilter) (nodes []bos.InventoryNode, warnings []string, err error) {
	query := url.Values{"page_size": {strconv.Itoa(nodePage)}}
	for name, value := range map[string]string{"limit": f.Limit, "role": f.Role, "group": f.Group, "partition": f.Partition} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if f.Enabled != nil {
		query.Set("enabled", strconv.FormatBool(*f.Enabled))
	}
	if f.Addresses {
		query.Set("addresses", "true")
	}
	for range maxNodePages {
		var page bos.InventoryNodes
		if err := c.get(ctx, "/x/v1/nodes", query, &page); err != nil {
			return nil, nil, err
		}
		nodes = append(nodes, page.Nodes...)
		if page.Next == "" {
			return nodes, page.Warnings, nil
		}
		query.Set("start_after_id", page.Next)
	}
	return nil, nil, fmt.Errorf("the nodes of the inventory do not end after %d pages", maxNodePages)
}
