package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
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

// deed is what all actions have in common. An action has no state: what it did
// shows in its messages, and trouble is an error that repeats nothing.
type deed struct {
	shared *shared
	after  func(time.Duration) <-chan time.Time
}

// Configure takes the provider's settings.
func (d *deed) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	d.shared = configured(req.ProviderData, &resp.Diagnostics)
	if d.after == nil {
		d.after = time.After
	}
}

var (
	_ action.ActionWithConfigure  = (*sessionRun)(nil)
	_ action.ActionWithModifyPlan = (*sessionRun)(nil)
	_ action.ActionWithConfigure  = (*applyStaged)(nil)
	_ action.ActionWithConfigure  = (*sessionCancel)(nil)
)

func waitArguments() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"wait":    schema.BoolAttribute{Optional: true, MarkdownDescription: "Wait until BOS is done, with messages on the way. Defaults to `true`."},
		"timeout": schema.StringAttribute{Optional: true, Validators: []validator.String{duration{least: time.Second, most: 7 * 24 * time.Hour}}, MarkdownDescription: "How long to wait, such as `45m`. Defaults to 2h. What was begun goes on after that."},
	}
}

func actionTenant() schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Validators: textBetween(1, bos.MaxTenantName), MarkdownDescription: "Tenant to act for; defaults to the provider's."}
}

type sessionRun struct{ deed }

func newSessionRun() action.Action { return &sessionRun{} }

type sessionRunModel struct {
	Name            types.String `tfsdk:"name"`
	Tenant          types.String `tfsdk:"tenant"`
	Operation       types.String `tfsdk:"operation"`
	TemplateName    types.String `tfsdk:"template_name"`
	Limit           types.String `tfsdk:"limit"`
	Stage           types.Bool   `tfsdk:"stage"`
	IncludeDisabled types.Bool   `tfsdk:"include_disabled"`
	MaxFailed       types.String `tfsdk:"max_failed"`
	Wait            types.Bool   `tfsdk:"wait"`
	Timeout         types.String `tfsdk:"timeout"`
}

func (*sessionRun) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session_run"
}

func (*sessionRun) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	attributes := waitArguments()
	for name, attribute := range map[string]schema.Attribute{
		"name":   schema.StringAttribute{Optional: true, Validators: []validator.String{validName()}, MarkdownDescription: "Name of the session. Leave it out and a unique one is chosen."},
		"tenant": actionTenant(),
		"operation": schema.StringAttribute{
			Required: true, Validators: []validator.String{stringvalidator.OneOf(operationNames()...)}, MarkdownDescription: "`boot`, `reboot` or `shutdown`.",
		},
		"template_name":    schema.StringAttribute{Required: true, Validators: []validator.String{validName()}, MarkdownDescription: "Session template to go by."},
		"limit":            schema.StringAttribute{Optional: true, Validators: []validator.String{limitSyntax{}}, MarkdownDescription: "Nodes to act on, out of those of the template, as in `bos_session`."},
		"stage":            schema.BoolAttribute{Optional: true, MarkdownDescription: "Stage the desired state instead of acting on it."},
		"include_disabled": schema.BoolAttribute{Optional: true, MarkdownDescription: "Also act on nodes that are disabled in the inventory."},
		"max_failed": schema.StringAttribute{
			Optional: true, Validators: []validator.String{stringvalidator.RegexMatches(maxFailedRule, "must be a count such as 5 or a percentage such as 2%")},
			MarkdownDescription: "How many failed nodes are tolerated: a count, or a percentage of the session's nodes. More fail the action. Defaults to none.",
		},
	} {
		attributes[name] = attribute
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Runs a session once each time the action is invoked, and keeps no record of it in state. For what should be reviewed and remembered use the resource `bos_session`.",
		Attributes:          attributes,
	}
}

// resource is the session resource that does the work.
func (a *sessionRun) resource() *sessionResource {
	return &sessionResource{shared: a.shared, after: a.after, now: time.Now}
}

func (m sessionRunModel) session(s *shared) sessionModel {
	session := sessionModel{
		Name: m.Name, Tenant: m.Tenant, Operation: m.Operation, TemplateName: m.TemplateName, Limit: m.Limit,
		Stage: types.BoolValue(m.Stage.ValueBool()), IncludeDisabled: types.BoolValue(m.IncludeDisabled.ValueBool()),
		MaxFailed: m.MaxFailed, OnFailure: types.StringValue(onFailureError), WaitForCompletion: m.Wait,
	}
	if session.Tenant.IsNull() {
		session.Tenant = s.defaultTenant()
	}
	return session
}

// ModifyPlan warns which nodes the action is going to touch, as the resource
// does.
func (a *sessionRun) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var m sessionRunModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || a.shared == nil {
		return
	}
	config := sessionModel{Name: m.Name}
	plan := m.session(a.shared)
	a.resource().planNew(ctx, &config, &plan, &resp.Diagnostics)
}

// Invoke runs the session.
func (a *sessionRun) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var m sessionRunModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := a.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	session := m.session(a.shared)
	if session.Name.IsNull() {
		session.Name = types.StringValue("terraform-" + uuid.NewString())
	}
	session.noResults()
	defer a.shared.embedded.drive(ctx)()
	created, err := c.CreateSession(ctx, session.request())
	if err != nil {
		refused(&resp.Diagnostics, session, err)
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
	r := a.resource()
	r.tell = func(s bos.ExtendedStatus) {
		if text := progressText(s); text != told {
			told = text
			say("session %s: %s", created.Name, text)
		}
	}
	r.wait(ctx, c, &session, durationOr(m.Timeout, defaultWait), &resp.Diagnostics)
	r.conclude(ctx, c, &session, true, &resp.Diagnostics)
	say("session %s is %s: %s, %d failed", created.Name, session.Status.ValueString(), nodes(session.ComponentCount.ValueInt64()), session.FailedCount.ValueInt64())
}

// progressText is how far a session is, on one line.
func progressText(s bos.ExtendedStatus) string {
	share := func(percent float64) int { return int(percent*float64(s.ManagedComponentsCount)/100 + 0.5) }
	return fmt.Sprintf("%s, %d of %s done, %d failed, %d powering on, %d powering off, %d configuring", s.Status, share(s.Phases.PercentComplete), nodes(int64(s.ManagedComponentsCount)),
		share(s.PercentFailed), share(s.Phases.PercentPoweringOn), share(s.Phases.PercentPoweringOff), share(s.Phases.PercentConfiguring))
}

type applyStaged struct{ deed }

func newApplyStaged() action.Action { return &applyStaged{} }

type applyStagedModel struct {
	Tenant  types.String `tfsdk:"tenant"`
	Xnames  types.List   `tfsdk:"xnames"`
	Wait    types.Bool   `tfsdk:"wait"`
	Timeout types.String `tfsdk:"timeout"`
}

func (*applyStaged) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_apply_staged"
}

func (*applyStaged) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	attributes := waitArguments()
	attributes["tenant"] = actionTenant()
	attributes["xnames"] = schema.ListAttribute{
		Required: true, ElementType: types.StringType, Validators: []validator.List{foldedNames{}},
		MarkdownDescription: "Nodes to apply the staged state of. Entries may be folded.",
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Applies what sessions have staged for nodes, each time the action is invoked. The resource `bos_staged_apply` does it once and remembers.",
		Attributes:          attributes,
	}
}

// Invoke applies what is staged.
func (a *applyStaged) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var m applyStagedModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := a.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	names, err := wanted(m.Xnames)
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("xnames"), "Unable to apply staged state", capital(err.Error())+".")
		return
	}
	r := &stagedApplyResource{shared: a.shared, after: a.after, now: time.Now}
	staged := stagedApplyModel{Tenant: m.Tenant, PollInterval: types.StringNull()}
	defer a.shared.embedded.drive(ctx)()
	if !r.apply(ctx, c, &staged, names, &resp.Diagnostics) {
		return
	}
	if staged.unconfirmed() {
		resp.Diagnostics.AddError("It is not known whether staged state was applied", "Look at the components before the action is invoked again.")
		return
	}
	say := func(format string, args ...any) {
		resp.SendProgress(action.InvokeProgressEvent{Message: fmt.Sprintf(format, args...)})
	}
	say("staged state applied for %s, refused for %d, nothing was staged for %d", nodes(staged.AppliedCount.ValueInt64()), staged.RefusedCount.ValueInt64(), staged.IgnoredCount.ValueInt64())
	if unlessFalse(m.Wait) {
		r.wait(ctx, c, &staged, durationOr(m.Timeout, defaultWait), &resp.Diagnostics)
		say("%s: %d failed", staged.Status.ValueString(), staged.FailedCount.ValueInt64())
	}
	if staged.FailedCount.ValueInt64() > 0 {
		resp.Diagnostics.AddError("Nodes failed after their staged state was applied", staged.FailedComponents.ValueString())
	}
}

type sessionCancel struct{ deed }

func newSessionCancel() action.Action { return &sessionCancel{} }

type sessionCancelModel struct {
	Name   types.String `tfsdk:"name"`
	Tenant types.String `tfsdk:"tenant"`
	Reason types.String `tfsdk:"reason"`
}

func (*sessionCancel) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session_cancel"
}

func (*sessionCancel) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Ends a session early and lets go of its nodes where they stand: what they are doing finishes, and nothing comes after it. A session that is over stays as it is. " +
			"Needs the bundled service; a plain BOS v2 cannot do it.",
		Attributes: map[string]schema.Attribute{
			"name":   schema.StringAttribute{Required: true, Validators: []validator.String{validName()}, MarkdownDescription: "Name of the session."},
			"tenant": actionTenant(),
			"reason": schema.StringAttribute{Optional: true, Validators: textBetween(1, bos.MaxReason), MarkdownDescription: "Why, for the session's record."},
		},
	}
}

// Invoke cancels the session.
func (a *sessionCancel) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var m sessionCancelModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := a.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if !canCancel(ctx, c, &resp.Diagnostics) {
		return
	}
	s, err := c.CancelSession(ctx, m.Name.ValueString(), m.Reason.ValueString())
	if err != nil {
		unable(&resp.Diagnostics, "cancel BOS session", err)
		return
	}
	text := "session " + s.Name + " is " + string(s.Status.Status)
	if s.Status.Error != nil {
		text += ": " + *s.Status.Error
	}
	resp.SendProgress(action.InvokeProgressEvent{Message: text})
}

func canCancel(ctx context.Context, c *client.Client, diags *diag.Diagnostics) bool {
	caps, err := c.Capabilities(ctx)
	switch {
	case err != nil:
		unable(diags, "cancel BOS session", err)
		return false
	case !client.Has(caps, bos.ExtensionCancel):
		diags.AddError("Unable to cancel BOS session", "This BOS cannot cancel sessions: it is a plain v2 server. Its session runs on.")
		return false
	default:
		return true
	}
}
