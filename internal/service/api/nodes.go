package api

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

const (
	defaultNodes = 1000
	maxNodes     = 10000
	// maxWord bounds the name of a role, group or partition.
	maxWord = 127
)

// listNodes lists what the inventory has, and what keeps sessions from touching it:
// GET /x/v1/nodes with limit, role, group, partition and enabled, which are ANDed,
// and page_size and start_after_id as elsewhere. With addresses=true it also asks
// for NIDs and MACs, which costs the inventory more. A tenant is answered its own
// nodes.
func (s *server) listNodes(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	size, err := queryInt(q, "page_size", defaultNodes, 1, maxNodes)
	if err != nil {
		return err
	}
	after, err := queryText(q, "start_after_id", bos.MaxComponentID)
	if err != nil {
		return err
	}
	addresses, err := queryBool(q, "addresses")
	if err != nil {
		return err
	}
	query, err := s.nodeQuery(r)
	if err != nil {
		return err
	}
	nodes, warnings, err := s.inventoryNodes(r, query)
	if err != nil {
		return err
	}
	page := bos.InventoryNodes{Nodes: []bos.InventoryNode{}, Warnings: append([]string{}, warnings...)}
	for _, n := range nodes {
		if after != "" && bos.CompareXnames(n.ID, after) <= 0 {
			continue
		}
		if len(page.Nodes) == size {
			page.Next = page.Nodes[size-1].ID
			break
		}
		page.Nodes = append(page.Nodes, n)
	}
	if addresses != nil && *addresses {
		if err := s.addAddresses(r, page.Nodes); err != nil {
			return err
		}
	}
	return s.answer(w, http.StatusOK, page)
}

// nodeQuery reads what is asked for, without what BOS knows of it.
func (s *server) nodeQuery(r *http.Request) (decide.NodeQuery, error) {
	var query decide.NodeQuery
	q := r.URL.Query()
	if query.Limit = q.Get("limit"); q.Has("limit") && strings.TrimSpace(query.Limit) == "" {
		return query, bos.Invalidf("limit", "is empty, which is read as nobody here; leave it out, or say all, for every node")
	}
	if n := utf8.RuneCountInString(query.Limit); n > bos.MaxLimit {
		return query, bos.Invalidf("limit", "has %d characters, at most %d are allowed; fold the names", n, bos.MaxLimit)
	}
	var err error
	for name, into := range map[string]*string{"role": &query.Role, "group": &query.Group, "partition": &query.Partition} {
		if *into, err = queryText(q, name, maxWord); err != nil {
			return query, err
		}
	}
	if query.Enabled, err = queryBool(q, "enabled"); err != nil {
		return query, err
	}
	reach, err := s.reachOf(r)
	query.Reach = reach
	return query, err
}

// inventoryNodes reads the inventory once and answers a query by it.
func (s *server) inventoryNodes(r *http.Request, query decide.NodeQuery) ([]bos.InventoryNode, []string, error) {
	inventory, err := s.inventory(r.Context())
	if err != nil {
		return nil, nil, err
	}
	if names := decide.LimitNames(query.Limit, inventory); len(names) > 0 {
		if query.Components, err = s.Store.ComponentIDs(r.Context(), bos.ComponentFilter{IDs: names}); err != nil {
			return nil, nil, err
		}
	}
	held, err := s.Store.Components(r.Context(), bos.ComponentFilter{Held: true, Readable: true})
	if err != nil {
		return nil, nil, err
	}
	query.Held = decide.HeldBy(held)
	return decide.Nodes(query, inventory)
}

// addAddresses fills in what nodes are known by when they boot.
func (s *server) addAddresses(r *http.Request, nodes []bos.InventoryNode) error {
	if s.Names == nil {
		return badRequest("this service's inventory knows no NIDs and MACs; leave addresses out")
	}
	ctx, cancel := context.WithTimeout(r.Context(), upstreamTimeout)
	defer cancel()
	names, err := s.Names.NodeNames(ctx)
	if err != nil {
		return unavailable("cannot read the NIDs and MACs of the inventory now: %v", err)
	}
	known := make(map[string]bos.NodeName, len(names))
	for _, name := range names {
		known[name.ID] = name
	}
	for i := range nodes {
		name := known[nodes[i].ID]
		nodes[i].NID, nodes[i].MACs = name.NID, name.MACs
	}
	return nil
}
