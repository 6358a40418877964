package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

var (
	_ action.ActionWithConfigure  = (*sessionRetryAction)(nil)
	_ action.ActionWithModifyPlan = (*sessionRetryAction)(nil)
)

type sessionRetryAction struct{ actionBase }

func newSessionRetryAction() action.Action { return &sessionRetryAction{} }

type sessionRetryModel struct {
	Session           types.String   `tfsdk:"session"`
	Tenant            types.String   `tfsdk:"tenant"`
	MaxFailed         types.String   `tfsdk:"max_failed"`
	Reason            types.String   `tfsdk:"reason"`
	Overlap           types.String   `tfsdk:"overlap"`
	WaitForCompletion types.Bool     `tfsdk:"wait_for_completion"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
}

func (*sessionRetryAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session_retry"
}

func (*sessionRetryAction) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	attributes := actionWait(ctx)
	for name, attribute := range map[string]schema.Attribute{
		"session": schema.StringAttribute{
			Required: true, Validators: []validator.String{validName()},
			MarkdownDescription: "The session whose failed nodes are tried again, such as `bos_session.x.name`. It must be over.",
		},
		"tenant": actionTenant(),
		"max_failed": schema.StringAttribute{
			Optional: true, Validators: maxFailedSyntax(),
			MarkdownDescription: "How many nodes may fail again: a count, or a percentage of those that are tried. More fail the action. Defaults to none.",
		},
		"reason": schema.StringAttribute{
			Optional: true, Validators: textBetween(1, bos.MaxReason), MarkdownDescription: "Why, for the history of BOS. Defaults to the session that is retried.",
		},
		"overlap": actionOverlap(),
	} {
		attributes[name] = attribute
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Tries the nodes of a session again that failed in it, and no other: a new session of the same template and operation. Nodes that another session has had " +
			"since are left alone, and where nothing failed nothing is done. The plan names the nodes, and a plan for a session that is not over is refused: what fails after it would " +
			"be tried again, and nobody had seen it. Where the session is created by the same apply the plan can only say that they are among those of that session.\n\n" +
			"An action has no state that the apply could be held to: a node that somebody enables again by hand after its session is over is still of that session, and when it fails between " +
			"plan and apply it is tried again as well. To try just those that the plan named, use `bos_session` with them as its `limit`.",
		Attributes: attributes,
	}
}

// resource is the session resource that does the work.
func (a *sessionRetryAction) resource() *sessionResource {
	return &sessionResource{shared: a.shared, after: a.after, now: time.Now, kind: kindSessionRun}
}

// retried is the session that tries the failed nodes of another one again; none if there
// are none, or that one is not over.
func (m sessionRetryModel) retried(ctx context.Context, s *shared, diags *diag.Diagnostics) (retry *sessionModel, of bos.Session) {
	c, name := s.reach(m.Tenant, diags), m.Session.ValueString()
	if c == nil {
		return nil, of
	}
	of, err := c.Session(ctx, name)
	if client.IsNotFound(err) {
		noSuchSession(path.Root("session"), name, diags)
		return nil, of
	}
	var failed []string
	if err == nil && of.Status.Status == bos.SessionComplete {
		failed, err = failedStill(ctx, c, name)
	}
	if err != nil {
		unable(diags, "read which nodes failed in BOS session "+name, err)
	}
	if len(failed) == 0 {
		return nil, of
	}
	retry = &sessionModel{
		Tenant: m.Tenant,
		sessionOrder: sessionOrder{
			Operation: types.StringValue(string(of.Operation)), TemplateName: types.StringValue(of.TemplateName), Limit: types.StringValue(bos.Fold(failed)),
			Stage: types.BoolValue(false), IncludeDisabled: types.BoolValue(of.IncludeDisabled),
		},
		MaxFailed: m.MaxFailed, OnFailure: types.StringValue(onFailureError), WaitForCompletion: m.WaitForCompletion, Overlap: m.Overlap, Rollout: noRollout(),
	}
	if retry.Tenant.IsNull() {
		retry.Tenant = s.defaultTenant()
	}
	return retry, of
}

// failedStill are the nodes that failed in a session and that no other has had since.
func failedStill(ctx context.Context, c *client.Client, session string) (failed []string, err error) {
	outcomes, err := c.Outcomes(ctx, session)
	if err != nil {
		return nil, err
	}
	for _, o := range outcomes {
		if o.Status == bos.StatusFailed {
			failed = append(failed, o.ID)
		}
	}
	if len(failed) == 0 {
		return nil, nil
	}
	records, err := c.Components(ctx, bos.ComponentFilter{IDs: failed})
	failed = nil
	for i := range records {
		if records[i].Session == session {
			failed = append(failed, records[i].ID)
		}
	}
	return failed, err
}

// nothingToRetry says why nothing is tried again.
func nothingToRetry(of bos.Session) (summary, detail string) {
	if of.Status.Status != bos.SessionComplete {
		return fmt.Sprintf("Session %s is not over", of.Name), fmt.Sprintf("It is %s: which of its nodes fail is not known yet.", of.Status.Status)
	}
	return fmt.Sprintf("Nothing of session %s to try again", of.Name), "No node failed in it that no other session has had since. No node is touched."
}

// ModifyPlan warns which nodes are tried again.
func (a *sessionRetryAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var m sessionRetryModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	resp.Diagnostics.Append(checked(ctx, req.Config)...)
	if resp.Diagnostics.HasError() || a.shared == nil || a.shared.client == nil {
		return
	}
	if m.Session.IsUnknown() {
		resp.Diagnostics.AddAttributeWarning(path.Root("session"), "What fails in a session of this plan is tried again", "Which nodes these are turns out in the apply. They are among those that "+
			"the plan names for that session.")
		return
	}
	retry, of := m.retried(ctx, a.shared, &resp.Diagnostics)
	switch {
	case resp.Diagnostics.HasError():
	case retry == nil && of.Status.Status != bos.SessionComplete:
		// An action has no state that its apply could be held to: what fails after the plan
		// would be tried again, and nobody had seen it.
		summary, detail := nothingToRetry(of)
		resp.Diagnostics.AddAttributeError(path.Root("session"), summary, detail+" A plan now could not say which nodes are tried again, and those that fail after it "+
			"would be. Plan again once the session is over; where the session is created by the same plan, have it retried by an action trigger of that resource.")
	case retry == nil:
		summary, detail := nothingToRetry(of)
		resp.Diagnostics.AddWarning(summary, detail)
	default:
		a.resource().planNew(ctx, &sessionModel{}, retry, &resp.Diagnostics)
	}
}

// Invoke runs the session that tries them again.
func (a *sessionRetryAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var m sessionRetryModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	resp.Diagnostics.Append(checked(ctx, req.Config)...)
	limit, diags := m.Timeouts.Invoke(ctx, defaultWait)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	retry, of := m.retried(ctx, a.shared, &resp.Diagnostics)
	summary, detail := nothingToRetry(of)
	switch {
	case resp.Diagnostics.HasError():
	case retry == nil && of.Status.Status != bos.SessionComplete:
		resp.Diagnostics.AddAttributeError(path.Root("session"), summary, detail+" No node was touched. Invoke the action once it is over.")
	case retry == nil:
		resp.SendProgress(action.InvokeProgressEvent{Message: summary})
	default:
		retry.Reason = m.Reason
		if m.Reason.IsNull() {
			retry.Reason = types.StringValue("retry of " + of.Name)
		}
		a.resource().invoke(ctx, retry, types.StringNull(), limit, resp)
	}
}
