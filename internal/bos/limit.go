package bos

import (
	"errors"
	"slices"
	"strings"
)

// Limit is a parsed limit: terms read from left to right on a set of nodes that
// is empty at first (bos-contract section 4). The zero Limit keeps every node.
type Limit struct{ terms []limitTerm }

type limitTerm struct {
	op   limitOp
	word string
	// names is what the word stands for if the inventory has no role,
	// partition or group of that name.
	names []string
}

type limitOp byte

const (
	limitUnion        limitOp = 0
	limitIntersection limitOp = '&'
	limitDifference   limitOp = '!'
)

// ParseLimit reads a limit: a comma list of terms, of which a plain one adds
// nodes, one with & in front keeps only its nodes, and one with ! in front takes
// its nodes out. An empty limit limits nothing. Names may be folded; together
// they stand for at most MaxExpand names. The error is an *Invalid that says
// which term is wrong.
func ParseLimit(s string) (Limit, error) {
	var l Limit
	if s == "" {
		return l, nil
	}
	if len(s) > MaxLimit {
		return Limit{}, Invalidf("limit", "has %d characters, at most %d are allowed; use a group or role, or fold the names", len(s), MaxLimit)
	}
	left := MaxExpand
	for i, text := range SplitList(s) {
		t, err := parseTerm(strings.TrimSpace(text), left)
		if err != nil {
			return Limit{}, Invalidf("limit", "term %d: %s", i+1, err)
		}
		left -= len(t.names)
		l.terms = append(l.terms, t)
	}
	return l, nil
}

func parseTerm(text string, most int) (limitTerm, error) {
	var t limitTerm
	t.word = text
	if strings.HasPrefix(text, "&") || strings.HasPrefix(text, "!") {
		t.op, t.word = limitOp(text[0]), strings.TrimSpace(text[1:])
	}
	switch {
	case t.word == "" && t.op == limitUnion:
		return t, errors.New("it is empty; remove the extra comma")
	case t.word == "":
		return t, Invalidf("", "nothing follows %q; name a node, role, partition or group, or remove the term", text)
	case t.word[0] == '&' || t.word[0] == '!':
		return t, Invalidf("", "%q has more than one operator; use one & or one !", clip(text))
	}
	var err error
	t.names, err = Expand(t.word, most)
	for i, name := range t.names {
		t.names[i] = CanonicalXname(name)
	}
	return t, err
}

// Same reports whether two limits differ in how they are written only: in the form of
// names, in folding, or in the order of what is added, or taken out, in a row.
func (l Limit) Same(other Limit) bool { return l.Plain() == other.Plain() }

// Plain is the limit in a form that those have which are the same, and no others. It is
// for comparisons: a semicolon parts what is added, kept and taken out.
func (l Limit) Plain() string {
	var b strings.Builder
	for _, run := range l.runs() {
		b.WriteByte(';')
		if run.op != limitUnion {
			b.WriteByte(byte(run.op))
		}
		b.WriteString(strings.Join(run.names, ","))
	}
	return b.String()
}

// runs are the terms of a limit, those in a row that add or take out as one: their order
// means nothing. What is kept is one term each, as two of them keep what both name.
func (l Limit) runs() (runs []limitTerm) {
	for _, t := range l.terms {
		if last := len(runs) - 1; last >= 0 && runs[last].op == t.op && t.op != limitIntersection {
			runs[last].names = append(runs[last].names, t.names...)
			continue
		}
		runs = append(runs, limitTerm{op: t.op, names: slices.Clone(t.names)})
	}
	for i := range runs {
		slices.Sort(runs[i].names)
		runs[i].names = slices.Compact(runs[i].names)
	}
	return runs
}

// Everything reports whether the limit keeps every node.
func (l Limit) Everything() bool { return len(l.terms) == 0 }

// Apply returns which of the nodes the limit keeps, sorted and without
// duplicates. A word of the limit is all or *, else a role (or Role_SubRole), a
// partition or a group of the inventory, in this order, else an xname, in
// whatever form it is written.
func (l Limit) Apply(inv Inventory, nodes []string) []string {
	sorted := slices.Clone(nodes)
	slices.SortFunc(sorted, CompareXnames)
	sorted = slices.Compact(sorted)
	if l.Everything() {
		return sorted
	}
	kept := l.keep(inv, sorted)
	return slices.DeleteFunc(sorted, func(id string) bool { return !kept[id] })
}

// keep reads the terms from the right: the last term that says anything about
// a node decides, so each node is decided once and a term that occurs again
// further left has nothing to add. That keeps the work near the size of limit
// plus nodes for every limit somebody may send.
func (l Limit) keep(inv Inventory, nodes []string) map[string]bool {
	kept := make(map[string]bool)
	open := make(map[string]bool, len(nodes))
	for _, id := range nodes {
		open[id] = true
	}
	type said struct {
		op   limitOp
		word string
	}
	done := make(map[said]bool)
	words := inv.words()
	for _, t := range slices.Backward(l.terms) {
		if len(open) == 0 {
			break
		}
		if done[said{t.op, t.word}] {
			continue
		}
		done[said{t.op, t.word}] = true
		members, everything := words.members(t)
		switch {
		case everything && t.op == limitIntersection:
		case everything:
			if t.op == limitUnion {
				for id := range open {
					kept[id] = true
				}
			}
			clear(open)
		case t.op == limitIntersection:
			open = intersect(open, members)
		default:
			for _, id := range members {
				if open[id] {
					delete(open, id)
					kept[id] = t.op == limitUnion
				}
			}
		}
	}
	return kept
}

func intersect(set map[string]bool, members []string) map[string]bool {
	both := make(map[string]bool)
	for _, id := range members {
		if set[id] {
			both[id] = true
		}
	}
	return both
}

// Unknown lists the words of the limit that name nothing the inventory has, in
// the order of the limit, folded names one by one. They match no node, which
// after a ! means that nodes stay in which were meant to be left out.
func (l Limit) Unknown(inv Inventory) []string {
	if l.Everything() {
		return nil
	}
	words := inv.words()
	nodes := make(map[string]bool, len(inv.Nodes))
	for _, n := range inv.Nodes {
		nodes[n.ID] = true
	}
	var unknown []string
	for _, t := range l.terms {
		if words.has(t.word) {
			continue
		}
		for _, name := range t.names {
			if !nodes[name] {
				unknown = append(unknown, name)
			}
		}
	}
	return unknown
}

// Baseless are the unknown names of the terms that leave nodes out or keep only
// some, which is where a slip lets nodes through: one that is written to leave a
// node out leaves out nobody.
func (l Limit) Baseless(inv Inventory) []string {
	return Limit{slices.DeleteFunc(slices.Clone(l.terms), func(t limitTerm) bool { return t.op == limitUnion })}.Unknown(inv)
}

// unnamable is the first unknown name of a term that adds nodes which nothing can
// be called, empty if there is none: a ! with another sign (-, ^, a full-width
// one) or a separator that is no comma would add nobody, and leave out nobody.
func (l Limit) unnamable(inv Inventory) string {
	added := Limit{slices.DeleteFunc(slices.Clone(l.terms), func(t limitTerm) bool { return t.op != limitUnion })}
	for _, name := range added.Unknown(inv) {
		if !plainName(name) {
			return name
		}
	}
	return ""
}

// plainName reports whether a name has the form that xnames, and the names of
// groups, partitions and roles have.
func plainName(name string) bool {
	for i, c := range name {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("._:-", c)) {
			return false
		}
	}
	return true
}

// Needs is the error of a limit that excludes or requires what nobody knows, or
// adds what nothing can be called: a name is known to the inventory, or is a
// component of BOS, as known says.
func (l Limit) Needs(inv Inventory, known func(id string) bool) error {
	for _, name := range l.Baseless(inv) {
		if known == nil || !known(name) {
			return Invalidf("limit", "%q follows ! or & and is no role, partition or group of the inventory, nor a node that the inventory or BOS knows, so it would leave out or keep nobody; correct the name, or remove the term", clip(name))
		}
	}
	if name := l.unnamable(inv); name != "" {
		return Invalidf("limit", "%q is no node, role, partition or group; terms are separated by commas, ! in front leaves nodes out, and & keeps only these", clip(name))
	}
	return nil
}

// StartsEmpty reports whether the first term takes away from the set that is
// still empty, as in "!x3000c0s1b0n0", which selects nobody.
func (l Limit) StartsEmpty() bool { return len(l.terms) > 0 && l.terms[0].op != limitUnion }

// words is the inventory's names for sets of nodes.
type words struct {
	roles map[string][]string
	inv   Inventory
}

func (inv Inventory) words() words { return words{inv.Roles(), inv} }

func (w words) members(t limitTerm) (ids []string, everything bool) {
	if t.word == "all" || t.word == "*" {
		return nil, true
	}
	if ids, ok := w.roles[t.word]; ok {
		return ids, false
	}
	if ids, ok := w.inv.Partitions[t.word]; ok {
		return ids, false
	}
	if ids, ok := w.inv.Groups[t.word]; ok {
		return ids, false
	}
	return t.names, false
}

func (w words) has(word string) bool {
	_, role := w.roles[word]
	_, partition := w.inv.Partitions[word]
	_, group := w.inv.Groups[word]
	return role || partition || group || word == "all" || word == "*"
}

// Roles maps each role, and each Role_SubRole, to the nodes that have it, in
// the order of the inventory.
func (inv Inventory) Roles() map[string][]string {
	roles := make(map[string][]string)
	for _, n := range inv.Nodes {
		if n.Role == "" {
			continue
		}
		roles[n.Role] = append(roles[n.Role], n.ID)
		if n.SubRole != "" {
			both := n.Role + "_" + n.SubRole
			roles[both] = append(roles[both], n.ID)
		}
	}
	return roles
}
