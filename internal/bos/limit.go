package bos

import (
	"slices"
	"strings"
)

// Limit is a parsed limit: terms read from left to right on a growing set
// (bos-contract section 4).
type Limit struct{ terms []limitTerm }

type limitTerm struct {
	op    byte // 0 union, '&' intersection, '!' difference
	word  string
	names []string // the word expanded as xnames
}

// ParseLimit reads a limit. An empty one limits nothing; an empty term is an
// error that says which. Terms may be folded.
func ParseLimit(s string) (Limit, error) {
	var l Limit
	if s == "" {
		return l, nil
	}
	for i, word := range SplitList(s) {
		word = strings.TrimSpace(word)
		t := limitTerm{}
		if word != "" && (word[0] == '&' || word[0] == '!') {
			t.op, word = word[0], word[1:]
		}
		if word == "" {
			return Limit{}, Invalidf("limit", "term %d of %q is empty; remove the extra comma or operator", i+1, shorten(s))
		}
		names, err := Expand(word, MaxExpand)
		if err != nil {
			return Limit{}, Invalidf("limit", "term %d: %s", i+1, err)
		}
		t.word, t.names = word, names
		l.terms = append(l.terms, t)
	}
	return l, nil
}

func shorten(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

// Everything reports whether the limit keeps every node.
func (l Limit) Everything() bool { return len(l.terms) == 0 }

// Apply returns which of the nodes the limit keeps, sorted. A word is all or *,
// else a role (or Role_SubRole), a partition or a group of the inventory, in
// this order, else an xname.
func (l Limit) Apply(inv Inventory, nodes []string) []string {
	sorted := slices.Clone(nodes)
	slices.SortFunc(sorted, CompareXnames)
	sorted = slices.Compact(sorted)
	if l.Everything() {
		return sorted
	}
	set := make(map[string]bool)
	for _, t := range l.terms {
		t.apply(inv, set)
	}
	return slices.DeleteFunc(sorted, func(id string) bool { return !set[id] })
}

func (t limitTerm) apply(inv Inventory, set map[string]bool) {
	members := t.members(inv)
	switch t.op {
	case '!':
		for _, id := range members {
			delete(set, id)
		}
	case '&':
		keep := make(map[string]bool, len(members))
		for _, id := range members {
			keep[id] = true
		}
		for id := range set {
			if !keep[id] {
				delete(set, id)
			}
		}
	default:
		for _, id := range members {
			set[id] = true
		}
	}
}

func (t limitTerm) members(inv Inventory) []string {
	if t.word == "all" || t.word == "*" {
		ids := make([]string, len(inv.Nodes))
		for i, n := range inv.Nodes {
			ids[i] = n.ID
		}
		return ids
	}
	if ids := inv.WithRole(t.word); len(ids) > 0 {
		return ids
	}
	if ids, ok := inv.Partitions[t.word]; ok {
		return ids
	}
	if ids, ok := inv.Groups[t.word]; ok {
		return ids
	}
	return t.names
}

// WithRole lists the nodes of a role, or of a Role_SubRole; none for an
// unknown one.
func (inv Inventory) WithRole(word string) []string {
	role, sub, hasSub := strings.Cut(word, "_")
	var ids []string
	for _, n := range inv.Nodes {
		if n.Role == role && (!hasSub || n.SubRole == sub) {
			ids = append(ids, n.ID)
		}
	}
	return ids
}
