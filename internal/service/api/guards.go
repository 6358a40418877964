package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// guardsBody is bos.Guards as it arrives.
type guardsBody struct {
	MaxNodes       *int     `json:"max_nodes"`
	ProtectedRoles []string `json:"protected_roles"`
	MaxReboots     *int     `json:"max_reboots"`
}

func (g *guardsBody) guards() bos.Guards {
	if g == nil {
		return bos.Guards{}
	}
	return bos.Guards{MaxNodes: g.MaxNodes, ProtectedRoles: g.ProtectedRoles, MaxReboots: g.MaxReboots}
}

func (g *guardsBody) check() error {
	if g == nil {
		return nil
	}
	for name, bound := range map[string]*int{"max_nodes": g.MaxNodes, "max_reboots": g.MaxReboots} {
		if bound != nil && *bound < 0 {
			return bos.Invalidf("guards."+name, "%d is less than none; give 0 or more, or leave it out", *bound)
		}
	}
	if len(g.ProtectedRoles) > bos.MaxProtectedRoles {
		return bos.Invalidf("guards.protected_roles", "has %d roles, at most %d are allowed", len(g.ProtectedRoles), bos.MaxProtectedRoles)
	}
	for _, role := range g.ProtectedRoles {
		if role == "" || len(role) > bos.MaxComponentID {
			return bos.Invalidf("guards.protected_roles", "%q cannot be a role; use 1 to %d characters", clip(role), bos.MaxComponentID)
		}
	}
	return nil
}

// checkAsked refuses what cannot be a number of a preview or a key of a run, and
// guards that bound nothing.
func checkAsked(receipt, runKey string, guards *guardsBody) error {
	for name, text := range map[string]string{"receipt": receipt, "run_key": runKey} {
		if len(text) > bos.MaxRunKey {
			return bos.Invalidf(name, "has %d characters, at most %d are allowed", len(text), bos.MaxRunKey)
		}
	}
	return guards.check()
}

// against says what a session goes against, or what of the guards protects nothing.
func against(g bos.Guards, p bos.Preview, inventory bos.Inventory) []string {
	return append(g.Misnamed(inventory), g.Against(p)...)
}

// guarded refuses a session that goes beyond a bound of whoever asks for it.
func guarded(g bos.Guards, p bos.Preview, inventory bos.Inventory) error {
	if against := against(g, p, inventory); len(against) > 0 {
		return problemf(http.StatusConflict, titleGuarded, "the session was refused: %s; nothing was touched", strings.Join(against, "; "))
	}
	return nil
}

// inventoryOfGuards is what guards are compared with.
func (s *server) inventoryOfGuards(ctx context.Context) (bos.Inventory, error) {
	if s.Inventory == nil {
		return bos.Inventory{}, badRequest("this service has no inventory, so it cannot tell which roles nodes have and which are on; configure inventory.hsm or inventory.file, or leave guards out")
	}
	ctx, cancel := context.WithTimeout(ctx, upstreamTimeout)
	defer cancel()
	inventory, err := s.Inventory.Inventory(ctx)
	if err != nil {
		return inventory, unavailable("cannot read the inventory now: %v", err)
	}
	return inventory, nil
}

// refuseMisnamed refuses guards that protect the nodes of a role that nobody has.
func (s *server) refuseMisnamed(ctx context.Context, g bos.Guards) error {
	if len(g.ProtectedRoles) == 0 {
		return nil
	}
	inventory, err := s.inventoryOfGuards(ctx)
	if err != nil {
		return err
	}
	if misnamed := g.Misnamed(inventory); len(misnamed) > 0 {
		return problemf(http.StatusConflict, titleGuarded, "staged state would be refused: %s; nothing was touched", strings.Join(misnamed, "; "))
	}
	return nil
}

// guardStaged refuses to apply what goes beyond a bound of whoever asks for it.
func (s *server) guardStaged(ctx context.Context, g bos.Guards, staged map[string]stagedBy) error {
	if !g.Set() || len(staged) == 0 {
		return nil
	}
	inventory, err := s.inventoryOfGuards(ctx)
	if err != nil {
		return err
	}
	waiting := make([]decide.StagedNode, 0, len(staged))
	for _, from := range staged {
		node := decide.StagedNode{Record: from.record}
		if from.session != nil {
			node.Operation = from.session.Operation
		}
		waiting = append(waiting, node)
	}
	if against := against(g, decide.StagedPreview(waiting, inventory), inventory); len(against) > 0 {
		return problemf(http.StatusConflict, titleGuarded, "the staged state was not applied: %s; nothing was touched", strings.Join(against, "; "))
	}
	return nil
}
