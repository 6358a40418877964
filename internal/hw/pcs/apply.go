package pcs

import (
	"context"
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
// by the readings of Probe. A node that may not be acted on any more
// (bos.MayAct) is left out, and one that an earlier transition of ours still has
// is waited for, up to transitionPatience: PCS is asked about it when the last of its
// nodes was seen where it leads.
func (c *Client) Apply(ctx context.Context, op bos.PowerOp, ids []string, each func(bos.CallResult)) {
	results := make(chan []bos.CallResult)
	go func() {
		defer close(results)
		var all errgroup.Group
		all.SetLimit(concurrency)
		patience := c.errands.now().Add(transitionPatience)
		for reserved := bos.Distinct(ids); ; {
			news := c.errands.nextNews() // of before the question
			var free []string
			free, reserved = c.unreserved(ctx, reserved)
			c.errands.begin(free)
			for chunk := range slices.Chunk(free, maxTransition) {
				all.Go(func() error {
					results <- c.transit(ctx, op, chunk)
					return nil
				})
			}
			if len(reserved) == 0 {
				break
			}
			wait := c.errands.retry(reserved)
			if c.errands.now().Add(wait).After(patience) || !c.pause(ctx, wait, news) || !mayAny(ctx, reserved) {
				results <- c.errands.reservedBy(op, reserved)
				break
			}
		}
		_ = all.Wait() // every failure is among the results
	}()
	for list := range results {
		for _, r := range list {
			each(r)
		}
	}
}

// mayAny reports whether one of the nodes may still be acted on.
func mayAny(ctx context.Context, ids []string) bool {
	permitted, _ := bos.Permitted(ctx, ids)
	return len(permitted) > 0
}

// pause lets time pass, or ends it sooner with news; it reports whether ctx lasted as
// long.
func pause(ctx context.Context, d time.Duration, news <-chan struct{}) bool {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
		return true
	case <-news:
		return true
	case <-ctx.Done():
		return false
	}
}

// unreserved divides nodes into those that no earlier transition of ours has and the
// others: PCS keeps all nodes of one reserved until the last is done, and would fail
// them.
func (c *Client) unreserved(ctx context.Context, ids []string) (free, reserved []string) {
	open := c.errands.open(ids)
	if len(open) == 0 {
		return ids, nil
	}
	c.watch(ctx, c.errands.unasked(open))
	still := c.errands.open(ids)
	for _, id := range ids {
		if _, ok := still[id]; ok {
			reserved = append(reserved, id)
		} else {
			free = append(free, id)
		}
	}
	return free, reserved
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
	case err == nil, failed != nil && transport.Accepted(failed.Status) && transport.ClassOf(err) != transport.ClassGateway:
		// Whatever became of the body: the status says accepted.
		c.errands.accepted(op, ids, answer.TransitionID, c.deadline)
		return same(ids, bos.CallResult{Outcome: bos.CallDone})
	case failed != nil && tooLarge(failed) && len(ids) > 1:
		half := len(ids) / 2
		return append(c.transit(ctx, op, ids[:half]), c.transit(ctx, op, ids[half:])...)
	default:
		r := judge(err)
		if r.Outcome == bos.CallUnknown {
			c.errands.perhaps(ids, c.deadline)
		}
		return same(ids, r)
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
