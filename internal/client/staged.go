package client

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// StagedBounds are what staged state is applied within.
type StagedBounds struct {
	// Session, where it is given, is the one whose staged state is applied; nodes
	// for which another session has staged something are ignored.
	Session string
	Guards  *bos.Guards
}

// ApplyStaged starts what sessions have staged on the nodes, in as many requests
// as the limit of the API needs. Each request is sent once. With an error, the
// outcome holds what the requests before it brought. The error is *Unguarded, and
// nothing was sent, where bounds are given that nobody would hold it to.
func (c *Client) ApplyStaged(ctx context.Context, xnames []string, bounds StagedBounds) (bos.StagedOutcome, error) {
	var all bos.StagedOutcome
	path, ignored, xnames, err := c.boundStaged(ctx, xnames, &bounds)
	if err != nil {
		return all, err
	}
	all.Ignored = ignored
	for part := range slices.Chunk(xnames, bos.MaxStagedXnames) {
		body := struct {
			Xnames  []string    `json:"xnames"`
			Session string      `json:"session,omitempty"`
			Guards  *bos.Guards `json:"guards,omitempty"`
		}{part, bounds.Session, bounds.Guards}
		var outcome bos.StagedOutcome
		if err := c.send(ctx, http.MethodPost, path, body, &outcome); err != nil {
			return all, err
		}
		all.Succeeded = append(all.Succeeded, outcome.Succeeded...)
		all.Failed = append(all.Failed, outcome.Failed...)
		all.Ignored = append(all.Ignored, outcome.Ignored...)
	}
	return all, nil
}

// boundStaged is where to send the request and for which nodes. A server that knows
// no bounds is asked which session has staged what, and what it cannot be asked is
// refused.
func (c *Client) boundStaged(ctx context.Context, xnames []string, bounds *StagedBounds) (path string, ignored, wanted []string, err error) {
	const plain = "/v2/applystaged"
	guarded := bounds.Guards != nil && bounds.Guards.Set()
	if bounds.Session == "" && !guarded {
		return plain, nil, xnames, nil
	}
	if guarded && bounds.Guards.MaxNodes != nil && len(xnames) > *bounds.Guards.MaxNodes {
		return "", nil, nil, &Unguarded{What: "the staged state", Why: fmt.Sprintf("it is to be applied for %d nodes, and max_nodes allows %d", len(xnames), *bounds.Guards.MaxNodes)}
	}
	if guarded && bounds.Guards.MaxReboots != nil && len(xnames) > bos.MaxStagedXnames {
		return "", nil, nil, &Unguarded{What: "the staged state", Why: fmt.Sprintf("max_reboots holds for one request, which takes %d nodes at most; name fewer", bos.MaxStagedXnames)}
	}
	caps, err := c.Capabilities(ctx)
	switch {
	case err != nil:
		return "", nil, nil, err
	case Has(caps, bos.ExtensionBoundStaged):
		return "/x/v1/applystaged", nil, xnames, nil
	case guarded && (len(bounds.Guards.ProtectedRoles) > 0 || bounds.Guards.MaxReboots != nil):
		return "", nil, nil, &Unguarded{What: "the staged state", Why: "protected_roles or max_reboots is set, and this BOS enforces no guards; take them out of the provider block for this BOS"}
	}
	if bounds.Session != "" {
		records, err := c.Components(ctx, bos.ComponentFilter{IDs: xnames})
		if err != nil {
			return "", nil, nil, err
		}
		for i := range records {
			if records[i].StagedState.Session == bounds.Session {
				wanted = append(wanted, records[i].ID)
			}
		}
		ignored = slices.DeleteFunc(slices.Clone(xnames), func(id string) bool { return slices.Contains(wanted, id) })
		xnames = wanted
	}
	*bounds = StagedBounds{}
	return plain, ignored, xnames, nil
}
