package decide

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Request is a selection: what a session of this template would touch.
type Request struct {
	Template        bos.SessionTemplate
	Operation       bos.Operation
	Limit           string
	Stage           bool
	IncludeDisabled bool
	// TenantNodes are the nodes of the session's tenant; nil without one.
	TenantNodes []string
}

// Selection is the nodes a session touches, and those it leaves out.
type Selection struct {
	// BootSets are in name order; those without nodes are left out.
	BootSets []SelectedSet
	Skipped  []Skip
	Warnings []string
}

// SelectedSet is the nodes of one boot set, sorted.
type SelectedSet struct {
	Name  string
	Nodes []string
}

// Skip is the nodes left out for one reason, sorted.
type Skip struct {
	Reason string
	Nodes  []string
}

// The reasons for leaving a node out.
const (
	SkipLimit    = "not in the limit"
	SkipUnknown  = "unknown to the inventory"
	SkipLocked   = "locked in the inventory"
	SkipTenant   = "belongs to no node of the tenant"
	SkipArch     = "other architecture than its boot set"
	SkipDisabled = "disabled in the inventory"
)

// Nodes lists all selected nodes, sorted.
func (s Selection) Nodes() []string {
	var all []string
	for _, set := range s.BootSets {
		all = append(all, set.Nodes...)
	}
	slices.SortFunc(all, bos.CompareXnames)
	return all
}

// Select says which nodes a session touches. Session setup and the preview
// both go by it, so that what is planned is what is done. The error is a
// *bos.Invalid: a limit that cannot be read, a node of another tenant, a node
// in two boot sets.
func Select(req Request, inv bos.Inventory) (Selection, error) {
	limit, err := bos.ParseLimit(req.Limit)
	if err != nil {
		return Selection{}, err
	}
	s := selector{req: req, inv: inv, limit: limit, nodes: make(map[string]bos.Node, len(inv.Nodes)), skipped: make(map[string][]string)}
	for _, n := range inv.Nodes {
		s.nodes[n.ID] = n
	}
	if req.TenantNodes != nil {
		s.tenant = make(map[string]bool, len(req.TenantNodes))
		for _, id := range req.TenantNodes {
			s.tenant[id] = true
		}
	}
	var sel Selection
	owner := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(req.Template.BootSets)) {
		nodes, err := s.bootSet(name, req.Template.BootSets[name])
		if err != nil {
			return Selection{}, err
		}
		for _, id := range nodes {
			if other, taken := owner[id]; taken {
				return Selection{}, bos.Invalidf("boot_sets", "node %s is in boot set %q and in boot set %q; a node can boot one image only, take it out of one of them or narrow the limit", id, other, name)
			}
			owner[id] = name
		}
		if len(nodes) > 0 {
			sel.BootSets = append(sel.BootSets, SelectedSet{Name: name, Nodes: nodes})
		}
	}
	sel.Warnings = s.warnings
	for _, reason := range slices.Sorted(maps.Keys(s.skipped)) {
		ids := s.skipped[reason]
		slices.SortFunc(ids, bos.CompareXnames)
		sel.Skipped = append(sel.Skipped, Skip{Reason: reason, Nodes: slices.Compact(ids)})
	}
	return sel, nil
}

type selector struct {
	req      Request
	inv      bos.Inventory
	limit    bos.Limit
	nodes    map[string]bos.Node
	tenant   map[string]bool
	skipped  map[string][]string
	warnings []string
}

func (s *selector) bootSet(name string, set bos.BootSet) ([]string, error) {
	if s.tenant != nil {
		for _, id := range set.NodeList {
			if id = bos.CanonicalXname(id); !s.tenant[id] {
				return nil, bos.Invalidf("boot_sets."+name+".node_list", "node %s is not one of the tenant's; remove it from the template", id)
			}
		}
	}
	candidates := s.candidates(name, set)
	kept := s.limit.Apply(s.inv, candidates)
	if len(kept) < len(candidates) {
		s.skipOthers(candidates, kept)
	}
	return slices.DeleteFunc(kept, func(id string) bool {
		reason := s.reasonToSkip(id, set)
		if reason != "" {
			s.skipped[reason] = append(s.skipped[reason], id)
		}
		return reason != ""
	}), nil
}

// candidates is the union of the boot set's selectors, sorted.
func (s *selector) candidates(name string, set bos.BootSet) []string {
	var ids []string
	for _, id := range set.NodeList {
		ids = append(ids, bos.CanonicalXname(id))
	}
	for _, group := range set.NodeGroups {
		members, ok := s.inv.Groups[group]
		if !ok {
			s.warnings = append(s.warnings, fmt.Sprintf("boot set %q: the inventory has no group %q", name, group))
		}
		ids = append(ids, members...)
	}
	for _, role := range set.NodeRolesGroups {
		members := s.inv.WithRole(role)
		if len(members) == 0 {
			s.warnings = append(s.warnings, fmt.Sprintf("boot set %q: the inventory has no node of role %q", name, role))
		}
		ids = append(ids, members...)
	}
	slices.SortFunc(ids, bos.CompareXnames)
	return slices.Compact(ids)
}

func (s *selector) skipOthers(all, kept []string) {
	keep := make(map[string]bool, len(kept))
	for _, id := range kept {
		keep[id] = true
	}
	for _, id := range all {
		if !keep[id] {
			s.skipped[SkipLimit] = append(s.skipped[SkipLimit], id)
		}
	}
}

func (s *selector) reasonToSkip(id string, set bos.BootSet) string {
	node, known := s.nodes[id]
	switch {
	case !known:
		return SkipUnknown
	case node.Locked:
		return SkipLocked
	case s.tenant != nil && !s.tenant[id]:
		return SkipTenant
	case !sameArch(node.Arch, set.Arch):
		return SkipArch
	case !node.Enabled && !s.req.IncludeDisabled:
		return SkipDisabled
	default:
		return ""
	}
}

// sameArch compares without regard to case; a missing or unknown architecture
// of a node counts as X86, a missing one of a boot set is X86 by default.
func sameArch(node string, set bos.Arch) bool {
	wanted := strings.ToLower(string(set))
	if wanted == "" {
		wanted = "x86"
	}
	has := strings.ToLower(node)
	if has == wanted {
		return true
	}
	return (has == "" || has == "unknown") && wanted == "x86"
}
