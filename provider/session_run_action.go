package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
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
	_ action.ActionWithConfigure  = (*sessionRunAction)(nil)
	_ action.ActionWithModifyPlan = (*sessionRunAction)(nil)
)

type sessionRunAction struct{ actionBase }

func newSessionRunAction() action.Action { return &sessionRunAction{} }

type sessionRunModel struct {
	Name              types.String   `tfsdk:"name"`
	Tenant            types.String   `tfsdk:"tenant"`
	Operation         types.String   `tfsdk:"operation"`
	TemplateName      types.String   `tfsdk:"template_name"`
	Limit             types.String   `tfsdk:"limit"`
	Stage             types.Bool     `tfsdk:"stage"`
	StagedBoot        types.Bool     `tfsdk:"write_staged_boot_parameters"`
	IncludeDisabled   types.Bool     `tfsdk:"include_disabled"`
	MaxFailed         types.String   `tfsdk:"max_failed"`
	Pin               types.String   `tfsdk:"pin"`
	Reason            types.String   `tfsdk:"reason"`
	Overlap           types.String   `tfsdk:"overlap"`
	WaitForCompletion types.Bool     `tfsdk:"wait_for_completion"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
}

func (*sessionRunAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session_run"
}

func (*sessionRunAction) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	attributes := actionWait(ctx)
	for name, attribute := range map[string]schema.Attribute{
		"name": schema.StringAttribute{Optional: true, Validators: []validator.String{validName()}, MarkdownDescription: "Name of the session. " +
			"Defaults to a generated unique name."},
		"tenant": actionTenant(),
		"operation": schema.StringAttribute{
			Required: true, Validators: []validator.String{stringvalidator.OneOf(operationNames()...)}, MarkdownDescription: "`boot`, `reboot`, `shutdown`, or " +
				"`configure` where the service has it.",
		},
		"template_name": schema.StringAttribute{Required: true, Validators: []validator.String{validName()}, MarkdownDescription: "Session template to go by."},
		"limit": schema.StringAttribute{
			Optional: true, Validators: []validator.String{limitSyntax{}},
			MarkdownDescription: "Nodes to act on, out of those of the template, as in `bos_session`; every node of the template if it is left out. It " +
				"must be known at plan, and an empty one is refused: nothing else would keep an expression without a value from acting on every node.",
		},
		"stage":                        schema.BoolAttribute{Optional: true, MarkdownDescription: "Stage the desired state instead of acting on it."},
		"write_staged_boot_parameters": schema.BoolAttribute{Optional: true, MarkdownDescription: stagedBootDescription},
		"include_disabled":             schema.BoolAttribute{Optional: true, MarkdownDescription: "Also act on nodes that are disabled in the inventory."},
		"max_failed": schema.StringAttribute{
			Optional: true, Validators: maxFailedSyntax(),
			MarkdownDescription: "How many failed nodes are tolerated: a count, or a percentage of the session's nodes. More fail the action. Defaults to none.",
		},
		"pin": schema.StringAttribute{
			Optional: true, Validators: []validator.String{stringvalidator.RegexMatches(pinRule, "must be the pin of a preview, such as "+
				"data.bos_session_preview.x.pin")},
			MarkdownDescription: "Pin of a preview, such as `data.bos_session_preview.x.pin`: BOS refuses the session if it would do anything else. " +
				"Without one, the newest preview of the same session counts, which is that of the plan unless somebody asked for another since.",
		},
		"reason": schema.StringAttribute{
			Optional: true, Validators: textBetween(1, bos.MaxReason),
			MarkdownDescription: "Why the session is run, for the history of BOS. Defaults to the run of the pipeline, if there is one, as in `bos_session`.",
		},
		"overlap": actionOverlap(),
	} {
		attributes[name] = attribute
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Runs a session once each time the action is invoked, and keeps no record of it in state. For what should be reviewed and " +
			"remembered use the resource `bos_session`.",
		Attributes: attributes,
	}
}

// promiseOfAction is what becomes of a plan with this action.
const promiseOfAction = "If nodes or images change before that, BOS refuses the session and no node is touched, unless somebody has had the same " +
	"session previewed again since; give a pin to hold it to one preview."

// What becomes of an action that is invoked again, with a service that carries a
// preview out once and with others.
const (
	actionOnce  = "A plan runs the action's session once: invoked again by the same plan, it follows that session and starts no other. "
	actionOften = "Each time the action is invoked it runs another session, also from one and the same saved plan. "
)

// resource is the session resource that does the work.
func (a *sessionRunAction) resource() *sessionResource {
	return &sessionResource{shared: a.shared, after: a.after, now: time.Now, kind: kindSessionRun}
}

func (m sessionRunModel) session(s *shared) sessionModel {
	session := sessionModel{
		Name: m.Name, Tenant: m.Tenant,
		sessionOrder: sessionOrder{
			Operation: m.Operation, TemplateName: m.TemplateName, Limit: m.Limit,
			Stage: types.BoolValue(m.Stage.ValueBool()), IncludeDisabled: types.BoolValue(m.IncludeDisabled.ValueBool()),
		},
		MaxFailed: m.MaxFailed, OnFailure: types.StringValue(onFailureError), WaitForCompletion: m.WaitForCompletion, Pin: m.Pin, Overlap: m.Overlap, StagedBoot: m.StagedBoot,
	}
	if session.Tenant.IsNull() {
		session.Tenant = s.defaultTenant()
	}
	return session
}

// ModifyPlan warns which nodes the action is going to touch, as the resource
// does. A limit must be known by now: an action has no planned values that the
// apply could be held to.
func (a *sessionRunAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var m sessionRunModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	resp.Diagnostics.Append(checked(ctx, req.Config)...)
	checkStagedBoot(m.StagedBoot, m.Stage, m.Operation, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || a.shared == nil {
		return
	}
	if m.Limit.IsUnknown() {
		resp.Diagnostics.AddAttributeError(path.Root("limit"), "limit is not known at plan",
			"It comes from something that this plan changes. If it turned out to have no value, the action would act on every node of the template, and "+
				"nobody could tell. "+
				"Use the resource bos_session, which is held to having a limit; or apply what the limit comes from first, and then invoke the action.")
		return
	}
	config := sessionModel{Name: m.Name, Pin: m.Pin}
	plan := m.session(a.shared)
	a.resource().planNew(ctx, &config, &plan, &resp.Diagnostics)
}

// Invoke runs the session.
func (a *sessionRunAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var m sessionRunModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	resp.Diagnostics.Append(checked(ctx, req.Config)...)
	limit, diags := m.Timeouts.Invoke(ctx, defaultWait)
	resp.Diagnostics.Append(diags...)
	checkStagedBoot(m.StagedBoot, m.Stage, m.Operation, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	session := m.session(a.shared)
	session.Reason = m.Reason
	a.resource().invoke(ctx, &session, m.Name, limit, resp)
}

// invoke runs the session of an action and follows it. configured is the name that the
// configuration has.
func (r *sessionResource) invoke(ctx context.Context, session *sessionModel, configured types.String, limit time.Duration, resp *action.InvokeResponse) {
	c := r.shared.reach(session.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if session.Name.IsNull() {
		session.Name = types.StringValue("terraform-" + uuid.NewString())
	}
	session.noResults()
	defer r.shared.embedded.drive(ctx)()
	receipt, ok := r.pin(ctx, session, &resp.Diagnostics)
	if !ok {
		return
	}
	created, err := r.create(ctx, c, session, configured, receipt, &resp.Diagnostics)
	var unconfirmed *client.Unconfirmed
	switch {
	case errors.As(err, &unconfirmed):
		resp.Diagnostics.AddError("BOS session may or may not run",
			fmt.Sprintf("%s.\n\nLook for session %s, for example with the data source bos_session, before the action is invoked again: that starts another "+
				"session.", capital(err.Error()), session.Name.ValueString()))
		return
	case err != nil:
		refused(&resp.Diagnostics, *session, err)
		return
	}
	session.observe(created)
	say := func(format string, args ...any) {
		resp.SendProgress(action.InvokeProgressEvent{Message: fmt.Sprintf(format, args...)})
	}
	say("session %s was accepted: %s of template %q", created.Name, created.Operation, created.TemplateName)
	if !unlessFalse(session.WaitForCompletion) {
		return
	}
	told := ""
	r.tell = func(s bos.ExtendedStatus) {
		if text := progressText(s); text != told {
			told = text
			say("session %s: %s", created.Name, text)
		}
	}
	say("session %s is %s", created.Name, r.finish(ctx, c, session, limit, &resp.Diagnostics))
}

// pin holds a session of an action to the newest preview of it, which is that of
// the plan, unless the user gave a pin, and returns the number of the preview, which
// is carried out once. It returns false, with an error, if BOS should have a preview
// and does not say it.
func (r *sessionResource) pin(ctx context.Context, session *sessionModel, diags *diag.Diagnostics) (receipt string, ok bool) {
	q, ok, why := r.question(session, true)
	var preview *bos.Preview
	if ok {
		preview, why = r.shared.ask(ctx, r.shared.reach(session.Tenant, diags), q, diags)
	}
	given := session.Pin.ValueString()
	switch {
	case diags.HasError():
		return "", false
	case preview == nil && given == "" && why.kind == blindFailing:
		r.shared.noPreview(session.Operation, session.TemplateName, session.Limit, why, diags)
		return "", !diags.HasError()
	case preview == nil, given != "" && given != preview.Pin:
		return "", true // the pin that was given is compared by BOS
	}
	session.Pin = types.StringValue(preview.Pin)
	return preview.Receipt, true
}

// finish waits for the session of an action and says what became of it. That it
// is not known is an error: nobody else will look.
func (r *sessionResource) finish(ctx context.Context, c *client.Client, session *sessionModel, limit time.Duration, diags *diag.Diagnostics) string {
	w := r.wait(ctx, c, session, limit)
	if summary, detail := w.tell(session, r.meanwhile()); summary != "" {
		if w.end == waitLate {
			detail += ". Raise timeouts to wait longer"
		}
		diags.AddError(summary, fmt.Sprintf("%s.\n\n%s Look at session %s with the data source bos_session, or end it with the action bos_session_cancel.",
			strings.TrimSuffix(detail, "."), again(ctx, c), session.Name.ValueString()))
		return session.Status.ValueString() + ": what becomes of its nodes is not known here"
	}
	v, err := r.conclude(ctx, c, session)
	wayOut := "To run it again, invoke the action again."
	if retry := session.RetryLimit.ValueString(); retry != "" {
		wayOut = fmt.Sprintf("To try just these again, invoke the action with\n\n    limit = %q", retry)
	}
	switch {
	case err != nil:
		diags.AddError("Outcome of BOS session is not known",
			fmt.Sprintf("Session %s is complete, but what became of its nodes could not be read: %s\n\nLook at it with the data source "+
				"bos_session.", session.Name.ValueString(), explain(err)))
		return "complete: what became of its nodes is not known here"
	case !session.over(), session.Succeeded.ValueBool() && len(v.failures) == 0:
	case !session.tooManyFailed():
		diags.AddWarning(session.failureSummary(), "This is within max_failed. "+session.failureDetail(v.failures, wayOut))
	default:
		diags.AddError(session.failureSummary(), session.failureDetail(v.failures, wayOut))
	}
	return fmt.Sprintf("%s: %s, %d failed", session.Status.ValueString(), nodes(session.NodeCount.ValueInt64()), session.failedNodes())
}

// again is what invoking an action again does while its session is in flight.
func again(ctx context.Context, c *client.Client) string {
	if caps, err := c.Capabilities(ctx); err == nil && client.Has(caps, bos.ExtensionReceipts) {
		return "An action remembers nothing, but BOS does: invoked again with the same arguments while this session is in flight, it follows this one. " +
			"Once it is over, invoking it again starts another session."
	}
	return "An action remembers nothing: invoking it again starts another session."
}

// progressText is how far a session is, on one line.
func progressText(s bos.ExtendedStatus) string {
	share := func(percent float64) int { return int(percent*float64(s.ManagedComponentsCount)/100 + 0.5) }
	return fmt.Sprintf("%s, %d of %s done, %d failed, %d powering on, %d powering off, %d configuring",
		s.Status, share(s.Phases.PercentComplete), nodes(int64(s.ManagedComponentsCount)),
		share(s.PercentFailed), share(s.Phases.PercentPoweringOn), share(s.Phases.PercentPoweringOff), share(s.Phases.PercentConfiguring))
}
