package bos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Asked is who asked for a session, and by what.
type Asked struct {
	// By is the actor of the history, and Reason what was given as one.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Workspace and Run are where Terraform, or what runs it, asked from.
	Workspace string `json:"workspace,omitempty"`
	Run       string `json:"run,omitempty"`
	// Receipt is the preview that the session carries out; one preview is
	// carried out once.
	Receipt string `json:"receipt,omitempty"`
	// RunKey stands for the configuration that asked. While a session is in
	// flight, the same configuration with the same pin is answered with it.
	RunKey string `json:"run_key,omitempty"`
	// Guards are the bounds that whoever asked has set.
	Guards Guards `json:"guards,omitzero"`
	// Overlap is what becomes of nodes that another session is at work on.
	Overlap Overlap `json:"overlap,omitempty"`
	// StagedBoot says that the boot service is given what the session stages, so that a
	// reboot from outside boots it.
	StagedBoot bool `json:"write_staged_boot_parameters,omitempty"`
	// Replaces are the sessions of the same tenant that this one stands in for: it may
	// take nodes from them, whatever Overlap says.
	Replaces []string `json:"replaces,omitempty"`
}

// Guards bound what a session may do, whatever its template and limit select.
type Guards struct {
	// MaxNodes is how many nodes it may act on; nil is no bound.
	MaxNodes *int `json:"max_nodes,omitempty"`
	// ProtectedRoles are the roles whose nodes it may not touch, in any case.
	ProtectedRoles []string `json:"protected_roles,omitempty"`
	// MaxReboots is how many nodes that run, or may run, it may take down to
	// reboot them or to shut them down; nil is no bound.
	MaxReboots *int `json:"max_reboots,omitempty"`
}

// The bounds of guards themselves.
const (
	MaxProtectedRoles = 64
	MaxRunKey         = 128
)

// Set reports whether there is any bound.
func (g Guards) Set() bool {
	return g.MaxNodes != nil || len(g.ProtectedRoles) > 0 || g.MaxReboots != nil
}

// Selected says what a selection goes against, by its nodes of each role; no
// text if it does not.
func (g Guards) Selected(count int, roles []PreviewRole) []string {
	var against []string
	if g.MaxNodes != nil && count > *g.MaxNodes {
		against = append(against, fmt.Sprintf("it would act on %s, and max_nodes allows %d", someNodes(count), *g.MaxNodes))
	}
	for _, role := range roles {
		for _, protected := range g.ProtectedRoles {
			if role.Count > 0 && strings.EqualFold(role.Role, protected) {
				against = append(against, fmt.Sprintf("it would act on %d of role %s, which protected_roles names: %s", role.Count, role.Role, role.Nodes))
			}
		}
	}
	return against
}

// usualRoles are the roles that HSM has without being told of others: a site may protect
// one although it has no node of it.
var usualRoles = []string{"Application", "Compute", "Management", "Service", "Storage", "System"}

// Misnamed says which protected role is nobody's: a guard with a slip in it protects
// nothing. No text if there is none, or no node to compare with.
func (g Guards) Misnamed(inv Inventory) []string {
	if len(g.ProtectedRoles) == 0 || len(inv.Nodes) == 0 {
		return nil
	}
	known := make(map[string]bool)
	for _, n := range inv.Nodes {
		if n.Role != "" {
			known[n.Role] = true
		}
	}
	names := slices.Sorted(maps.Keys(known))
	var against []string
	for _, role := range g.ProtectedRoles {
		same := func(name string) bool { return strings.EqualFold(name, role) }
		if slices.ContainsFunc(names, same) || slices.ContainsFunc(usualRoles, same) {
			continue
		}
		have := "no node of it has a role; take it out, or have the inventory say the roles of its nodes"
		if len(names) > 0 {
			have = "its nodes have " + listed(names) + "; write one of these, or take it out"
		}
		against = append(against, fmt.Sprintf("protected_roles names %q, which is the role of no node of the inventory, so it would protect nothing: %s", role, have))
	}
	return against
}

// listed is some names for a sentence.
func listed(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// Against says what a preview goes against; no text if it does not.
func (g Guards) Against(p Preview) []string {
	against := g.Selected(p.Count, p.Roles)
	if down := p.TakenDown(); g.MaxReboots != nil && down > *g.MaxReboots {
		against = append(against, fmt.Sprintf("it would take down %s, and max_reboots allows %d", running(down), *g.MaxReboots))
	}
	return against
}

func someNodes(count int) string {
	if count == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", count)
}

func running(count int) string {
	if count == 1 {
		return "1 node that is on, or may be"
	}
	return fmt.Sprintf("%d nodes that are on, or may be", count)
}

// TakenDown is how many nodes that run, or may run, would be taken down.
func (p Preview) TakenDown() (count int) {
	for _, e := range p.Effects {
		switch e.Effect {
		case NodeReboots, NodeMayReboot, NodePowersOff:
			count += e.Count
		case NodeBoots, NodeAlreadyThere, NodeStaysOff, NodeStages, NodeFails, NodeSkipped, NodeConfigures:
		}
	}
	return count
}

// PreviewBusy is nodes of a preview on which another session is at work.
type PreviewBusy struct {
	// Session is empty, and OtherTenant set, where it is not of the tenant that asks.
	Session     string `json:"session"`
	OtherTenant bool   `json:"other_tenant,omitempty"`

	Tenant    *string   `json:"tenant"`
	Operation Operation `json:"operation"`
	// Accepted is when that session was accepted, By whom it was asked for and
	// Reason what was given as one, where that is known.
	Accepted Time   `json:"accepted"`
	By       string `json:"by,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Count    int    `json:"count"`
	Nodes    string `json:"nodes"`
	// Replaced says that it is one that the session stands in for, and loses its nodes.
	Replaced bool `json:"replaced,omitempty"`
	// Same says that the session in flight was asked for by the same
	// configuration with the same pin: creating it again is answered with it.
	Same bool `json:"same,omitempty"`
}

// Repeated is what a store says to a session that was asked for before: by the
// same preview, or by the same configuration with the same pin while it is in
// flight.
type Repeated struct {
	Name string
	// Record is nil where the record is gone.
	Record *SessionRecord
}

// Error says by which session.
func (r *Repeated) Error() string {
	if r.Record == nil {
		return fmt.Sprintf("this preview was carried out by session %s, whose record is gone", r.Name)
	}
	return fmt.Sprintf("session %s was asked for by the same", r.Name)
}
