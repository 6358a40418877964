package redfish

import (
	"context"
	"fmt"
	"maps"
	"slices"
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
	// ours says that the nodes are reserved for this service, so that nobody can
	// begin to work on them for reservedAge after at; release gives them back.
	ours    bool
	release func()
}

// reservedAge is for how long a reservation keeps others out for sure: HSM's longest
// is 15 minutes.
const reservedAge = 5 * time.Minute

// holdsOf asks for the locks of nodes.
func (c *Client) holdsOf(ctx context.Context, ids []string) holds {
	h := holds{ask: c.config.Holds, at: time.Now()}
	h.release = func() {}
	if h.ask != nil {
		h.held, h.err = h.ask(ctx, ids)
	}
	if c.config.Reserve == nil || h.err != nil {
		return h
	}
	free := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { _, held := h.held[id]; return held })
	if len(free) == 0 {
		return h
	}
	kept, release, err := c.config.Reserve(ctx, free)
	if h.err = err; err != nil {
		return h
	}
	h.ours, h.release = true, release
	if h.held == nil {
		h.held = make(map[string]bos.Hold, len(kept))
	}
	maps.Copy(h.held, kept)
	return h
}

// keeps says whether nothing may be sent to a node, and why. Where nobody can say
// whether it is locked, it may be.
func (h holds) keeps(ctx context.Context, id string) (bos.CallResult, bool) {
	if h.ask == nil && !h.ours && h.err == nil {
		return bos.CallResult{}, false
	}
	age := time.Since(h.at)
	if age > holdsAge && !h.ours && h.ask != nil {
		h.held, h.err = h.ask(ctx, []string{id})
	}
	r := bos.CallResult{ID: id, Outcome: bos.CallNotAttempted}
	switch hold, held := h.held[id]; {
	case h.ours && age > reservedAge:
		r.Detail = "its turn came so late that its reservation may have run out; it is tried again"
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
