package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// ModifyPlan decides between applying anew, going on waiting, and nothing.
func (r *stagedApplyResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var config, plan, state *stagedApplyModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || plan == nil {
		return
	}
	if config.Tenant.IsNull() {
		plan.Tenant = r.shared.plannedTenant(state != nil, &resp.Diagnostics)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	imported, diags := req.Private.GetKey(ctx, privateImported)
	resp.Diagnostics.Append(diags...)
	var changed path.Paths
	if state != nil {
		changed = plan.replaces(state, string(imported) == isImported)
	}
	switch {
	case state == nil:
		plan.foretells().holds(ctx, req.Private, resp.Private, false, &resp.Diagnostics)
		if number := r.planNew(ctx, plan, &resp.Diagnostics); number != "" {
			resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateReceipt, fmt.Appendf(nil, "%q", number))...)
		}
	case len(changed) > 0:
		// Terraform plans the new one in a call of its own, and drops the
		// warnings of that one: they have to be said here.
		resp.RequiresReplace = append(resp.RequiresReplace, changed...)
		plan.foretells().note(ctx, resp.Private, &resp.Diagnostics)
		r.planNew(ctx, plan, &resp.Diagnostics)
	default:
		plan.keepResults(state)
		if sameNames(plan.Xnames, state.Xnames) {
			plan.Xnames = state.Xnames
		}
		if !state.complete() && !state.unconfirmed() && unlessFalse(plan.WaitForCompletion) {
			plan.unknownOutcome()
			if !r.shared.isApplying() {
				resp.Diagnostics.AddWarning(headline("Waits for nodes whose staged state was applied; applies nothing", state.Applied.ValueString()),
					fmt.Sprintf("It was applied at %s. What this shows as changing is what the wait finds out.", state.AppliedAt.ValueString()))
			}
		}
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// planNew plans an application, and returns the number that it is applied by; empty
// if there is none.
func (r *stagedApplyResource) planNew(ctx context.Context, plan *stagedApplyModel, diags *diag.Diagnostics) (number string) {
	plan.unknownResults()
	p := r.prepare(ctx, plan, r.shared.isApplying() || reviewed(ctx) != "", diags)
	if diags.HasError() {
		return ""
	}
	plan.Effect = r.foretoldBy(ctx, plan, p)
	r.warn(ctx, plan, p, diags)
	if p.receipt == nil {
		return ""
	}
	return p.receipt.Receipt
}

func sameNames(a, b types.List) bool {
	if a.IsUnknown() || b.IsUnknown() {
		return false
	}
	for _, element := range slices.Concat(a.Elements(), b.Elements()) {
		if element.IsUnknown() {
			return false
		}
	}
	left, errA := wanted(a)
	right, errB := wanted(b)
	return errA == nil && errB == nil && slices.Equal(left, right)
}

// replaces names the arguments whose change applies anew. Triggers that an imported
// application did not have do not count: it was done.
func (m *stagedApplyModel) replaces(state *stagedApplyModel, imported bool) path.Paths {
	var changed path.Paths
	if !m.Tenant.Equal(state.Tenant) {
		changed = append(changed, path.Root("tenant"))
	}
	if !sameNames(m.Xnames, state.Xnames) {
		changed = append(changed, path.Root("xnames"))
	}
	if !m.Session.Equal(state.Session) && !state.Session.IsNull() {
		changed = append(changed, path.Root("session"))
	}
	if !sameTriggers(m.Triggers, state.Triggers) && (!imported || !state.Triggers.IsNull()) {
		changed = append(changed, path.Root("triggers"))
	}
	return changed
}

// warn says at plan what has been staged so far for the nodes. It is no part of
// the plan's values: the session that stages may be part of the same plan.
func (r *stagedApplyResource) warn(ctx context.Context, plan *stagedApplyModel, p stagedPlan, diags *diag.Diagnostics) {
	if r.shared == nil || r.shared.client == nil || r.shared.applying || plan.Tenant.IsUnknown() {
		return
	}
	names, err := wanted(plan.Xnames)
	if err != nil || len(names) == 0 || !sameNames(plan.Xnames, plan.Xnames) {
		diags.AddWarning("This will apply staged state", "Which nodes that touches is not known yet.")
		return
	}
	c := r.shared.reach(plan.Tenant, diags)
	records, err := c.Components(ctx, bos.ComponentFilter{IDs: names})
	summary := headline(fmt.Sprintf("This will apply the staged state of %s", nodes(int64(len(names)))), bos.Fold(names))
	if err != nil {
		diags.AddWarning(summary, bos.Fold(names)+"\n\nWhat is staged for them could not be read: "+explain(err))
		return
	}
	var others []string // staged by another session than the one that is named
	staged, has := make(map[string][]string), make(map[string]bool)
	for _, record := range records {
		if session := record.StagedState.Session; session != "" {
			staged[session], has[record.ID] = append(staged[session], record.ID), true
		}
	}
	if only := plan.Session.ValueString(); only != "" {
		for session, ids := range staged {
			if session != only {
				others = append(others, ids...)
			}
		}
	}
	nothing := slices.DeleteFunc(slices.Clone(names), func(id string) bool { return has[id] })
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", bos.Fold(names))
	for i, session := range slices.Sorted(maps.Keys(staged)) {
		what := ""
		if i < maxStagedSessions {
			what = whatWasStaged(ctx, c, session)
		}
		fmt.Fprintf(&b, "\nStaged by session %s%s for %s%s: %s", session, what, nodes(int64(len(staged[session]))), stagedKernel(records, session), bos.Fold(staged[session]))
	}
	writeTaken(&b, records, plan.Session.ValueString(), p)
	if len(others) > 0 {
		fmt.Fprintf(&b, "\nLeft alone, since it was not session %s that staged something for them: %s", plan.Session.ValueString(), bos.Fold(others))
	}
	if len(nothing) > 0 {
		fmt.Fprintf(&b, "\nNothing is staged yet for %s: %s. Unless a session of this plan stages something, they "+
			"are left alone.", nodes(int64(len(nothing))), bos.Fold(nothing))
	}
	r.writeOnce(&b, plan, p)
	diags.AddWarning(summary, b.String())
}

// maxStagedSessions bounds the sessions that are looked up to say what they staged.
const maxStagedSessions = 10

// whatWasStaged is the operation and the template of a session that staged something;
// empty where BOS does not say, as of one whose record is gone.
func whatWasStaged(ctx context.Context, c *client.Client, session string) string {
	s, err := c.Session(ctx, session)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (%s of template %q)", s.Operation, s.TemplateName)
}

// stagedKernel is what the nodes of a session boot once it is applied, where all boot the same.
func stagedKernel(records []bos.Component, session string) string {
	kernel, boot := "", "boots"
	for i := range records {
		staged := &records[i].StagedState
		switch {
		case staged.Session != session:
		case staged.BootArtifacts.Kernel == "", kernel != "" && kernel != staged.BootArtifacts.Kernel:
			return ""
		case kernel != "":
			boot = "boot"
		default:
			kernel = staged.BootArtifacts.Kernel
		}
	}
	if kernel == "" {
		return ""
	}
	return ", which " + boot + " " + kernel
}

// writeTaken says which nodes what is staged was applied to before.
func writeTaken(b *strings.Builder, records []bos.Component, only string, p stagedPlan) {
	going := underWay(records, only)
	if len(going) > 0 {
		fmt.Fprintf(b, "\nBOS is bringing %s to what session %s has staged already, and it is not applied to "+
			"them again: %s", nodes(int64(len(going))), sessionsOf(records, going), bos.Fold(going))
	}
	took, _ := taken(records, only)
	if len(took) == 0 || p.receipt != nil && p.receipt.Ran != nil && p.receipt.Ran.InFlight {
		return
	}
	have, are := "have", "are"
	if len(took) == 1 {
		have, are = "has", "is"
	}
	so := are + " brought to it once more"
	if p.plain && only == "" {
		so = are + " left alone, since this BOS does not tell whether it was by this plan; to apply it to them once more, give session"
	}
	fmt.Fprintf(b, "\n%s %s taken it before, and %s: %s", nodes(int64(len(took))), have, so, bos.Fold(took))
}

// sessionsOf are the sessions of some of the nodes, in order.
func sessionsOf(records []bos.Component, ids []string) string {
	some := make(map[string]bool, len(ids))
	for _, id := range ids {
		some[id] = true
	}
	var names []string
	for _, record := range records {
		if some[record.ID] {
			names = append(names, record.Session)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}
