package hsm

import (
	"context"
	"fmt"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// component is a node as State/Components has it.
type component struct {
	ID, Type, State, Role, SubRole, Arch string
	Enabled                              *bool
	Locked                               bool
}

func (n component) node() bos.Node {
	return bos.Node{
		ID: bos.CanonicalXname(n.ID), Role: n.Role, SubRole: n.SubRole, Arch: n.Arch,
		// HSM leaves the field out only where nobody ever set it.
		Enabled: n.Enabled == nil || *n.Enabled,
		Locked:  n.Locked,
		Empty:   n.State == "Empty",
		Seen:    seen(n.State),
	}
}

// nodes reads all nodes. One whose entry cannot be read is known by what of it can, and
// one with several that differ is odd.
func (c *Client) nodes(ctx context.Context) ([]bos.Node, error) {
	q := c.question("/State/Components?type=Node")
	list, odd, err := entries[component](ctx, c, q, "Components")
	if err != nil {
		return nil, err
	}
	nodes := make([]bos.Node, 0, len(list))
	var strange []string
	nameless := 0
	for _, n := range list {
		switch {
		case n.ID == "":
			nameless++
		case n.Type == "Node":
			nodes = append(nodes, n.node())
		}
	}
	if nameless == len(list) && nameless > 0 {
		return nil, c.missing(q, "the ID of a component")
	}
	if nameless > 0 {
		strange = append(strange, fmt.Sprintf("%d without an ID", nameless))
	}
	for _, o := range odd {
		strange = append(strange, o.says())
		if o.isNode() {
			nodes = append(nodes, bos.Node{
				ID: bos.CanonicalXname(o.id), Role: text(o.raw, "Role"), SubRole: text(o.raw, "SubRole"), Arch: text(o.raw, "Arch"), Enabled: true, Odd: true,
			})
		}
	}
	nodes, twice := merged(nodes)
	for _, id := range twice {
		strange = append(strange, id+" has several entries that differ")
	}
	c.tellOdd("State/Components", strange)
	return nodes, c.listed.check(q, len(nodes), "node")
}

// merged are nodes in their order, each once, and those of whom entries differ in what
// they are selected by. Of what keeps a node from being touched any counts.
func merged(nodes []bos.Node) (once []bos.Node, differ []string) {
	slices.SortStableFunc(nodes, func(a, b bos.Node) int { return bos.CompareXnames(a.ID, b.ID) })
	once = nodes[:0]
	for _, n := range nodes {
		last := len(once) - 1
		if last < 0 || once[last].ID != n.ID {
			once = append(once, n)
			continue
		}
		one := &once[last]
		if one.Role != n.Role || one.SubRole != n.SubRole || one.Arch != n.Arch || one.Enabled != n.Enabled {
			one.Odd = true
			differ = append(differ, n.ID)
		}
		one.Odd, one.Locked, one.Empty = one.Odd || n.Odd, one.Locked || n.Locked, one.Empty && n.Empty
		if one.Seen != n.Seen {
			one.Seen = bos.PowerStateUnknown
		}
	}
	return once, differ
}

// set is a group (which has a label) or a partition (which has a name).
type set struct {
	Label, Name string
	Members     struct {
		IDs []string `json:"ids"`
	}
}

// sets reads groups or partitions. Of one that is there more than once it is not known
// which is right: odd are those whom not all of them have.
func (c *Client) sets(ctx context.Context, path string) (sets map[string][]string, odd map[string]bool, err error) {
	q := c.question(path)
	list, unread, err := bareEntries[set](ctx, c, q)
	if err != nil {
		return nil, nil, err
	}
	sets, odd = make(map[string][]string, len(list)), make(map[string]bool)
	var strange []string
	nameless := 0
	for _, s := range list {
		name := s.Label + s.Name
		if name == "" {
			nameless++
			continue
		}
		ids := make([]string, len(s.Members.IDs))
		for i, id := range s.Members.IDs {
			ids[i] = bos.CanonicalXname(id)
		}
		if before, twice := sets[name]; twice {
			strange = append(strange, name+" is there more than once")
			ids = either(before, ids, odd)
		}
		sets[name] = ids
	}
	if nameless == len(list) && nameless > 0 {
		return nil, nil, c.missing(q, "a name")
	}
	if nameless > 0 {
		strange = append(strange, fmt.Sprintf("%d without a name", nameless))
	}
	for _, o := range unread {
		strange = append(strange, o.says())
	}
	c.tellOdd(path, strange)
	return sets, odd, nil
}

// either are the members of two sets, and notes whom one of them lacks.
func either(a, b []string, odd map[string]bool) (all []string) {
	all = slices.Clone(a)
	for _, id := range a {
		if !slices.Contains(b, id) {
			odd[id] = true
		}
	}
	for _, id := range b {
		if !slices.Contains(a, id) {
			odd[id] = true
			all = append(all, id)
		}
	}
	return all
}
