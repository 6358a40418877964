package bos

import "strings"

// NodePlaceholder stands for the id of a component in a NodePattern.
const NodePlaceholder = "{node}"

// NodePattern is a name that workloads of nodes have, such as
// spiffe://shasta/compute/{node}/workload/bos-reporter, where {node} is one segment
// between slashes: the component that the name is of.
type NodePattern string

// Placeholders counts how often a node is named.
func (p NodePattern) Placeholders() int { return strings.Count(string(p), NodePlaceholder) }

// Node is the component of a name, canonical, and whether the name is one of the pattern.
func (p NodePattern) Node(name string) (id string, fits bool) {
	before, after, has := strings.Cut(string(p), NodePlaceholder)
	if !has {
		return "", false
	}
	rest, begins := strings.CutPrefix(name, before)
	id, ends := strings.CutSuffix(rest, after)
	if !begins || !ends || strings.Contains(id, "/") || !ValidComponentID(id) {
		return "", false
	}
	return CanonicalXname(id), true
}
