package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// ModifyPlan decides between the four things a plan can mean for a session: run
// a new one, go on waiting, change how Terraform goes about it, or nothing.
func (r *sessionResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var config, plan, state *sessionModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan == nil {
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateRemoved, []byte(isRemoved))...)
		return
	}
	// Where destroying failed, the mark of that plan is in state.
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateRemoved, []byte(notRemoved))...)
	if config.Tenant.IsNull() {
		plan.Tenant = r.shared.plannedTenant(state != nil, &resp.Diagnostics)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if state == nil {
		ctx = carriesReplaced(ctx, req.Private, resp.Private, &resp.Diagnostics)
		plan.foretells().holds(ctx, req.Private, resp.Private, false, &resp.Diagnostics)
		preview := r.planNew(ctx, config, plan, &resp.Diagnostics)
		r.refuseTakenName(ctx, config, plan, preview, &resp.Diagnostics)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
		if noted := notedReceipt(preview); noted != nil {
			resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateReceipt, noted)...)
		}
		return
	}
	if r.shared != nil {
		r.shared.sessions.note(inState, state.Tenant, state.Name)
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateReplaces, notedReplaces(state.Name.ValueString()))...)
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
		refuseNameInUse(config, state, &resp.Diagnostics)
		r.keepsName(config, state, &resp.Diagnostics)
		plan.foretells().note(ctx, resp.Private, &resp.Diagnostics)
		warned := *plan
		r.planNew(replacing(ctx, state.Name.ValueString()), config, &warned, &resp.Diagnostics)
		plan.newUnknowns(config)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
		return
	}
	plan.ID = state.ID
	plan.keepPlanned(state)
	r.keepsRollout(plan, state, &resp.Diagnostics)
	if state.Pin.IsNull() {
		plan.Pin = config.Pin // of a session that was imported, or run without a preview
	}
	plan.keepResults(state)
	if !plan.MaxFailed.Equal(state.MaxFailed) {
		plan.Succeeded = plan.judged()
	}
	switch {
	case !state.settled() && unlessFalse(plan.WaitForCompletion):
		plan.unknownResults()
		if r.shared != nil {
			r.shared.sessions.note(waitedFor, state.Tenant, state.Name)
		}
		if !r.shared.isApplying() {
			resp.Diagnostics.AddWarning(fmt.Sprintf("Waits for session %s; starts nothing", state.Name.ValueString()),
				fmt.Sprintf("Session %s (%s of template %q) is %s. What this shows as changing is what the wait finds out; no other session is started, and BOS gets on "+
					"with this one alike without the wait. %s",
					state.Name.ValueString(), state.Operation.ValueString(), state.TemplateName.ValueString(), state.Status.ValueString(), state.rolloutSaid()))
		}
	case state.complete() && !r.shared.isApplying():
		r.remind(ctx, plan, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// refuseNameInUse says that a session which runs and keeps its name cannot be
// replaced by one of the same name.
func refuseNameInUse(config, state *sessionModel, diags *diag.Diagnostics) {
	if config.Name.IsNull() || config.Name.IsUnknown() || !config.Name.Equal(state.Name) || state.complete() || state.RecordExpired.ValueBool() || state.OnDestroy.ValueString() == onDestroyCancel {
		return
	}
	diags.AddAttributeError(path.Root("name"), fmt.Sprintf("BOS session %s is not over", state.Name.ValueString()),
		fmt.Sprintf("Session %s is %s, and this plan replaces it by another of the same name, which BOS refuses as long as it has the record. Wait until it is "+
			"over, give the new one another name, or have the old one cancelled: "+
			"set on_destroy = \"cancel\", apply that, and plan again.", state.Name.ValueString(), state.Status.ValueString()))
}

// keepsName says what a session that is replaced by one of its own name must not have.
// Terraform tells no provider whether it creates before it destroys, and by the time it
// does, the plan was reviewed.
func (r *sessionResource) keepsName(config, state *sessionModel, diags *diag.Diagnostics) {
	if config.Name.IsNull() || !config.Name.Equal(state.Name) || state.RecordExpired.ValueBool() || r.shared.isApplying() {
		return
	}
	diags.AddAttributeWarning(path.Root("name"), "The session that is replaced has the name of the new one",
		fmt.Sprintf("BOS has the record of session %s, and it is deleted before the new session of this name is created. With create_before_destroy, of this "+
			"resource or of one that depends on it, "+
			"the apply is refused, as the name is taken, and touches no node: leave name out there.", state.Name.ValueString()))
}

func (s *shared) isApplying() bool { return s != nil && s.applying }

// remind says at every plan after a session with failures how to try again. It
// is a warning whatever on_failure says: Terraform plans before it destroys, and
// an error here would keep users from that.
// Once all the nodes run what the session was to set there is nothing to say.
func (r *sessionResource) remind(ctx context.Context, m *sessionModel, diags *diag.Diagnostics) {
	if !m.over() || !m.tooManyFailed() {
		return
	}
	now := ""
	if left, known := r.stillFailed(ctx, m); known {
		if len(left) == 0 {
			return
		}
		now = fmt.Sprintf("%d failed then, %d of them now: %s. ", m.failedNodes(), len(left), bos.Fold(left))
	}
	diags.AddWarning(m.failureSummary(), "This was the last run; nothing is done about it by itself. "+now+m.failureDetail(m.failures(ctx), m.wayOut()))
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
		// What an imported session was asked for in this is not known, and it has run.
		"write_staged_boot_parameters": !m.StagedBoot.IsUnknown() && m.StagedBoot.ValueBool() == state.StagedBoot.ValueBool() || imported && state.StagedBoot.IsNull(),
		"triggers":                     sameTriggers(m.Triggers, state.Triggers) || imported && state.Triggers.IsNull(),
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
	limitA, errA := bos.ParseLimit(a.ValueString())
	limitB, errB := bos.ParseLimit(b.ValueString())
	return errA == nil && errB == nil && limitA.Same(limitB)
}

// sameTriggers reports whether two maps of triggers have the same entries: having none
// is the same whether that is written or not.
func sameTriggers(a, b types.Map) bool {
	return a.Equal(b) || !a.IsUnknown() && !b.IsUnknown() && len(a.Elements()) == 0 && len(b.Elements()) == 0
}

func (m *sessionModel) newUnknowns(config *sessionModel) {
	if config.Name.IsNull() {
		m.Name = types.StringUnknown()
	}
	m.ID = joinID(m.Tenant, m.Name)
	m.unknownPlanned()
	m.unknownResults()
	m.URL = types.StringUnknown()
	m.Effect, m.Scope = types.StringUnknown(), scopeOf(m.Limit)
}

// planNew plans a session that is going to be created: what it will touch, or
// a loud word that nobody can say.
func (r *sessionResource) planNew(ctx context.Context, config, plan *sessionModel, diags *diag.Diagnostics) *bos.Preview {
	plan.newUnknowns(config)
	if r.shared != nil && r.shared.embedded != nil && !unlessFalse(plan.WaitForCompletion) && !r.shared.applying {
		diags.AddAttributeWarning(path.Root("wait_for_completion"), "Nobody will carry the session out",
			"The embedded BOS acts during an apply only, and this one is not going to wait: the session stays suspended until an apply with wait_for_completion = true.")
	}
	if !config.Pin.IsNull() {
		plan.Pin = config.Pin
	}
	applying := r.shared.isApplying() || reviewed(ctx) != ""
	r.refuseRollout(ctx, plan, diags)
	r.refuseOverlap(ctx, plan, diags)
	if diags.HasError() {
		return nil
	}
	preview, why := r.preview(ctx, plan, config, applying || config.Pin.ValueString() != "", diags)
	rule := r.rule(ctx, plan, preview, diags)
	var first []string
	if preview != nil && !applying {
		first = r.shared.sessions.all(waitedFor, plan.Tenant)
		r.refuseBusy(ctx, plan, rule, *preview, diags)
	}
	if !diags.HasError() {
		r.guard(ctx, plan, preview, why, diags)
	}
	if diags.HasError() {
		return nil
	}
	switch given := config.Pin.ValueString(); {
	case preview == nil && given != "" && why.kind == blindForGood:
		diags.AddAttributeError(path.Root("pin"), "This BOS compares no pins",
			"The session has a pin, and "+why.text+", so nothing would hold it to what was reviewed. Leave pin out, or plan against a BOS with previews.")
		return nil
	case preview == nil:
		if why.kind == blindForGood {
			plan.Effect = types.StringValue(plan.foretold(nil))
			plan.noBatches()
		}
		r.shared.noPreview(plan.Operation, plan.TemplateName, plan.Limit, why, diags)
		return nil
	case given != "" && given != preview.Pin:
		diags.AddAttributeError(path.Root("pin"), titleOutdated, plan.pinMismatch(*preview))
		return nil
	case preview.Count == 0 && !plan.AllowEmpty.ValueBool():
		diags.AddError("Nothing to do: no node matches", plan.previewDetail(*preview, rule, first, "")+r.mayBeEmpty())
		return nil
	}
	plan.takePreview(*preview)
	plan.Effect = types.StringValue(r.goesOn(config, preview) + plan.foretold(preview) + r.again(preview))
	if config.Pin.IsUnknown() {
		plan.Pin = config.Pin
	}
	if !applying {
		diags.AddWarning(previewSummary(*preview, plan.Stage.ValueBool()), plan.previewDetail(*preview, rule, first, r.promise(config, preview))+r.ranBefore(preview))
	}
	return preview
}

// mayBeEmpty is how a session is let find no node.
func (r *sessionResource) mayBeEmpty() string {
	if r.kind == kindSessionRun {
		return ""
	}
	return " A session that may find none has allow_empty = true."
}

// promiseOfTerraform is what becomes of a plan that is out of date at apply, where
// neither a pin nor the provider block holds the session to it, and promiseOfPlan what
// becomes of it where Terraform itself tells in an apply by which plan.
const (
	promiseOfTerraform = "If nodes or images change before the apply, or a session ends that this goes on with, Terraform stops with \"Provider produced inconsistent final plan\" and no node is " +
		"touched; plan again. " +
		"With applying = terraform.applying in the provider block the message says what changed."
	promiseOfPlan = "If nodes or images change before the apply, the session is refused and no node is touched; plan again."
)

// tellsPlan reports whether a Terraform of this version tells in an apply by which plan:
// from 1.16 on. An OpenTofu gives its own version here, and none does so yet.
func tellsPlan(version string) bool {
	var major, minor int
	if n, err := fmt.Sscanf(version, "%d.%d", &major, &minor); n != 2 || err != nil {
		return false
	}
	return major > 1 || major == 1 && minor >= 16
}

// promise is what a plan of this session says about the time until the apply.
func (r *sessionResource) promise(config *sessionModel, preview *bos.Preview) string {
	switch {
	case r.kind == kindSessionRun && preview.Receipt != "":
		return actionOnce + promiseOfAction
	case r.kind == kindSessionRun:
		return actionOften + promiseOfAction
	case r.shared.applyingSet || !config.Pin.IsNull():
		return ""
	case r.shared.tellsPlan:
		return promiseOfPlan
	default:
		return promiseOfTerraform
	}
}

// preview asks the service, once in each walk, what the planned session would
// do. With reuse, as while applying and where a pin is given, the answer is the
// review that this stands for.
func (r *sessionResource) preview(ctx context.Context, plan, config *sessionModel, reuse bool, diags *diag.Diagnostics) (preview *bos.Preview, why blindness) {
	q, ok, why := r.question(plan, reuse)
	if !ok {
		return nil, why
	}
	pin := config.Pin
	q.Receipt, q.RunKey, q.Guards = reviewed(ctx), plan.runKey(r.kind, config.Name), r.shared.guardsToSend()
	key, err := q.key()
	if err != nil {
		return nil, failing(err.Error())
	}
	c := r.shared.reach(plan.Tenant, diags)
	if q.Overlap, err = overlapOf(ctx, c, plan.Overlap); err != nil {
		return nil, failing("BOS did not answer (" + err.Error() + ")")
	}
	q.Replaces = r.replaces(ctx, plan.Tenant)
	preview, why, more := r.shared.previews.once(key+"\n"+pin.ValueString(), func(diags *diag.Diagnostics) (*bos.Preview, blindness) {
		p, why := r.shared.ask(ctx, c, q, diags)
		if p != nil && q.Reuse && p.Session != "" && slices.Contains(q.Replaces, p.Session) {
			// What another one did that this replaces is not what was reviewed.
			q.Reuse = false
			return r.shared.ask(ctx, c, q, diags)
		}
		if p == nil || !q.Reuse || r.shared.applying || q.Receipt != "" || p.Pin == pin.ValueString() && p.Session == "" && len(q.Replaces) == 0 {
			return p, why
		}
		// The newest review of this session is another one than the pin
		// stands for, was carried out, or does not know what is replaced: what
		// counts is how things are now.
		q.Reuse = false
		return r.shared.ask(ctx, c, q, diags)
	})
	diags.Append(more...)
	return preview, why
}

// question is what to ask about the planned session; not ok, with the reason,
// while that is not known.
func (r *sessionResource) question(plan *sessionModel, reuse bool) (q previewQuestion, ok bool, why blindness) {
	if r.shared == nil || r.shared.client == nil {
		return q, false, notYet("the provider's settings are not known yet")
	}
	if name := plan.unknownArgument(); name != "" {
		return q, false, notYet("the argument " + name + " is not known yet, since it comes from something that is not created yet")
	}
	if !plan.Limit.IsNull() && strings.TrimSpace(plan.Limit.ValueString()) == "" {
		// No question has an empty limit: it would ask about every node.
		return q, false, failing("limit is empty, which selects no node")
	}
	q = previewQuestion{
		PreviewRequest: bos.PreviewRequest{
			TemplateName: plan.TemplateName.ValueString(), Operation: bos.Operation(plan.Operation.ValueString()), Limit: plan.Limit.ValueString(),
			Stage: plan.Stage.ValueBool(), IncludeDisabled: plan.IncludeDisabled.ValueBool(), Reuse: reuse,
		},
		tenant: plan.Tenant.ValueString(),
	}
	rollout, err := rolloutOf(context.Background(), plan.Rollout)
	if err != nil {
		return q, false, failing(err.Error())
	}
	q.Rollout = rollout
	planned, found := r.shared.planned.get(q.tenant, q.TemplateName)
	if found && planned == nil {
		return q, false, notYet("the content of the template is not known yet")
	}
	q.Template, q.Holds = planned, r.shared.plannedHolds.all()
	return q, true, why
}

// unknownArgument names an argument without which nobody can say what the
// session would do, and that is not known yet.
func (m *sessionModel) unknownArgument() string {
	for _, argument := range []struct {
		name    string
		unknown bool
	}{
		{"operation", m.Operation.IsUnknown()},
		{"template_name", m.TemplateName.IsUnknown()},
		{"limit", m.Limit.IsUnknown()},
		{"stage", m.Stage.IsUnknown()},
		{"include_disabled", m.IncludeDisabled.IsUnknown()},
		{"tenant", m.Tenant.IsUnknown()},
		{"rollout", !m.Rollout.IsNull() && !fullyKnown(context.Background(), m.Rollout)},
	} {
		if argument.unknown {
			return argument.name
		}
	}
	return ""
}
