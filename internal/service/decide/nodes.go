package decide

import (
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// NodeQuery asks for nodes of the inventory. Empty members do not filter, the
// others are ANDed.
type NodeQuery struct {
	Limit string
	// Role is a role, or a Role_SubRole.
	Role, Group, Partition string
	Enabled                *bool
	// Reach, Components and Held are as in a Request.
	Reach      bos.Reach
	Components []string
	Held       map[string]string
}

// Nodes are the nodes of the inventory that a query asks for, sorted, each with why
// every session leaves it out, whatever its template is. It goes by the rules of
// Select, so that a limit means here what it means in a session. The error is a
// *bos.Invalid.
func Nodes(q NodeQuery, inv bos.Inventory) (nodes []bos.InventoryNode, warnings []string, err error) {
	limit, err := bos.ParseLimit(q.Limit)
	if err != nil {
		return nil, nil, err
	}
	components := toSet(q.Components)
	if err := limit.Needs(inv, func(id string) bool { return components[id] }); err != nil {
		return nil, nil, err
	}
	s := newSelector(Request{Reach: q.Reach, Held: q.Held}, inv)
	asked := s.asked(q)
	s.limited = toSet(limit.Apply(inv, asked))
	s.warnLimit(limit)
	groups, partitions := memberships(inv.Groups), memberships(inv.Partitions)
	nodes = []bos.InventoryNode{}
	for _, id := range asked {
		n := s.nodes[id]
		if !s.limited[id] || q.Enabled != nil && n.Enabled != *q.Enabled {
			continue
		}
		nodes = append(nodes, bos.InventoryNode{
			ID: id, Role: n.Role, SubRole: n.SubRole, Arch: n.Arch, Groups: groups[id], Partitions: partitions[id],
			Enabled: n.Enabled, Locked: n.Locked, Held: s.held(id), Power: n.Seen, SkipReason: s.leftOut(n),
		})
	}
	return nodes, s.warnings, nil
}

// asked are the nodes that a query asks for but for its limit, sorted; a tenant
// is told of its own only.
func (s *selector) asked(q NodeQuery) []string {
	ids := make([]string, 0, len(s.nodes))
	for id := range s.nodes {
		if s.req.Reach.Has(id) {
			ids = append(ids, id)
		}
	}
	only := func(members []string, known bool, what, name string) {
		if !known {
			s.warn("the inventory has no %s %q, so nothing is found", what, name)
		}
		set := toSet(members)
		ids = slices.DeleteFunc(ids, func(id string) bool { return !set[id] })
	}
	if q.Role != "" {
		members, known := s.roles[q.Role]
		only(members, known, "node of role", q.Role)
	}
	if q.Group != "" {
		members, known := s.inv.Groups[q.Group]
		only(members, known, "group", q.Group)
	}
	if q.Partition != "" {
		members, known := s.inv.Partitions[q.Partition]
		only(members, known, "partition", q.Partition)
	}
	slices.SortFunc(ids, bos.CompareXnames)
	return ids
}

// leftOut is why every session leaves a node out that is in its limit, whatever the
// session is for; empty if there is no reason.
func (s *selector) leftOut(n bos.Node) string {
	reason, skip := s.skip(n.ID, bos.BootSet{Arch: bos.Arch(n.Arch)})
	switch {
	case !skip:
		return ""
	case SkipReasons()[reason] == SkipHeld:
		return HeldReason(s.req.Held[n.ID])
	default:
		return SkipReasons()[reason]
	}
}

// memberships turn sets of nodes around: the names of the sets that each is in,
// sorted.
func memberships(sets map[string][]string) map[string][]string {
	of := make(map[string][]string)
	for name, ids := range sets {
		for _, id := range ids {
			of[id] = append(of[id], name)
		}
	}
	for id, names := range of {
		slices.Sort(names)
		of[id] = slices.Compact(names)
	}
	return of
}
