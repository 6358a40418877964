package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

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
	_ action.ActionWithModifyPlan = (*applyStaged)(nil)
	_ action.ActionWithModifyPlan = (*sessionCancel)(nil)
)

// ModifyPlan checks the arguments once more, and says which nodes are going to
// be touched.
func (a *applyStaged) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var m applyStagedModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	resp.Diagnostics.Append(checked(ctx, req.Config)...)
	if resp.Diagnostics.HasError() || a.shared == nil {
		return
	}
	plan := stagedApplyModel{Tenant: m.Tenant, Xnames: m.Xnames}
	if m.Tenant.IsNull() {
		plan.Tenant = a.shared.defaultTenant()
	}
	(&stagedApplyResource{shared: a.shared}).warn(ctx, &plan, &resp.Diagnostics)
}

// ModifyPlan checks the arguments once more.
func (a *sessionCancel) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	resp.Diagnostics.Append(checked(ctx, req.Config)...)
}

func waitArguments() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"wait":    schema.BoolAttribute{Optional: true, MarkdownDescription: "Wait until BOS is done, with messages on the way. Defaults to `true`."},
		"timeout": schema.StringAttribute{Optional: true, Validators: []validator.String{duration{least: time.Second, most: 7 * 24 * time.Hour}}, MarkdownDescription: "How long to wait, such as `45m`. Defaults to 2h. What was begun goes on after that."},
	}
}

func actionTenant() schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Validators: textBetween(1, bos.MaxTenantName), MarkdownDescription: "Tenant to act for; defaults to the provider's."}
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
	resp.Diagnostics.Append(checked(ctx, req.Config)...)
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
	if _, ok := r.apply(ctx, c, &staged, names, &resp.Diagnostics); !ok {
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
		if told := r.wait(ctx, c, &staged, durationOr(m.Timeout, defaultWait)).tellStaged(); told != "" {
			resp.Diagnostics.AddError(stoppedStaged, strings.TrimSuffix(told, ".")+".\n\nAn action remembers nothing, and nobody waits for the nodes now: look at them with the data source bos_components.")
			return
		}
		say("%s: %d failed", staged.Status.ValueString(), staged.FailedCount.ValueInt64())
	}
	if len(staged.unfinished) > 0 {
		resp.Diagnostics.AddError(staged.unfinishedSummary(), staged.unfinishedDetail())
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
	resp.Diagnostics.Append(checked(ctx, req.Config)...)
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
