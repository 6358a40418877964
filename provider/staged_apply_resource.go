package provider

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

type stagedApplyResource struct {
	shared *shared
	after  func(time.Duration) <-chan time.Time
	now    func() time.Time
	// kind tells the action from the resource; empty for the latter.
	kind string
}

// kindStagedApply is the kind of the action.
const kindStagedApply = "bos_staged_apply action"

var (
	_ resource.ResourceWithConfigure   = (*stagedApplyResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*stagedApplyResource)(nil)
	_ resource.ResourceWithImportState = (*stagedApplyResource)(nil)
	_ resource.ResourceWithIdentity    = (*stagedApplyResource)(nil)
)

func newStagedApplyResource() resource.Resource {
	return &stagedApplyResource{after: time.After, now: time.Now}
}

func (r *stagedApplyResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_staged_apply"
}

func (r *stagedApplyResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.shared = configured(req.ProviderData, &resp.Diagnostics)
}

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
		plan.Tenant = r.shared.defaultTenant()
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
	records, err := r.shared.reach(plan.Tenant, diags).Components(ctx, bos.ComponentFilter{IDs: names})
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
	for _, session := range slices.Sorted(maps.Keys(staged)) {
		fmt.Fprintf(&b, "\nStaged by session %s for %s: %s", session, nodes(int64(len(staged[session]))), bos.Fold(staged[session]))
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

// Create returns an error only as long as nothing was applied: from then on an
// error would taint the resource, and the next apply would act on the nodes
// once more.
func (r *stagedApplyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m stagedApplyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Create(ctx, defaultWait)
	resp.Diagnostics.Append(diags...)
	c := r.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if m.Tenant.IsUnknown() {
		m.Tenant = r.shared.defaultTenant()
	}
	names, err := wanted(m.Xnames)
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("xnames"), "Unable to apply staged state", capital(err.Error())+".")
		return
	}
	defer r.shared.embedded.drive(ctx)()
	m.noOutcome()
	was, ok := r.apply(ctx, c, &m, names, r.shared.staged.numberFor(reviewed(ctx)), &resp.Diagnostics)
	if !ok {
		return
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateOwned, was.noted())...)
	if m.Effect.IsUnknown() {
		m.Effect = types.StringValue(m.effected())
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	resp.Diagnostics.Append(m.identify(ctx, resp.Identity)...)
	if unlessFalse(m.WaitForCompletion) && !m.unconfirmed() {
		r.await(ctx, c, &m, limit, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// apply sends the request once and takes over what BOS says it did; false, with
// an error, if nothing was touched. number is the one it is applied by; empty on a BOS
// that gives none.
func (r *stagedApplyResource) apply(ctx context.Context, c *client.Client, m *stagedApplyModel, names []string, number string, diags *diag.Diagnostics) (
	was stagedBefore, ok bool,
) {
	before, err := c.Components(ctx, bos.ComponentFilter{IDs: names})
	if err != nil {
		unable(diags, "apply staged state; nothing was touched", err)
		return was, false
	}
	was = stagedIn(before)
	m.ID = types.StringValue(uuid.NewString())
	m.AppliedAt = types.StringValue(bos.At(r.now()).String())
	var going, took []string
	if number == "" {
		// Nobody but the nodes' records tells what was applied before.
		going = underWay(before, m.Session.ValueString())
		if m.Session.IsNull() {
			took, _ = taken(before, "")
		}
	}
	rest := without(names, slices.Concat(going, took))
	var answer bos.StagedAnswer
	if len(rest) > 0 {
		// An interrupt must not leave behind what nobody knows of.
		answer, err = c.ApplyStaged(context.WithoutCancel(ctx), rest, client.StagedBounds{
			Session: m.Session.ValueString(), Guards: r.shared.guardsToSend(), Receipt: number,
		})
		r.shared.components.forget()
	}
	switch {
	case err != nil && client.Undecided(err):
		var known bool
		if answer.StagedOutcome, known = r.lookUp(ctx, c, rest, was, answer.StagedOutcome, diags, err); !known {
			m.expect(names, was.owner)
			return was, true
		}
	case err != nil && len(answer.Succeeded)+len(answer.Failed)+len(answer.Ignored) > 0:
		diags.AddWarning("Staged state was applied for some nodes only", explain(err))
	case err != nil && isGuard(err):
		diags.AddError(titleGuarded+" of the provider block", explain(err))
		return was, false
	case err != nil:
		unable(diags, "apply staged state", err)
		return was, false
	}
	answer.Succeeded = slices.Concat(answer.Succeeded, going, took)
	answer.UnderWay, answer.Repeated = append(answer.UnderWay, going...), append(answer.Repeated, took...)
	r.takeAnswer(m, names, answer, was.owner, number, diags)
	return was, true
}

// takeAnswer takes over what BOS did, and says what it had done before.
func (r *stagedApplyResource) takeAnswer(m *stagedApplyModel, names []string, answer bos.StagedAnswer, owner map[string]string, number string,
	diags *diag.Diagnostics,
) {
	for session, folded := range answer.Sessions {
		if ids, err := bos.Expand(folded, maxNames); err == nil {
			for _, id := range ids {
				owner[id] = session
			}
		}
	}
	if going := answer.UnderWay; len(going) > 0 {
		diags.AddWarning(headline("BOS goes on with "+nodes(int64(len(going))), bos.Fold(going)),
			fmt.Sprintf("%s: BOS was bringing them to what is staged already, as after an apply that was cut off. It was not applied to them again, and this "+
				"takes them over.", bos.Fold(going)))
	}
	if before := answer.Repeated; len(before) > 0 {
		at := ""
		if !answer.AppliedAt.IsZero() {
			at = ", at " + answer.AppliedAt.String()
			m.AppliedAt = types.StringValue(answer.AppliedAt.String())
		}
		diags.AddWarning(headline("Applied before, and not again: "+nodes(int64(len(before))), bos.Fold(before)),
			fmt.Sprintf("%s: what is staged was applied to them before%s, as by an apply that was cut off. It was not applied to them again, and this takes over "+
				"what became of them. %s", bos.Fold(before), at, r.toApplyAgain(number)))
	}
	outcome := completed(names, answer.StagedOutcome)
	m.take(outcome, owner)
	m.Status = types.StringValue(string(bos.SessionRunning))
	if ignored := outcome.Ignored; len(ignored) > 0 {
		diags.AddWarning(fmt.Sprintf("Nothing was applied for %s", nodes(int64(len(ignored)))), bos.Fold(ignored)+" were left alone: nothing was staged for them, "+
			"or by another session than the one that session names, BOS or the tenant does not have them, or the request that named them was refused.")
	}
}

// toApplyAgain is how what was applied is applied once more.
func (r *stagedApplyResource) toApplyAgain(number string) string {
	switch {
	case number == "":
		return "To apply it to them once more, give session."
	case r.kind == kindStagedApply:
		return "To apply it once more, invoke the action by a new plan."
	default:
		return "To apply it once more, change triggers."
	}
}

// wait polls the nodes until BOS is done with them, time is up or Terraform
// was interrupted.
func (r *stagedApplyResource) wait(ctx context.Context, c *client.Client, m *stagedApplyModel, limit time.Duration) waited {
	until, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var trouble, broken error
	done := newWaiter(r.after, durationOr(m.PollInterval, defaultPoll), nil).until(until, func(ctx context.Context) bool {
		if err := r.refresh(ctx, c, m); err == nil || ctx.Err() == nil {
			trouble = err
		}
		if broken = r.shared.embedded.trouble(); broken != nil {
			cancel()
		}
		return m.complete()
	})
	r.shared.components.forget()
	return endOf(ctx, done, broken, trouble, limit)
}

// tellStaged says how a wait for staged state ended, without what follows from
// it; empty if BOS is done.
func (w waited) tellStaged() string {
	switch w.end {
	case waitDone:
		return ""
	case waitInterrupted:
		return "Terraform was interrupted. BOS goes on with the nodes"
	case waitBroken:
		return fmt.Sprintf("The embedded BOS stopped, so nobody acts for the nodes now: %s", explain(w.trouble))
	case waitSilent:
		return fmt.Sprintf("After %s BOS still did not say how the nodes are getting on: %s", w.limit, explain(w.trouble))
	default:
		return fmt.Sprintf("BOS is still working on the nodes after %s. It goes on", w.limit)
	}
}

// await waits for this resource. All trouble is a warning.
func (r *stagedApplyResource) await(ctx context.Context, c *client.Client, m *stagedApplyModel, limit time.Duration, diags *diag.Diagnostics) {
	w := r.wait(ctx, c, m, limit)
	switch told := w.tellStaged(); {
	case w.end == waitLate:
		diags.AddWarning(stoppedStaged, told+"; the next apply resumes waiting and applies nothing again. Raise timeouts to wait longer.")
	case w.end == waitSilent, w.end == waitBroken:
		diags.AddWarning(stoppedStaged, told+"\n\nThe next apply resumes waiting and applies nothing again.")
	case w.end != waitDone:
		diags.AddWarning(stoppedStaged, told+"; the next apply resumes waiting for them and applies nothing again.")
	case len(m.unfinished) > 0:
		diags.AddWarning(m.unfinishedSummary(), m.unfinishedDetail())
	}
	if m.complete() && m.FailedCount.ValueInt64() > 0 {
		diags.AddWarning(fmt.Sprintf("%s failed after their staged state was applied", nodes(m.FailedCount.ValueInt64())),
			fmt.Sprintf("%s\n\nTo act on just these again, give a bos_session\n\n    limit = %q", m.FailedNodes.ValueString(), m.RetryLimit.ValueString()))
	}
}

const stoppedStaged = "Stopped waiting for staged state"

// refresh asks how the nodes are. Those that another session has taken over are no
// longer waited for.
func (r *stagedApplyResource) refresh(ctx context.Context, c *client.Client, m *stagedApplyModel) error {
	var outcomes []bos.NodeOutcome
	var open []string
	busy := 0
	refused := make(map[string]bool)
	if ids, err := bos.Expand(m.Refused.ValueString(), maxNames); err == nil {
		for _, id := range ids {
			refused[id] = true
		}
	}
	for session, ids := range m.owned(ctx) {
		records, err := c.Components(ctx, bos.ComponentFilter{Session: session})
		if err != nil {
			return err
		}
		mine := make(map[string]bool, len(ids))
		for _, id := range ids {
			mine[id] = true
		}
		for _, record := range records {
			if !mine[record.ID] {
				continue
			}
			if record.Enabled {
				busy++
			}
			outcome := bos.NodeOutcome{ID: record.ID, Status: cmp.Or(record.Status.Status, record.DeriveStatus()), Error: record.Error}
			if refused[record.ID] {
				outcome.Status = bos.StatusFailed
			}
			outcomes = append(outcomes, outcome)
		}
		open = append(open, unclear(ids, outcomes)...)
	}
	m.Status = types.StringValue(string(bos.SessionRunning))
	if busy == 0 {
		m.Status, m.unfinished = types.StringValue(string(bos.SessionComplete)), open
		m.FailedNodes, m.FailedCount, m.RetryLimit, m.ErrorSummary = reported(failuresOf(outcomes))
		m.Succeeded = m.judged()
	}
	return nil
}

// Read follows the nodes until BOS is done with them; from then on it is
// history.
func (r *stagedApplyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m stagedApplyModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	resp.Diagnostics.Append(m.identify(ctx, resp.Identity)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if m.complete() {
		m.modernize()
		resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
		return
	}
	c := r.shared.reachStored(m.Tenant, &resp.Diagnostics)
	if c == nil {
		return
	}
	if m.Status.IsNull() {
		if err := r.adopt(ctx, c, &m); err != nil {
			resp.Diagnostics.AddError("Unable to import applied staged state", capital(explain(err)))
			return
		}
	}
	if m.unconfirmed() {
		noted, diags := req.Private.GetKey(ctx, privateOwned)
		resp.Diagnostics.Append(diags...)
		applied, err := r.confirm(ctx, c, &m, noted)
		switch {
		case err != nil:
			unable(&resp.Diagnostics, "find out whether staged state was applied", err)
			return
		case !applied:
			resp.State.RemoveResource(ctx)
			return
		}
	}
	if err := r.refresh(ctx, c, &m); err != nil {
		unable(&resp.Diagnostics, "read the nodes whose staged state was applied", err)
		return
	}
	m.modernize()
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update resumes waiting, or takes over settings of Terraform's own. It never
// applies anything.
func (r *stagedApplyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, state stagedApplyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := m.Timeouts.Update(ctx, defaultWait)
	resp.Diagnostics.Append(diags...)
	c := r.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if m.Status.IsUnknown() {
		m.keepResults(&state)
		defer r.shared.embedded.drive(ctx)()
		r.await(ctx, c, &m, limit, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	resp.Diagnostics.Append(m.identify(ctx, resp.Identity)...)
	if !m.Triggers.IsNull() {
		// Those that an imported application gets later count as those it was done with.
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateImported, []byte(notImported))...)
	}
}

// Delete forgets it; nodes are not touched.
func (r *stagedApplyResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}
