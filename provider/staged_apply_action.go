package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/action/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

var (
	_ action.ActionWithConfigure  = (*stagedApplyAction)(nil)
	_ action.ActionWithModifyPlan = (*stagedApplyAction)(nil)
)

type stagedApplyAction struct{ actionBase }

func newStagedApplyAction() action.Action { return &stagedApplyAction{} }

type stagedApplyActionModel struct {
	Tenant            types.String   `tfsdk:"tenant"`
	Xnames            types.List     `tfsdk:"xnames"`
	Session           types.String   `tfsdk:"session"`
	WaitForCompletion types.Bool     `tfsdk:"wait_for_completion"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
}

func (*stagedApplyAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_staged_apply"
}

func (*stagedApplyAction) Schema(ctx context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	attributes := actionWait(ctx)
	attributes["tenant"] = actionTenant()
	attributes["xnames"] = schema.ListAttribute{
		Required: true, ElementType: types.StringType, Validators: []validator.List{foldedNames{}},
		MarkdownDescription: "Nodes to apply the staged state of. Entries may be folded.",
	}
	attributes["session"] = schema.StringAttribute{
		Optional: true, Validators: []validator.String{validName()},
		MarkdownDescription: "Session whose staged state is applied; nodes for which another session has staged something are ignored. Without it whatever is " +
			"staged counts.",
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Applies what sessions have staged for nodes, each time the action is invoked. The resource `bos_staged_apply` does it once " +
			"and remembers.",
		Attributes: attributes,
	}
}

// ModifyPlan checks the arguments once more, and says which nodes are going to
// be touched.
func (a *stagedApplyAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var m stagedApplyActionModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	resp.Diagnostics.Append(checked(ctx, req.Config)...)
	if resp.Diagnostics.HasError() || a.shared == nil {
		return
	}
	plan := stagedApplyModel{Tenant: m.Tenant, Xnames: m.Xnames, Session: m.Session}
	if m.Tenant.IsNull() {
		plan.Tenant = a.shared.defaultTenant()
	}
	(&stagedApplyResource{shared: a.shared, kind: kindStagedApply}).planNew(ctx, &plan, &resp.Diagnostics)
}

// Invoke applies what is staged.
func (a *stagedApplyAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var m stagedApplyActionModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	resp.Diagnostics.Append(checked(ctx, req.Config)...)
	limit, diags := m.Timeouts.Invoke(ctx, defaultWait)
	resp.Diagnostics.Append(diags...)
	c := a.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	names, err := wanted(m.Xnames)
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("xnames"), "Unable to apply staged state", capital(err.Error())+".")
		return
	}
	r := &stagedApplyResource{shared: a.shared, after: a.after, now: time.Now, kind: kindStagedApply}
	staged := stagedApplyModel{Tenant: m.Tenant, Xnames: m.Xnames, Session: m.Session, PollInterval: types.StringNull()}
	if m.Tenant.IsNull() {
		staged.Tenant = a.shared.defaultTenant()
	}
	defer a.shared.embedded.drive(ctx)()
	// The newest number is that of the plan, which is applied by once.
	p := r.prepare(ctx, &staged, true, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	number := ""
	if p.receipt != nil {
		number = a.shared.staged.numberFor(p.receipt.Receipt)
	}
	if _, ok := r.apply(ctx, c, &staged, names, number, &resp.Diagnostics); !ok {
		return
	}
	if staged.unconfirmed() {
		resp.Diagnostics.AddError("It is not known whether staged state was applied", "Look at the components before the action is invoked again.")
		return
	}
	say := func(format string, args ...any) {
		resp.SendProgress(action.InvokeProgressEvent{Message: fmt.Sprintf(format, args...)})
	}
	say("staged state applied for %s, refused for %d, nothing was staged for %d",
		nodes(staged.AppliedCount.ValueInt64()), staged.RefusedCount.ValueInt64(), staged.IgnoredCount.ValueInt64())
	if unlessFalse(m.WaitForCompletion) {
		if told := r.wait(ctx, c, &staged, limit).tellStaged(); told != "" {
			resp.Diagnostics.AddError(stoppedStaged, strings.TrimSuffix(told, ".")+".\n\nAn action remembers nothing, and nobody waits for the nodes now: "+
				"look at them with the data source bos_components.")
			return
		}
		say("%s: %d failed", staged.Status.ValueString(), staged.FailedCount.ValueInt64())
	}
	if len(staged.unfinished) > 0 {
		resp.Diagnostics.AddError(staged.unfinishedSummary(), staged.unfinishedDetail())
	}
	if staged.FailedCount.ValueInt64() > 0 {
		resp.Diagnostics.AddError("Nodes failed after their staged state was applied", staged.FailedNodes.ValueString())
	}
}
