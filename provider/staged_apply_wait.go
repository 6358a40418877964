package provider

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// wait polls the nodes until BOS is done with them, time is up or Terraform
// was interrupted.
func (r *stagedApplyResource) wait(ctx context.Context, c *client.Client, m *stagedApplyModel, limit time.Duration) waited {
	until, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var trouble, broken error
	done := newWaiter(r.after, durationOr(m.PollInterval, defaultPoll), nil).until(until, func(ctx context.Context) bool {
		if err := r.refresh(ctx, c, m); err == nil || ctx.Err() == nil {
			trouble = err
		}
		if broken = r.shared.embedded.trouble(); broken != nil {
			cancel()
		}
		return m.complete()
	})
	r.shared.components.forget()
	return endOf(ctx, done, broken, trouble, limit)
}

// tellStaged says how a wait for staged state ended, without what follows from
// it; empty if BOS is done.
func (w waited) tellStaged() string {
	switch w.end {
	case waitDone:
		return ""
	case waitInterrupted:
		return "Terraform was interrupted. BOS goes on with the nodes"
	case waitBroken:
		return fmt.Sprintf("The embedded BOS stopped, so nobody acts for the nodes now: %s", explain(w.trouble))
	case waitSilent:
		return fmt.Sprintf("After %s BOS still did not say how the nodes are getting on: %s", w.limit, explain(w.trouble))
	default:
		return fmt.Sprintf("BOS is still working on the nodes after %s. It goes on", w.limit)
	}
}

// await waits for this resource. All trouble is a warning.
func (r *stagedApplyResource) await(ctx context.Context, c *client.Client, m *stagedApplyModel, limit time.Duration, diags *diag.Diagnostics) {
	w := r.wait(ctx, c, m, limit)
	switch told := w.tellStaged(); {
	case w.end == waitLate:
		diags.AddWarning(stoppedStaged, told+"; the next apply resumes waiting and applies nothing again. Raise timeouts to wait longer.")
	case w.end == waitSilent, w.end == waitBroken:
		diags.AddWarning(stoppedStaged, told+"\n\nThe next apply resumes waiting and applies nothing again.")
	case w.end != waitDone:
		diags.AddWarning(stoppedStaged, told+"; the next apply resumes waiting for them and applies nothing again.")
	case len(m.unfinished) > 0:
		diags.AddWarning(m.unfinishedSummary(), m.unfinishedDetail())
	}
	if m.complete() && m.FailedCount.ValueInt64() > 0 {
		diags.AddWarning(fmt.Sprintf("%s failed after their staged state was applied", nodes(m.FailedCount.ValueInt64())),
			fmt.Sprintf("%s\n\nTo act on just these again, give a bos_session\n\n    limit = %q", m.FailedNodes.ValueString(), m.RetryLimit.ValueString()))
	}
}

const stoppedStaged = "Stopped waiting for staged state"

// refresh asks how the nodes are. Those that another session has taken over are no
// longer waited for.
func (r *stagedApplyResource) refresh(ctx context.Context, c *client.Client, m *stagedApplyModel) error {
	var outcomes []bos.NodeOutcome
	var open []string
	busy := 0
	refused := make(map[string]bool)
	if ids, err := bos.Expand(m.Refused.ValueString(), maxNames); err == nil {
		for _, id := range ids {
			refused[id] = true
		}
	}
	for session, ids := range m.owned(ctx) {
		records, err := c.Components(ctx, bos.ComponentFilter{Session: session})
		if err != nil {
			return err
		}
		mine := make(map[string]bool, len(ids))
		for _, id := range ids {
			mine[id] = true
		}
		for _, record := range records {
			if !mine[record.ID] {
				continue
			}
			if record.Enabled {
				busy++
			}
			outcome := bos.NodeOutcome{ID: record.ID, Status: cmp.Or(record.Status.Status, record.DeriveStatus()), Error: record.Error}
			if refused[record.ID] {
				outcome.Status = bos.StatusFailed
			}
			outcomes = append(outcomes, outcome)
		}
		open = append(open, unclear(ids, outcomes)...)
	}
	m.Status = types.StringValue(string(bos.SessionRunning))
	if busy == 0 {
		m.Status, m.unfinished = types.StringValue(string(bos.SessionComplete)), open
		m.FailedNodes, m.FailedCount, m.RetryLimit, m.ErrorSummary = reported(failuresOf(outcomes))
		m.Succeeded = m.judged()
	}
	return nil
}
