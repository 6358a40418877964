package bos

import "strings"

// Node is one node as the inventory knows it. Fields have HSM's meanings.
type Node struct {
	ID      string
	Role    string
	SubRole string
	// Arch is HSM's word; missing or UNKNOWN counts as X86.
	Arch    string
	Enabled bool
	Locked  bool
	// Empty says that there is no node in its place: it was taken out, and the
	// inventory remembers it.
	Empty bool
	// Odd says that the inventory has something of it that cannot be read, or
	// contradicts itself about it: what it is nobody knows for sure.
	Odd bool
	// Reserved says that a service works on it, BMCHeld that its BMC is locked
	// or reserved.
	Reserved, BMCHeld bool
	// Seen is the power as the inventory last saw it, unknown where it does
	// not say. It is a hint for people; nothing is done because of it.
	Seen PowerState
}

// Hold is that somebody keeps a node from being touched; the zero value is that
// nobody does. Detail says who or what, for people.
type Hold struct {
	Cause  Cause
	Detail string
}

// Inventory is the inventory at one moment: what selection works on.
type Inventory struct {
	Nodes []Node
	// Groups and Partitions map a name to the xnames of its members.
	Groups     map[string][]string
	Partitions map[string][]string
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
