package provider

import (
	"context"
	"fmt"
	"slices"
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
