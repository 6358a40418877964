package redfish

import (
	"context"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// holdsAge is how old may be what is known of locks when a reset is sent: one that
// waited for its turn longer is asked about again.
const holdsAge = 5 * time.Second

// holds are the locks of the nodes of one Apply, read in one question.
type holds struct {
	ask  func(ctx context.Context, ids []string) (map[string]bos.Hold, error)
	held map[string]bos.Hold
	err  error
	at   time.Time
}

// holdsOf asks for the locks of nodes.
func (c *Client) holdsOf(ctx context.Context, ids []string) holds {
	h := holds{ask: c.config.Holds, at: time.Now()}
	if h.ask != nil {
		h.held, h.err = h.ask(ctx, ids)
	}
	return h
}

// keeps says whether nothing may be sent to a node, and why. Where nobody can say
// whether it is locked, it may be.
func (h holds) keeps(ctx context.Context, id string) (bos.CallResult, bool) {
	if h.ask == nil {
		return bos.CallResult{}, false
	}
	if time.Since(h.at) > holdsAge {
		h.held, h.err = h.ask(ctx, []string{id})
	}
	r := bos.CallResult{ID: id, Outcome: bos.CallNotAttempted}
	switch hold, held := h.held[id]; {
	case ctx.Err() != nil:
		r.Detail = cancelledAction
	case h.err != nil:
		r.Cause, r.Detail = bos.CauseUpstreamOutage, fmt.Sprintf("nothing is sent to it while nobody can say whether it is locked: %v", h.err)
	case held:
		r.Cause, r.Detail = hold.Cause, hold.Detail
	default:
		return bos.CallResult{}, false
	}
	return r, true
}
