// Package hsm reads the Hardware State Manager (SMD): nodes, roles, groups,
// partitions, locks, and where the BMC of each node is.
package hsm

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// Client reads one HSM.
type Client struct {
	http *resty.Client
	url  string
}

// New reads the HSM at url, the prefix before /State/Components.
func New(url string, timeout time.Duration) *Client {
	return &Client{http: transport.New(transport.Config{Timeout: timeout}), url: strings.TrimSuffix(url, "/")}
}

var _ bos.InventorySource = (*Client)(nil)

func (c *Client) get(ctx context.Context, path string, into any) (int, error) {
	res, err := c.http.R().SetContext(ctx).SetResult(into).Get(c.url + path)
	if err != nil {
		return 0, fmt.Errorf("HSM at %s: GET %s: %s", c.url, path, transport.Reason(err))
	}
	if res.StatusCode() != http.StatusOK {
		return res.StatusCode(), fmt.Errorf("HSM at %s: GET %s answered %s; check the url of inventory.hsm", c.url, path, res.Status())
	}
	return res.StatusCode(), nil
}

type component struct {
	ID      string `json:"ID"`
	Type    string `json:"Type"`
	Role    string `json:"Role"`
	SubRole string `json:"SubRole"`
	Arch    string `json:"Arch"`
	Enabled *bool  `json:"Enabled"`
}

type members struct {
	Label   string `json:"label"`
	Name    string `json:"name"`
	Members struct {
		IDs []string `json:"ids"`
	} `json:"members"`
}

// Inventory reads the whole inventory. POST /State/Components/Query is never
// used: it takes minutes above 32 ids.
func (c *Client) Inventory(ctx context.Context) (bos.Inventory, error) {
	var list struct{ Components []component }
	if _, err := c.get(ctx, "/State/Components?type=Node", &list); err != nil {
		return bos.Inventory{}, err
	}
	if list.Components == nil {
		return bos.Inventory{}, fmt.Errorf("HSM at %s gave no list of components; check the url of inventory.hsm", c.url)
	}
	locked, err := c.locked(ctx)
	if err != nil {
		return bos.Inventory{}, err
	}
	inv := bos.Inventory{Nodes: make([]bos.Node, 0, len(list.Components))}
	for _, n := range list.Components {
		if n.Type != "Node" {
			continue
		}
		id := bos.CanonicalXname(n.ID)
		inv.Nodes = append(inv.Nodes, bos.Node{
			ID: id, Role: n.Role, SubRole: n.SubRole, Arch: n.Arch,
			Enabled: n.Enabled == nil || *n.Enabled, Locked: locked[id],
		})
	}
	if inv.Groups, err = c.lists(ctx, "/groups"); err != nil {
		return bos.Inventory{}, err
	}
	inv.Partitions, err = c.lists(ctx, "/partitions")
	return inv, err
}

func (c *Client) locked(ctx context.Context) (map[string]bool, error) {
	var list struct{ Components []struct{ ID string } }
	status, err := c.get(ctx, "/locks/status?type=Node&Locked=true", &list)
	if err != nil && status != http.StatusNotFound {
		return nil, err
	}
	locked := make(map[string]bool, len(list.Components))
	for _, n := range list.Components {
		locked[bos.CanonicalXname(n.ID)] = true
	}
	return locked, nil
}

func (c *Client) lists(ctx context.Context, path string) (map[string][]string, error) {
	var list []members
	if _, err := c.get(ctx, path, &list); err != nil {
		return nil, err
	}
	byName := make(map[string][]string, len(list))
	for _, m := range list {
		ids := make([]string, len(m.Members.IDs))
		for i, id := range m.Members.IDs {
			ids[i] = bos.CanonicalXname(id)
		}
		byName[m.Label+m.Name] = ids
	}
	return byName, nil
}

// Endpoint is where the ComputerSystem of a node is.
type Endpoint struct {
	// FQDN is the BMC's address, with a port where it is not 443.
	FQDN string
	// System is the path of the ComputerSystem, Target that of its reset
	// action, empty if HSM does not know it.
	System string
	Target string
	// ResetTypes are the allowable values, empty if HSM does not know them.
	ResetTypes []string
}

// Endpoints reads where the node BMCs are.
func (c *Client) Endpoints(ctx context.Context) (map[string]Endpoint, error) {
	var list struct {
		ComponentEndpoints []struct {
			ID                  string
			OdataID             string
			RedfishEndpointFQDN string
			RedfishSystemInfo   struct {
				Actions map[string]struct {
					Target string   `json:"target"`
					Types  []string `json:"ResetType@Redfish.AllowableValues"`
				}
			}
		}
	}
	if _, err := c.get(ctx, "/Inventory/ComponentEndpoints?type=Node", &list); err != nil {
		return nil, err
	}
	endpoints := make(map[string]Endpoint, len(list.ComponentEndpoints))
	for _, e := range list.ComponentEndpoints {
		if e.RedfishEndpointFQDN == "" || e.OdataID == "" {
			continue
		}
		reset := e.RedfishSystemInfo.Actions["#ComputerSystem.Reset"]
		endpoints[bos.CanonicalXname(e.ID)] = Endpoint{FQDN: e.RedfishEndpointFQDN, System: e.OdataID, Target: reset.Target, ResetTypes: reset.Types}
	}
	return endpoints, nil
}
