package bos

// Exclusion is the nodes of a boot set that a session leaves out for one reason.
type Exclusion struct {
	BootSet string `json:"boot_set"`
	Reason  string `json:"reason"`
	Count   int    `json:"count"`
	// Nodes are folded, as there may be thousands.
	Nodes string `json:"nodes"`
}
