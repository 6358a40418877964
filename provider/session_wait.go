package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// waited is how a wait ended. What that means for the user is for who waited to
// say: a resource goes on with the next apply, an action does not.
type waited struct {
	end waitEnd
	// trouble is why BOS did not say how it is getting on.
	trouble error
	// limit is how long was waited at most.
	limit time.Duration
	// rollout is how far the rollout is that was waited for; nil where there is none.
	rollout *bos.RolloutStatus
	// page is where people see how far it is; empty where there is none.
	page string
}

type waitEnd int

const (
	waitDone        waitEnd = iota // there is nothing left to wait for
	waitGone                       // BOS has deleted the record
	waitInterrupted                // Terraform was interrupted
	waitSilent                     // time is up, and BOS did not answer
	waitLate                       // time is up
	waitBroken                     // the embedded service has stopped
	waitHeld                       // the rollout goes no further before somebody decides
)

// believed is how many times in a row BOS must say that it has no such session
// before a wait for it ends: a service that just started may not have read its
// records yet.
const believed = 2

// wait polls the session until there is nothing left to wait for, time is up
// or Terraform was interrupted.
func (r *sessionResource) wait(ctx context.Context, c *client.Client, m *sessionModel, limit time.Duration) waited {
	until, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var trouble, broken error
	var rollout *bos.RolloutStatus
	missing := 0
	told := progress{now: r.now, tell: r.tell, brief: r.shared.embedded != nil}
	news := follow(until, c, m.Name.ValueString(), r.after)
	done := newWaiter(r.after, durationOr(m.PollInterval, defaultPoll), news).until(until, func(ctx context.Context) bool {
		s, err := c.Session(ctx, m.Name.ValueString())
		switch {
		case err == nil && m.succeededBy(s):
			m.RecordExpired = types.BoolValue(true)
		case err == nil:
			trouble, missing = nil, 0
			m.observe(s)
		case client.IsNotFound(err):
			trouble = err
			missing++
			m.RecordExpired = types.BoolValue(missing >= believed)
		case ctx.Err() == nil:
			trouble = err
		}
		if broken = r.shared.embedded.trouble(); broken != nil {
			cancel()
		}
		if found := m.observeRollout(ctx, c); found != nil {
			rollout = found
		}
		if m.settled() || rollout != nil && rollout.AwaitsDecision() {
			return true
		}
		told.report(ctx, c, m.Name.ValueString(), rollout)
		return false
	})
	// Others that read components now want to see what became of them.
	r.shared.components.forget()
	if done && m.RecordExpired.ValueBool() {
		return waited{end: waitGone}
	}
	w := endOf(ctx, done, broken, trouble, limit)
	w.rollout, w.page = rollout, told.page
	if done && !m.settled() {
		w.end = waitHeld
	}
	return w
}

// endOf is how a wait ended: done, by something that no waiting mends (broken), by an
// interruption, or by its limit, with the last trouble where there was any.
func endOf(ctx context.Context, done bool, broken, trouble error, limit time.Duration) waited {
	switch {
	case done:
		return waited{end: waitDone}
	case broken != nil:
		return waited{end: waitBroken, trouble: broken}
	case ctx.Err() != nil:
		return waited{end: waitInterrupted}
	case trouble != nil:
		return waited{end: waitSilent, trouble: trouble, limit: limit}
	default:
		return waited{end: waitLate, limit: limit}
	}
}

// tell says how a wait ended: the headline, and the facts without what follows
// from them. Both are empty if there is nothing to say.
func (w waited) tell(m *sessionModel, meanwhile string) (summary, detail string) {
	name := m.Name.ValueString()
	summary = "Stopped waiting for BOS session " + name
	switch w.end {
	case waitDone:
		return "", ""
	case waitHeld:
		return m.heldSummary(*w.rollout), m.heldDetail(*w.rollout, nil)
	case waitGone:
		return fmt.Sprintf("Record of BOS session %s is gone", name),
			fmt.Sprintf("BOS deleted its record of session %s while Terraform waited for it, so what became of its nodes is not known here. Look at the components, "+
				"for example with the bos_components data source.", name)
	case waitInterrupted:
		return summary, fmt.Sprintf("Terraform was interrupted. Session %s%s %s", name, w.seen(), meanwhile)
	case waitBroken:
		return summary, fmt.Sprintf("The embedded BOS stopped, so nobody acts for session %s now: %s", name, explain(w.trouble))
	case waitSilent:
		return summary, fmt.Sprintf("After %s BOS still did not say how session %s is getting on: %s", w.limit, name, explain(w.trouble))
	default:
		return summary, fmt.Sprintf("Session %s is still %s after %s%s. It %s", name, m.Status.ValueString(), w.limit, w.seen(), meanwhile)
	}
}

// seen says where to see how far it is.
func (w waited) seen() string {
	if w.page == "" {
		return ""
	}
	return " (" + w.page + " shows how far it is)"
}

// await waits for a session of this resource and takes over what became of it.
// All trouble is a warning, but failed nodes if mayFail and the user asked for
// it.
func (r *sessionResource) await(ctx context.Context, c *client.Client, m *sessionModel, limit time.Duration, mayFail bool, diags *diag.Diagnostics) {
	w := r.wait(ctx, c, m, limit)
	summary, detail := w.tell(m, r.meanwhile())
	switch w.end {
	case waitDone:
	case waitHeld:
		r.tellHeld(ctx, c, m, *w.rollout, mayFail, diags)
	case waitGone:
		diags.AddWarning(summary, detail)
	case waitSilent, waitBroken:
		diags.AddWarning(summary, detail+"\n\nThe next apply resumes waiting for it and starts no new one.")
	case waitLate:
		diags.AddWarning(summary, detail+"; the next apply resumes waiting for it and starts no new one. Raise timeouts to wait longer. "+m.rolloutSaid())
	default:
		diags.AddWarning(summary, detail+"; the next apply resumes waiting for it and starts no new one.")
	}
	v, err := r.conclude(ctx, c, m)
	switch {
	case err != nil:
		outcomeUnknown(diags, m, err)
	case !m.over(), m.Succeeded.ValueBool() && len(v.failures) == 0:
	case !m.tooManyFailed():
		diags.AddWarning(m.failureSummary(), "This is within max_failed. "+m.failureDetail(v.failures, m.wayOut()))
	case mayFail && m.OnFailure.ValueString() == onFailureError:
		diags.AddError(m.failureSummary(), m.failureDetail(v.failures, m.wayOut()))
	default:
		diags.AddWarning(m.failureSummary(), m.failureDetail(v.failures, m.wayOut()))
	}
}

// meanwhile is what a session does while nobody waits for it.
func (r *sessionResource) meanwhile() string {
	if r.shared.embedded != nil {
		return "is suspended, since the embedded BOS acts during an apply only"
	}
	return "runs on"
}

// suspend says that nobody acts for a session that is not over: the embedded
// service does so only during an apply.
func (r *sessionResource) suspend(m *sessionModel) {
	if r.shared.embedded != nil && !m.settled() && m.Status.ValueString() != statusUnconfirmed {
		m.Status = types.StringValue(statusSuspended)
	}
}

// conclude takes over what became of the nodes of a complete session.
func (r *sessionResource) conclude(ctx context.Context, c *client.Client, m *sessionModel) (v verdict, err error) {
	if !m.complete() || m.RecordExpired.ValueBool() {
		return v, nil
	}
	if v, err = verdictOn(ctx, c, m); err == nil {
		m.take(v)
	}
	return v, err
}

func outcomeUnknown(diags *diag.Diagnostics, m *sessionModel, err error) {
	diags.AddWarning("Outcome of BOS session is not known",
		fmt.Sprintf("Session %s is complete, but what became of its nodes could not be read: %s\n\nThe next plan reads it.", m.Name.ValueString(), explain(err)))
}

// tellHeld says of a rollout that waits for somebody why it does, and how it is told to
// go on.
func (r *sessionResource) tellHeld(ctx context.Context, c *client.Client, m *sessionModel, s bos.RolloutStatus, mayFail bool, diags *diag.Diagnostics) {
	var failures []failure
	if s.Failed > 0 {
		if outcomes, err := c.Outcomes(ctx, s.Session); err == nil {
			failures = failuresOf(outcomes)
		}
	}
	if mayFail && s.Phase == bos.RolloutHalted && m.OnFailure.ValueString() == onFailureError {
		diags.AddError(m.heldSummary(s), m.heldDetail(s, failures))
		return
	}
	diags.AddWarning(m.heldSummary(s), m.heldDetail(s, failures))
}
