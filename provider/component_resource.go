package provider

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

type componentResource struct {
	shared *shared
	after  func(time.Duration) <-chan time.Time
}

var (
	_ resource.ResourceWithConfigure   = (*componentResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*componentResource)(nil)
	_ resource.ResourceWithImportState = (*componentResource)(nil)
	_ resource.ResourceWithIdentity    = (*componentResource)(nil)
)

// privateAsked keeps the enabled that the last apply asked for, as JSON: true,
// false, or null for none. Then BOS switching it off is the answer to the request
// and no drift, and a configuration that says the same asks nothing anew.
const privateAsked = "enabled_asked"

// privateConfigured is what was kept before privateAsked was: whether there was an
// enabled. What it was is in the state.
const privateConfigured = "enabled_is_configured"

func newComponentResource() resource.Resource { return &componentResource{after: time.After} }

func (r *componentResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_component"
	resp.ResourceBehavior.MutableIdentity = true // by its tenant
}

func (r *componentResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.shared = configured(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan plans the configured fields over what BOS has. Everything else is
// BOS' own and changes nothing.
func (r *componentResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var config, plan, state *componentModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan == nil {
		r.warnHeld(state, &resp.Diagnostics)
		return
	}
	if config.Tenant.IsNull() {
		plan.Tenant = r.shared.plannedTenant(state != nil, &resp.Diagnostics)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	asked := askedOf(ctx, req.Private, state, &resp.Diagnostics)
	waiting, diags := req.Private.GetKey(ctx, privateWaiting)
	resp.Diagnostics.Append(diags...)
	if state != nil && !sameXname(plan.Xname, state.Xname) {
		// Terraform plans the new one in a call of its own, and drops the warnings
		// of that one: they have to be said here.
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("xname"))
		d := decideComponent(nameOf(plan.Xname), config.managed(), askedBefore{}, nil)
		d.foretells().note(ctx, resp.Private, &resp.Diagnostics)
		r.warn(d, &resp.Diagnostics)
		r.planHold(ctx, plan, d, true, &resp.Diagnostics)
		r.warnHeld(state, &resp.Diagnostics)
		return
	}
	d := decideComponent(nameOf(plan.Xname), config.managed(), asked, state.observed())
	plan.manage(d.plan, *config)
	plan.foretell(d, state)
	switch {
	case state == nil:
		decideComponent(nameOf(plan.Xname), config.managed(), askedBefore{}, nil).foretells().holds(ctx, req.Private, resp.Private, true, &resp.Diagnostics)
		plan.ID = types.StringUnknown()
		if !plan.Xname.IsUnknown() {
			plan.ID = types.StringValue(nameOf(plan.Xname))
		}
		plan.unknownBookkeeping()
	case d.changes || len(waiting) > 0 && plan.WaitForCompletion.ValueBool():
		plan.ID, plan.Xname = state.ID, state.Xname
		plan.unknownBookkeeping()
		if !d.changes && plan.Hold.IsNull() && !r.shared.isApplying() {
			resp.Diagnostics.AddWarning("Waits for nodes; asks nothing of BOS", fmt.Sprintf("%s: BOS is %s. What this shows as changing is what the "+
				"wait finds out.", state.ID.ValueString(), cmp.Or(state.Phase.ValueString(), "not done with it")))
		}
	default:
		plan.ID, plan.Xname = state.ID, state.Xname
		plan.keepBookkeeping(*state)
	}
	r.warn(d, &resp.Diagnostics)
	r.planHold(ctx, plan, d, state == nil, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// nameOf is the xname as messages have it.
func nameOf(xname types.String) string {
	if xname.IsUnknown() {
		return "a node that is not known yet"
	}
	return bos.CanonicalXname(xname.ValueString())
}

// warn says what was decided, at plan.
func (r *componentResource) warn(d componentDecision, diags *diag.Diagnostics) {
	if r.shared.isApplying() {
		return
	}
	for _, w := range d.warnings {
		diags.AddAttributeWarning(path.Root(w.attribute), w.summary, w.detail)
	}
}

// sameXname reports whether two xnames differ in how they are written only.
func sameXname(a, b types.String) bool {
	return !a.IsUnknown() && !b.IsUnknown() && bos.CanonicalXname(a.ValueString()) == bos.CanonicalXname(b.ValueString())
}

func (r *componentResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config componentModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	r.settleTenant(&plan)
	c := r.shared.reach(plan.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	id := bos.CanonicalXname(plan.Xname.ValueString())
	defer r.shared.embedded.drive(ctx)()
	d := decideComponent(id, config.managed(), askedBefore{}, nil)
	record, held, ok := r.carryOut(ctx, c, id, d, askedBefore{}, &resp.Diagnostics)
	if !ok {
		return
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateAsked, askedJSON(config.Enabled))...)
	resp.Diagnostics.Append(noteHold(ctx, resp.Private, d.hold, held)...)
	if plan.waits(d) {
		limit, diags := plan.Timeouts.Create(ctx, defaultWait)
		resp.Diagnostics.Append(diags...)
		var done bool
		record, done = r.wait(ctx, c, record, limit, &resp.Diagnostics)
		resp.Diagnostics.Append(waitBegun(ctx, resp.Private, !done)...)
	}
	plan.settle(d, record, held)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(identifyComponent(ctx, resp.Identity, plan.Tenant, record.ID)...)
}

// settleTenant is the provider's tenant where the plan did not know it.
func (r *componentResource) settleTenant(plan *componentModel) {
	if plan.Tenant.IsUnknown() {
		plan.Tenant = r.shared.defaultTenant()
	}
}

func jsonBool(b bool) []byte { return fmt.Appendf(nil, "%t", b) }

func (r *componentResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state componentModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	asked := askedOf(ctx, req.Private, &state, &resp.Diagnostics)
	c := r.shared.reachStored(state.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	id := bos.CanonicalXname(state.Xname.ValueString())
	// Before anything else: the framework wants an identity of one that is gone
	// as well, and Terraform before 1.12 hands none in.
	resp.Diagnostics.Append(identifyComponent(ctx, resp.Identity, state.Tenant, id)...)
	record, found, err := r.shared.components.read(ctx, c, id)
	if err != nil {
		unable(&resp.Diagnostics, "read BOS component", err)
		return
	}
	if !found {
		resp.State.RemoveResource(ctx)
		return
	}
	held, err := r.shared.components.held(ctx, c, id)
	if err != nil {
		unable(&resp.Diagnostics, "read the holds of BOS components", err)
		return
	}
	resp.Diagnostics.Append(lookAtHold(ctx, req.Private, resp.Private, state.Hold, held)...)
	now := observedResource(state.Tenant, state.Xname, record, held)
	now.Hold = holdOf(state.Hold, held)
	now.WaitForCompletion, now.Timeouts = state.WaitForCompletion, state.Timeouts
	now.Enabled = types.BoolValue(enabledInState(asked.enabled, record))
	now.Effect = types.StringValue(effectInState(asked.enabled))
	if !reflect.DeepEqual(now, state) { // what is as it was costs the framework as much to write
		resp.Diagnostics.Append(resp.State.Set(ctx, &now)...)
	}
	if !record.Enabled {
		resp.Diagnostics.Append(waitBegun(ctx, resp.Private, false)...)
	}
}

// privateState is what the framework keeps beside the state.
type privateState interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

// askedOf is what the last apply asked for.
func askedOf(ctx context.Context, private privateState, state *componentModel, diags *diag.Diagnostics) (asked askedBefore) {
	if state == nil {
		return asked
	}
	kept := make(map[string]string)
	for _, key := range []string{privateAsked, privateConfigured, privateImported, privateHoldShared, privateHeldSince} {
		value, more := private.GetKey(ctx, key)
		diags.Append(more...)
		kept[key] = string(value)
	}
	asked.holdShared, asked.heldSince = kept[privateHoldShared] == "true", kept[privateHeldSince]
	switch {
	case kept[privateAsked] == "true" || kept[privateAsked] == "false":
		asked.enabled = given(kept[privateAsked] == "true")
	case kept[privateAsked] != "":
	case kept[privateConfigured] == "true":
		asked.enabled = fieldOf(state.Enabled, state.Enabled.ValueBool())
	default:
		asked.adopted = kept[privateImported] == isImported
	}
	return asked
}

func askedJSON(enabled types.Bool) []byte {
	if enabled.IsNull() {
		return []byte("null")
	}
	return jsonBool(enabled.ValueBool())
}

// settle replaces what the plan did not know by what was decided and BOS answered.
func (m *componentModel) settle(d componentDecision, record bos.Component, held bos.Brake) {
	got, values := observedResource(m.Tenant, m.Xname, record, held), m.managed()
	values.enabled = values.enabled.settled(d.plan.enabled)
	m.manage(values.settled(got.managed()), *m)
	m.keepSettled(got)
	if m.Effect.IsUnknown() {
		m.foretell(d, nil)
	}
}

func (r *componentResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config, state componentModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	asked := askedOf(ctx, req.Private, &state, &resp.Diagnostics)
	waiting, diags := req.Private.GetKey(ctx, privateWaiting)
	resp.Diagnostics.Append(diags...)
	r.settleTenant(&plan)
	c := r.shared.reach(plan.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	d := decideComponent(state.ID.ValueString(), config.managed(), asked, state.observed())
	defer r.shared.embedded.drive(ctx)()
	record, held, ok := r.carryOut(ctx, c, state.ID.ValueString(), d, asked, &resp.Diagnostics)
	if !ok {
		return
	}
	done := true
	if plan.waits(d) || plan.WaitForCompletion.ValueBool() && plan.Hold.IsNull() && len(waiting) > 0 {
		limit, diags := plan.Timeouts.Update(ctx, defaultWait)
		resp.Diagnostics.Append(diags...)
		record, done = r.wait(ctx, c, record, limit, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(waitBegun(ctx, resp.Private, !done)...)
	plan.settle(d, record, held)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(identifyComponent(ctx, resp.Identity, plan.Tenant, record.ID)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateAsked, askedJSON(config.Enabled))...)
	resp.Diagnostics.Append(noteHold(ctx, resp.Private, d.hold, held)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateImported, []byte(notImported))...)
}

// Delete forgets the component; the node, its hold and BOS' record stay as they are.
func (r *componentResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}

func (r *componentResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	xname, tenant := req.ID, r.shared.defaultTenant()
	if i := strings.LastIndexByte(xname, '/'); i >= 0 {
		tenant, xname = types.StringValue(xname[:i]), xname[i+1:]
	}
	if xname == "" && req.Identity != nil {
		var given componentIdentity
		resp.Diagnostics.Append(req.Identity.Get(ctx, &given)...)
		xname = given.Xname.ValueString()
		if !given.Tenant.IsNull() {
			tenant = given.Tenant
		}
	}
	id := bos.CanonicalXname(xname)
	if !bos.ValidComponentID(id) || tenant.ValueString() == "" && !tenant.IsNull() {
		resp.Diagnostics.AddError("Invalid import id", fmt.Sprintf("%q is neither an xname nor tenant/xname; an xname is such as x3000c0s19b1n0.", req.ID))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("tenant"), tenant)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("xname"), xname)...)
	resp.Diagnostics.Append(identifyComponent(ctx, resp.Identity, tenant, id)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateImported, []byte(isImported))...)
}
