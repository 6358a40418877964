package client

import (
	"context"
	"fmt"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Unguarded is a session with guards on a server that enforces none, where the
// session goes beyond one or nobody can say whether it does.
type Unguarded struct {
	// What was to be sent.
	What string
	// Why is what is known of it.
	Why string
}

// Error says what to do.
func (e *Unguarded) Error() string {
	return fmt.Sprintf("%s was not sent: %s", e.What, e.Why)
}

// guardHere holds a session to its guards where the server does not.
func (c *Client) guardHere(ctx context.Context, s bos.PinnedSession) error {
	t, err := c.Template(ctx, s.TemplateName)
	if err != nil {
		return err
	}
	if why := GuardPlain(*s.Guards, t, s.SessionCreate); why != "" {
		return &Unguarded{What: "session " + s.Name, Why: why}
	}
	return nil
}

// GuardPlain is why a session must not be sent to a server that enforces no guards;
// empty if it goes beyond none for certain. Of such a server it is known which nodes
// a session acts on at most, if they are named one by one, and nothing of roles
// and power.
func GuardPlain(g bos.Guards, t bos.SessionTemplate, s bos.SessionCreate) string {
	const plain = "and this BOS enforces no guards"
	switch most, known := mostNodes(t, s.Limit); {
	case len(g.ProtectedRoles) > 0:
		return "protected_roles is set, " + plain + " and does not say which nodes have these roles; take it out of the provider block for this BOS"
	case g.MaxReboots != nil && !s.Stage:
		return "max_reboots is set, " + plain + " and does not say which nodes are on; take it out of the provider block for this BOS"
	case g.MaxNodes == nil:
		return ""
	case !known:
		return fmt.Sprintf("max_nodes is %d, %s and does not say how many nodes template %q selects; name the nodes one by one in limit or in node_list, or take max_nodes out of the provider block for this BOS", *g.MaxNodes, plain, s.TemplateName)
	case most > *g.MaxNodes:
		return fmt.Sprintf("it may act on %d nodes, and max_nodes allows %d", most, *g.MaxNodes)
	default:
		return ""
	}
}

// mostNodes is how many nodes a session acts on at most; not known where nodes are
// named by group or role and no limit names them one by one.
func mostNodes(t bos.SessionTemplate, limit *string) (most int, known bool) {
	if limit != nil {
		if named, ok := namedOneByOne(*limit); ok {
			return named, true
		}
	}
	nodes := make(map[string]bool)
	for _, set := range t.BootSets {
		if len(set.NodeGroups) > 0 || len(set.NodeRolesGroups) > 0 {
			return 0, false
		}
		for _, id := range set.NodeList {
			nodes[bos.CanonicalXname(id)] = true
		}
	}
	return len(nodes), true
}

// namedOneByOne is how many nodes a limit names, if it names nodes only.
func namedOneByOne(limit string) (int, bool) {
	terms, err := limitTerms(limit)
	if err != nil {
		return 0, false
	}
	nodes := make(map[string]bool)
	for _, term := range terms {
		if term == "" || strings.ContainsAny(term, "&!*") || !bos.IsNodeXname(term) {
			return 0, false
		}
		nodes[term] = true
	}
	return len(nodes), len(nodes) > 0
}
