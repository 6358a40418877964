package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// ModifyPlan decides between the four things a plan can mean for a session: run
// a new one, go on waiting, change how Terraform goes about it, or nothing.
func (r *sessionResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var config, plan, state *sessionModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || plan == nil {
		return
	}
	if config.Tenant.IsNull() {
		plan.Tenant = r.shared.defaultTenant()
	}
	if state == nil {
		r.planNew(ctx, config, plan, &resp.Diagnostics)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
		return
	}
	imported, diags := req.Private.GetKey(ctx, privateImported)
	resp.Diagnostics.Append(diags...)
	if config.Name.IsNull() {
		plan.Name = state.Name
	}
	if sameLimit(state.Limit, plan.Limit) {
		plan.Limit = state.Limit
	}
	if changed := plan.replaces(state, string(imported) == isImported); len(changed) > 0 {
		// Terraform plans the new session in a call of its own, and drops the
		// warnings of that one: they have to be said here.
		resp.RequiresReplace = append(resp.RequiresReplace, changed...)
		foretold := *plan
		r.planNew(ctx, config, &foretold, &resp.Diagnostics)
		plan.newUnknowns(config)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
		return
	}
	plan.ID = state.ID
	plan.keepPlanned(state)
	plan.keepResults(state)
	switch {
	case !state.settled() && unlessFalse(plan.WaitForCompletion):
		plan.unknownResults()
	case state.complete() && !r.shared.isApplying():
		plan.remind(ctx, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

func (s *shared) isApplying() bool { return s != nil && s.applying }

// remind says at every plan after a session with failures how to try again. It
// is a warning whatever on_failure says: Terraform plans before it destroys, and
// an error here would keep users from that.
func (m *sessionModel) remind(ctx context.Context, diags *diag.Diagnostics) {
	if !m.tooManyFailed() {
		return
	}
	diags.AddWarning(m.failureSummary(), "This was the last run; nothing is done about it by itself. "+m.failureDetail(m.failures(ctx)))
}

// replaces names the arguments whose change needs a new session. Triggers that
// an imported session did not have do not count: it has run.
func (m *sessionModel) replaces(state *sessionModel, imported bool) path.Paths {
	var changed path.Paths
	for name, same := range map[string]bool{
		"name":             m.Name.Equal(state.Name),
		"tenant":           m.Tenant.Equal(state.Tenant),
		"operation":        m.Operation.Equal(state.Operation),
		"template_name":    m.TemplateName.Equal(state.TemplateName),
		"limit":            m.Limit.Equal(state.Limit),
		"stage":            m.Stage.Equal(state.Stage),
		"include_disabled": m.IncludeDisabled.Equal(state.IncludeDisabled),
		"triggers":         m.Triggers.Equal(state.Triggers) || imported && state.Triggers.IsNull(),
	} {
		if !same {
			changed = append(changed, path.Root(name))
		}
	}
	return changed
}

// sameLimit reports whether two limits differ in how they are written only.
func sameLimit(a, b types.String) bool {
	if a.IsNull() || b.IsNull() || a.IsUnknown() || b.IsUnknown() {
		return false
	}
	plainA, errA := client.PlainLimit(a.ValueString())
	plainB, errB := client.PlainLimit(b.ValueString())
	return errA == nil && errB == nil && plainA == plainB
}

func (m *sessionModel) newUnknowns(config *sessionModel) {
	if config.Name.IsNull() {
		m.Name = types.StringUnknown()
	}
	m.ID = joinID(m.Tenant, m.Name)
	m.unknownResults()
	m.unknownPlanned()
}

// planNew plans a session that is going to be created: what it will touch, or
// a loud word that nobody can say.
func (r *sessionResource) planNew(ctx context.Context, config, plan *sessionModel, diags *diag.Diagnostics) {
	plan.newUnknowns(config)
	if r.shared != nil && r.shared.embedded != nil && !unlessFalse(plan.WaitForCompletion) && !r.shared.applying {
		diags.AddAttributeWarning(path.Root("wait_for_completion"), "Nobody will carry the session out",
			"The embedded BOS acts during an apply only, and this one is not going to wait: the session stays suspended until an apply with wait_for_completion = true.")
	}
	if !config.Pin.IsNull() {
		plan.Pin = config.Pin
	}
	preview, why := r.preview(ctx, plan, config.Pin, diags)
	if diags.HasError() {
		return
	}
	if preview == nil {
		r.shared.noPreview(asked(plan.Operation, plan.TemplateName, plan.Limit), why, diags)
		return
	}
	if given := config.Pin.ValueString(); given != "" && given != preview.Pin {
		diags.AddAttributeError(path.Root("pin"), titleOutdated, plan.pinMismatch(*preview))
		return
	}
	plan.takePreview(*preview)
	if config.Pin.IsUnknown() {
		plan.Pin = config.Pin
	}
	if !r.shared.applying {
		diags.AddWarning(previewSummary(*preview, plan.Stage.ValueBool()), plan.previewDetail(*preview, r.shared.applyingSet || !config.Pin.IsNull()))
	}
}

// preview asks the service, once in each walk, what the planned session would
// do. While applying, and where a pin is given, the answer is the review it
// stands for.
func (r *sessionResource) preview(ctx context.Context, plan *sessionModel, pin types.String, diags *diag.Diagnostics) (preview *bos.Preview, why string) {
	if r.shared == nil || r.shared.client == nil {
		return nil, "the provider's settings are not known yet"
	}
	if plan.Operation.IsUnknown() || plan.TemplateName.IsUnknown() || plan.Limit.IsUnknown() || plan.Stage.IsUnknown() || plan.IncludeDisabled.IsUnknown() || plan.Tenant.IsUnknown() {
		return nil, "operation, template_name, limit or tenant comes from something that is not created yet"
	}
	q := previewQuestion{
		PreviewRequest: bos.PreviewRequest{
			TemplateName: plan.TemplateName.ValueString(), Operation: bos.Operation(plan.Operation.ValueString()), Limit: plan.Limit.ValueString(),
			Stage: plan.Stage.ValueBool(), IncludeDisabled: plan.IncludeDisabled.ValueBool(), Reuse: r.shared.applying || pin.ValueString() != "",
		},
		tenant: plan.Tenant.ValueString(),
	}
	planned, found := r.shared.planned.get(q.tenant, q.TemplateName)
	if found && planned == nil {
		return nil, "the content of the template is not known yet"
	}
	q.Template = planned
	key, err := q.key()
	if err != nil {
		return nil, err.Error()
	}
	c := r.shared.reach(plan.Tenant, diags)
	preview, why, more := r.shared.previews.once(key+"\n"+pin.ValueString(), func(diags *diag.Diagnostics) (*bos.Preview, string) {
		p, why := r.shared.ask(ctx, c, q, diags)
		if p == nil || !q.Reuse || r.shared.applying || p.Pin == pin.ValueString() {
			return p, why
		}
		// The newest review of this session is another one than the pin
		// stands for: what counts is how things are now.
		q.Reuse = false
		return r.shared.ask(ctx, c, q, diags)
	})
	diags.Append(more...)
	return preview, why
}
