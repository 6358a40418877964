package hsm

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

var _ bos.NodeNames = (*Client)(nil)

// NodeNames reads what nodes are known by when they boot: their NIDs, and the
// MAC and IP addresses HSM has of their interfaces. An HSM without interfaces
// leaves these out.
func (c *Client) NodeNames(ctx context.Context) ([]bos.NodeName, error) {
	var (
		names      []bos.NodeName
		interfaces map[string][]ethernet
	)
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() (err error) { names, err = c.nids(ctx); return err })
	all.Go(func() (err error) { interfaces, err = c.interfaces(ctx); return err })
	if err := all.Wait(); err != nil {
		return nil, err
	}
	for i := range names {
		for _, e := range interfaces[names[i].ID] {
			names[i].MACs = append(names[i].MACs, strings.ToLower(e.MACAddress))
			for _, a := range e.IPAddresses {
				if a.IPAddress != "" {
					names[i].Addresses = append(names[i].Addresses, a.IPAddress)
				}
			}
		}
	}
	return names, nil
}

func (c *Client) nids(ctx context.Context) ([]bos.NodeName, error) {
	q := c.question("/State/Components?type=Node")
	list, _, err := entries[struct {
		ID, Type string
		NID      json.RawMessage
	}](ctx, c, q, "Components")
	if err != nil {
		return nil, err
	}
	names, known := make([]bos.NodeName, 0, len(list)), make(map[string]bool, len(list))
	for _, n := range list {
		id := bos.CanonicalXname(n.ID)
		if n.ID == "" || n.Type != "Node" || known[id] {
			continue
		}
		known[id] = true
		// A number; some versions write it as a string, and -1 is none.
		nid, err := strconv.Atoi(strings.Trim(string(n.NID), `"`))
		if err != nil || nid < 0 {
			nid = 0
		}
		names = append(names, bos.NodeName{ID: id, NID: nid})
	}
	return names, c.listed.check(q, len(names), "node")
}

type ethernet struct {
	MACAddress, ComponentID string
	IPAddresses             []struct{ IPAddress string }
}

func (c *Client) interfaces(ctx context.Context) (map[string][]ethernet, error) {
	q := c.question("/Inventory/EthernetInterfaces")
	list, odd, err := bareEntries[ethernet](ctx, c, q)
	if transport.ClassOf(err) == transport.ClassAbsent {
		return nil, nil //nolint:nilnil // this HSM has none
	}
	if err != nil {
		return nil, err
	}
	strange := make([]string, len(odd))
	for i, o := range odd {
		strange[i] = o.says()
	}
	c.tellOdd("Inventory/EthernetInterfaces", strange)
	of := make(map[string][]ethernet)
	for _, e := range list {
		if e.ComponentID != "" && e.MACAddress != "" {
			id := bos.CanonicalXname(e.ComponentID)
			of[id] = append(of[id], e)
		}
	}
	return of, c.interfaced.check(q, len(of), "interface of a node")
}
