package machineroom

import "github.com/bootorch/terraform-provider-bos/internal/bos"

// Elsewhere is the token of a report whose node has yet to fetch its script from an
// endpoint that is not the room's own BSS.
const Elsewhere = "\x00elsewhere"

// elsewhere is what such a node runs.
var elsewhere = script{token: Elsewhere}

// FetchScripts makes nodes boot what an endpoint beside the room says, and not
// what was written to the room's own BSS.
func (r *Room) FetchScripts() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.elsewhere = true
}

// Fetched is a node having fetched a script for the boot of a report. It is
// false if that boot is over.
func (r *Room) Fetched(rep Report, a bos.BootArtifacts, token string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[rep.Node]
	if !ok || n.phase != phaseUp || n.boot != rep.boot || n.fetched != elsewhere {
		return false
	}
	n.fetched = script{a, token}
	return true
}
