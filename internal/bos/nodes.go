package bos

// InventoryNode is a node as GET /x/v1/nodes shows it: what the inventory says of
// it, and what keeps sessions from touching it.
type InventoryNode struct {
	ID      string `json:"id"`
	Role    string `json:"role,omitempty"`
	SubRole string `json:"sub_role,omitempty"`
	// Arch is the inventory's word, empty where it says none, which counts as X86.
	Arch       string   `json:"arch,omitempty"`
	Groups     []string `json:"groups,omitempty"`
	Partitions []string `json:"partitions,omitempty"`
	Enabled    bool     `json:"enabled"`
	Locked     bool     `json:"locked"`
	// Held says that there is a hold on it, in this service.
	Held bool `json:"held"`
	// Power is as the inventory last saw it, empty where it does not say.
	Power PowerState `json:"power,omitempty"`
	// SkipReason is why every session leaves it out, as previews say it, empty if
	// there is no reason.
	SkipReason string `json:"skip_reason,omitempty"`
	// NID and MACs are answered to who asks for them, where they are known.
	NID  int      `json:"nid,omitempty"`
	MACs []string `json:"macs,omitempty"`
}

// InventoryNodes is one page of GET /x/v1/nodes, ordered by id.
type InventoryNodes struct {
	Nodes []InventoryNode `json:"nodes"`
	// Warnings tell of a filter that says something else than its author thinks,
	// such as a limit with a name that the inventory does not have.
	Warnings []string `json:"warnings"`
	// Next is the id to give as start_after_id, empty on the last page.
	Next string `json:"next,omitempty"`
}
