package decide

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// limitWords are the words that drawRequest makes limits of, with the xnames that
// each stands for where it is no role, partition or group: all forms of a term
// that the grammar of bos-contract section 4 has.
var limitWords = map[string][]string{
	"all": nil, "*": nil,
	"Compute": {"Compute"}, "Application_UAN": {"Application_UAN"}, "Management_UAN": {"Management_UAN"}, "NoSuchRole": {"NoSuchRole"},
	"p1": {"p1"}, "p2": {"p2"}, "blue": {"blue"}, "green": {"green"}, "nosuchgroup": {"nosuchgroup"},
	"x1000c0s1b0n1": {"x1000c0s1b0n1"}, "x9999c0s0b0n0": {"x9999c0s0b0n0"},
	"X1000c00s1b0n1":            {"x1000c0s1b0n1"}, // however it is written
	"x1000c0s[0-3]b0n0":         {"x1000c0s0b0n0", "x1000c0s1b0n0", "x1000c0s2b0n0", "x1000c0s3b0n0"},
	"x1000c[0-1]s[1,4-5]b0n[1]": {"x1000c0s1b0n1", "x1000c0s4b0n1", "x1000c0s5b0n1", "x1000c1s1b0n1", "x1000c1s4b0n1", "x1000c1s5b0n1"},
}

// hasRole is whether a word is the node's role, or its role and subrole.
func hasRole(n bos.Node, word string) bool {
	return n.Role == word || n.SubRole != "" && n.Role+"_"+n.SubRole == word
}

// meant is whether a word of a limit means a node: a role before a partition
// before a group before an xname.
func meant(word string, n bos.Node, inv bos.Inventory) bool {
	if word == "all" || word == "*" {
		return true
	}
	if slices.ContainsFunc(inv.Nodes, func(other bos.Node) bool { return hasRole(other, word) }) {
		return hasRole(n, word)
	}
	if members, ok := inv.Partitions[word]; ok {
		return slices.Contains(members, n.ID)
	}
	if members, ok := inv.Groups[word]; ok {
		return slices.Contains(members, n.ID)
	}
	return slices.Contains(limitWords[word], n.ID)
}

// limitKeeps reads a limit from left to right for one node.
func limitKeeps(limit string, n bos.Node, inv bos.Inventory) bool {
	if limit == "" {
		return true
	}
	in := false
	for _, term := range bos.SplitList(limit) {
		term = strings.TrimSpace(term)
		word := strings.TrimSpace(strings.TrimLeft(term, "&!"))
		switch term[0] {
		case '&':
			in = in && meant(word, n, inv)
		case '!':
			in = in && !meant(word, n, inv)
		default:
			in = in || meant(word, n, inv)
		}
	}
	return in
}

// touched is whether a session touches a node for a boot set, by the rules of the
// contract one by one.
func touched(req Request, set bos.BootSet, n bos.Node, inv bos.Inventory) bool {
	named := slices.ContainsFunc(set.NodeList, func(id string) bool { return strings.EqualFold(id, n.ID) })
	for _, group := range set.NodeGroups {
		named = named || slices.Contains(inv.Groups[group], n.ID)
	}
	for _, role := range set.NodeRolesGroups {
		named = named || hasRole(n, role)
	}
	arch := map[string]string{"": "X86", "UNKNOWN": "X86"}
	if set.Arch == "Unknown" {
		arch = map[string]string{"": "Unknown", "UNKNOWN": "Unknown"}
	}
	has, wanted := n.Arch, string(set.Arch)
	if other, ok := arch[has]; ok {
		has = other
	}
	if wanted == "" {
		wanted = "X86"
	}
	return named && limitKeeps(req.Limit, n, inv) && !n.Locked && !n.Empty && !n.Odd && !n.Reserved && !n.BMCHeld && req.Held[n.ID] == "" && (n.Enabled || req.IncludeDisabled) &&
		req.Reach.Has(n.ID) && has == wanted
}

// foreign is whether a template names a node that is not its tenant's.
func foreign(req Request) bool {
	for _, set := range req.Template.BootSets {
		for _, id := range set.NodeList {
			if !req.Reach.Has(strings.ToLower(id)) {
				return true
			}
		}
	}
	return false
}

// baseless is whether a term that leaves out or keeps nodes names what nobody knows.
func baseless(req Request, inv bos.Inventory) bool {
	for _, term := range bos.SplitList(req.Limit) {
		term = strings.TrimSpace(term)
		word := strings.TrimSpace(strings.TrimLeft(term, "&!"))
		if term == "" || term[0] != '&' && term[0] != '!' || word == "all" || word == "*" {
			continue
		}
		_, partition := inv.Partitions[word]
		_, group := inv.Groups[word]
		if partition || group || slices.ContainsFunc(inv.Nodes, func(n bos.Node) bool { return hasRole(n, word) }) {
			continue
		}
		for _, name := range limitWords[word] {
			if !slices.ContainsFunc(inv.Nodes, func(n bos.Node) bool { return n.ID == name }) {
				return true
			}
		}
	}
	return false
}

// TestASelectionIsWhatTheRulesSayOfEachNode holds Select, which works on sets, for
// a thousand sites against the rules read node by node.
func TestASelectionIsWhatTheRulesSayOfEachNode(t *testing.T) {
	accepted, selected := 0, 0
	aThousandTimes(t, func(t *rapid.T) {
		inv := drawSite(t)
		req := drawRequest(t, inv)
		var want []string
		twice := false
		for _, n := range inv.Nodes {
			sets := 0
			for _, set := range req.Template.BootSets {
				if touched(req, set, n, inv) {
					sets++
				}
			}
			twice = twice || sets > 1
			if sets > 0 {
				want = append(want, n.ID)
			}
		}
		sel, err := Select(req, inv)
		if refused := twice || foreign(req) || baseless(req, inv); refused != (err != nil) {
			t.Fatalf("the error is %v; a node in two boot sets: %t, one of another tenant: %t, an unknown one in the limit: %t", err, twice, foreign(req), baseless(req, inv))
		}
		if err != nil {
			return
		}
		slices.SortFunc(want, bos.CompareXnames)
		if got := sel.Nodes(); !slices.Equal(got, want) {
			t.Fatalf("limit %q selects %s, want %s", req.Limit, bos.Fold(got), bos.Fold(want))
		}
		accepted++
		selected += len(want)
	})
	if accepted < 300 || selected < 300 {
		t.Errorf("of a thousand draws %d were accepted and selected %d nodes: too few to show anything", accepted, selected)
	}
}
