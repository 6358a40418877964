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
	// Receipt is the number under which it is applied once, of a server that gives
	// such numbers; see StagedReceipt.
	Receipt string
}

// StagedReceipt asks for a number under which staged state is applied once.
func (c *Client) StagedReceipt(ctx context.Context, q bos.StagedReceiptRequest) (receipt bos.StagedReceipt, err error) {
	err = c.send(ctx, http.MethodPost, "/x/v1/applystaged/receipts", q, &receipt)
	return receipt, err
}

// ApplyStaged starts what sessions have staged on the nodes, in as many requests
// as the limit of the API needs. Each request is sent once, but with a receipt it is
// sent again where it got no answer. With an error, the outcome holds what the requests
// before it brought. The error is *Unguarded, and
// nothing was sent, where bounds are given that nobody would hold it to.
func (c *Client) ApplyStaged(ctx context.Context, xnames []string, bounds StagedBounds) (bos.StagedAnswer, error) {
	all := bos.StagedAnswer{Sessions: make(map[string]string)}
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
			Receipt string      `json:"receipt,omitempty"`
		}{part, bounds.Session, bounds.Guards, bounds.Receipt}
		var outcome bos.StagedAnswer
		err := c.send(ctx, http.MethodPost, path, body, &outcome)
		for attempt := 0; bounds.Receipt != "" && err != nil && Undecided(err) && attempt < c.retries; attempt++ {
			pause(ctx, min(firstRetry<<min(attempt, 10), laterRetry))
			err = c.send(ctx, http.MethodPost, path, body, &outcome)
		}
		if err != nil {
			return all, err
		}
		all.Succeeded = append(all.Succeeded, outcome.Succeeded...)
		all.Failed = append(all.Failed, outcome.Failed...)
		all.Ignored = append(all.Ignored, outcome.Ignored...)
		all.Repeated = append(all.Repeated, outcome.Repeated...)
		all.UnderWay = append(all.UnderWay, outcome.UnderWay...)
		all.Unapplied = append(all.Unapplied, outcome.Unapplied...)
		for session, nodes := range outcome.Sessions {
			if before := all.Sessions[session]; before != "" {
				nodes = before + "," + nodes
			}
			all.Sessions[session] = nodes
		}
	}
	return all, nil
}

// boundStaged is where to send the request and for which nodes. A server that knows
// no bounds is asked which session has staged what, and what it cannot be asked is
// refused.
func (c *Client) boundStaged(ctx context.Context, xnames []string, bounds *StagedBounds) (path string, ignored, wanted []string, err error) {
	const plain = "/v2/applystaged"
	guarded := bounds.Guards != nil && bounds.Guards.Set()
	if bounds.Session == "" && !guarded && bounds.Receipt == "" {
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
