package provider

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// privateWaiting is there while a wait that was begun is not over: time was up,
// or Terraform was interrupted. The next apply goes on with it.
const privateWaiting = "wait_is_not_over"

// waitBegun notes whether a wait is not over. A key is removed by setting nothing.
func waitBegun(ctx context.Context, private interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}, waiting bool,
) diag.Diagnostics {
	if !waiting {
		return private.SetKey(ctx, privateWaiting, nil)
	}
	return private.SetKey(ctx, privateWaiting, jsonBool(true))
}

// waits reports whether a change makes BOS act on the node, and is to be waited
// for. Nobody can say when the hold of a node is lifted.
func (m *componentModel) waits(d componentDecision) bool {
	acts := d.patch.Enabled != nil && *d.patch.Enabled || d.hold.lift.is == known && m.Enabled.ValueBool()
	return m.WaitForCompletion.ValueBool() && m.Hold.IsNull() && acts
}

// wait polls the node until BOS is done with it, time is up or Terraform was
// interrupted, and returns its record as it is then. All trouble is a warning:
// the change itself was made.
func (r *componentResource) wait(ctx context.Context, c *client.Client, record bos.Component, limit time.Duration, diags *diag.Diagnostics) (now bos.Component, done bool) {
	until, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer r.shared.components.forget()
	var trouble, broken error
	done = newWaiter(r.after, defaultPoll, nil).until(until, func(ctx context.Context) bool {
		now, err := c.Component(ctx, record.ID)
		if err == nil {
			record = now
		}
		if ctx.Err() == nil {
			trouble = err
		}
		if broken = r.shared.embedded.trouble(); broken != nil {
			cancel()
		}
		return err == nil && !now.Enabled
	})
	status := cmp.Or(record.Status.Status, record.DeriveStatus())
	switch {
	case done && status == bos.StatusFailed:
		diags.AddWarning(fmt.Sprintf("%s failed", record.ID), fmt.Sprintf("BOS gave up on %s: %s", record.ID, record.Error))
	case done && status != bos.StatusStable:
		diags.AddWarning(fmt.Sprintf("BOS stopped acting on %s before it was done", record.ID),
			fmt.Sprintf("%s is disabled and %s: somebody disabled it, or ended the session that took it over. It may be off, or half booted.", record.ID, status))
	case done:
	case broken != nil:
		diags.AddWarning("Stopped waiting for BOS component", fmt.Sprintf("The embedded BOS stopped, so nobody acts for %s now: %s\n\nThe next apply "+
			"resumes waiting.", record.ID, explain(broken)))
	case ctx.Err() != nil:
		diags.AddWarning("Stopped waiting for BOS component", fmt.Sprintf("Terraform was interrupted; %s is %s. BOS goes on with it, and the next apply "+
			"resumes waiting.", record.ID, record.Status.Status))
	case trouble != nil:
		diags.AddWarning("Stopped waiting for BOS component", fmt.Sprintf("After %s BOS still did not say how %s is getting on: %s\n\nThe next apply "+
			"resumes waiting.", limit, record.ID, explain(trouble)))
	default:
		diags.AddWarning("Stopped waiting for BOS component", fmt.Sprintf("%s is still %s after %s. BOS goes on with it, and the next apply resumes waiting. "+
			"Raise timeouts to wait longer.", record.ID, record.Status.Status, limit))
	}
	return record, done
}
