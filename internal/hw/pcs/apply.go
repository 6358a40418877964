package pcs

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// Apply asks PCS for a transition of the nodes, in as many as their number
// needs. A node is done when PCS took it over; what becomes of its task is told
// by the readings of Look. A node that may not be acted on any more
// (bos.MayAct) is left out.
func (c *Client) Apply(ctx context.Context, op bos.PowerOp, ids []string, each func(bos.CallResult)) {
	ids, kept := c.unreserved(ctx, op, bos.Distinct(ids))
	for _, r := range kept {
		each(r)
	}
	c.errands.begin(ids)
	results := make(chan []bos.CallResult, (len(ids)+maxTransition-1)/maxTransition)
	go func() {
		defer close(results)
		var all errgroup.Group
		all.SetLimit(concurrency)
		for chunk := range slices.Chunk(ids, maxTransition) {
			all.Go(func() error {
				results <- c.transit(ctx, op, chunk)
				return nil
			})
		}
		_ = all.Wait() // every failure is among the results
	}()
	for list := range results {
		for _, r := range list {
			each(r)
		}
	}
}

// unreserved leaves out the nodes that an earlier transition of ours still has: PCS
// keeps all of its nodes reserved until the last one is done, and would fail theirs.
func (c *Client) unreserved(ctx context.Context, op bos.PowerOp, ids []string) (free []string, kept []bos.CallResult) {
	open := c.errands.open(ids)
	if len(open) == 0 {
		return ids, nil
	}
	c.watch(ctx, c.errands.unasked(open))
	still := c.errands.open(ids)
	for _, id := range ids {
		e, ok := still[id]
		if !ok {
			free = append(free, id)
			continue
		}
		kept = append(kept, bos.CallResult{
			ID: id, Outcome: bos.CallBusy, Cause: bos.CauseTransition, RetryAfter: ownRetry,
			Detail: fmt.Sprintf("PCS still works on this service's earlier %s (transition %s), and keeps its nodes until the last of them is done; %s follows then", e.op, e.of.id, op),
		})
	}
	return free, kept
}

type location struct {
	Xname string `json:"xname"`
}

type transitionRequest struct {
	Operation           bos.PowerOp `json:"operation"`
	TaskDeadlineMinutes int         `json:"taskDeadlineMinutes"`
	Location            []location  `json:"location"`
}

// transit starts one transition.
func (c *Client) transit(ctx context.Context, op bos.PowerOp, ids []string) []bos.CallResult {
	if ctx.Err() != nil {
		return same(ids, bos.CallResult{Outcome: bos.CallNotAttempted, Detail: "the power action was cancelled before it was sent"})
	}
	ids, denied := bos.Permitted(ctx, ids)
	if len(denied) > 0 {
		results := same(denied, bos.CallResult{Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted})
		if len(ids) > 0 {
			results = append(results, c.transit(ctx, op, ids)...)
		}
		return results
	}
	body := transitionRequest{Operation: op, TaskDeadlineMinutes: int(c.deadline / time.Minute), Location: make([]location, len(ids))}
	for i, id := range ids {
		body.Location[i].Xname = id
	}
	q := transport.Request{Method: http.MethodPost, URL: c.url + "/transitions", Body: body}
	var answer struct {
		TransitionID string `json:"transitionID"`
	}
	err := c.http.JSON(bos.ActingOn(ctx, ids...), q, &answer)
	failed := failure(err)
	switch {
	case err == nil, failed != nil && failed.Status >= 200 && failed.Status <= 299 && transport.ClassOf(err) != transport.ClassGateway:
		// Whatever became of the body: the status says accepted.
		c.errands.accepted(op, ids, answer.TransitionID, c.deadline)
		return same(ids, bos.CallResult{Outcome: bos.CallDone})
	case failed != nil && tooLarge(failed) && len(ids) > 1:
		half := len(ids) / 2
		return append(c.transit(ctx, op, ids[:half]), c.transit(ctx, op, ids[half:])...)
	default:
		return same(ids, judge(err))
	}
}

func same(ids []string, r bos.CallResult) []bos.CallResult {
	all := make([]bos.CallResult, len(ids))
	for i, id := range ids {
		all[i] = r
		all[i].ID = id
	}
	return all
}

// tooLarge reports whether the number of nodes is what PCS refuses.
func tooLarge(failed *transport.Error) bool {
	return failed.Status == http.StatusRequestEntityTooLarge || strings.Contains(strings.ToLower(failed.Message), "too large")
}

// judge says what is known about a transition that PCS did not start.
func judge(err error) bos.CallResult {
	r := bos.CallResult{Outcome: bos.CallUnknown, Cause: bos.CauseResetUnconfirmed, Detail: err.Error()}
	failed := failure(err)
	if failed == nil {
		return r
	}
	r.RetryAfter = failed.RetryAfter
	switch transport.ClassOf(err) {
	case transport.ClassAway, transport.ClassCaller, transport.ClassGateway, transport.ClassUnsupported, transport.ClassAbsent:
		r.Outcome, r.Cause = bos.CallNotAttempted, bos.CauseUpstreamOutage
		if failed.Cancelled {
			r.Cause = bos.CauseNone
		}
	case transport.ClassBusy:
		// PCS starts nothing before it has stored the transition.
		r.Outcome, r.Cause = bos.CallBusy, bos.CauseUpstreamOutage
	case transport.ClassRefused:
		r.Outcome, r.Cause = bos.CallRefused, bos.CauseResetRefused
	case transport.ClassNone, transport.ClassMaybe:
		// What stands before PCS may have passed it on.
	}
	return r
}
