package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

var (
	_ action.ActionWithConfigure  = (*sessionCancelAction)(nil)
	_ action.ActionWithModifyPlan = (*sessionCancelAction)(nil)
)

type sessionCancelAction struct{ actionBase }

func newSessionCancelAction() action.Action { return &sessionCancelAction{} }

type sessionCancelModel struct {
	Name   types.String `tfsdk:"name"`
	Tenant types.String `tfsdk:"tenant"`
	Reason types.String `tfsdk:"reason"`
}

func (*sessionCancelAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session_cancel"
}

func (*sessionCancelAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Ends a session early and lets go of its nodes where they stand: what they are doing finishes, and nothing comes after it. A " +
			"session that is over stays as it is. " +
			"Needs the bundled service; a plain BOS v2 cannot do it.",
		Attributes: map[string]schema.Attribute{
			"name":   schema.StringAttribute{Required: true, Validators: []validator.String{validName()}, MarkdownDescription: "Name of the session."},
			"tenant": actionTenant(),
			"reason": schema.StringAttribute{Optional: true, Validators: textBetween(1, bos.MaxReason), MarkdownDescription: "Why, for the session's record."},
		},
	}
}

// ModifyPlan checks the arguments once more.
func (a *sessionCancelAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	resp.Diagnostics.Append(checked(ctx, req.Config)...)
}

// Invoke cancels the session.
func (a *sessionCancelAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
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
