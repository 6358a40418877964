package provider

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
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
	if resp.Diagnostics.HasError() || plan == nil {
		return
	}
	asked := askedOf(ctx, req.Private, state, &resp.Diagnostics)
	waiting, diags := req.Private.GetKey(ctx, privateWaiting)
	resp.Diagnostics.Append(diags...)
	if state != nil && !sameXname(plan.Xname, state.Xname) {
		// Terraform plans the new one in a call of its own, and drops the warnings
		// of that one: they have to be said here.
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("xname"))
		r.warn(decideComponent(nameOf(plan.Xname), config.managed(), askedBefore{}, nil), &resp.Diagnostics)
		return
	}
	d := decideComponent(nameOf(plan.Xname), config.managed(), asked, state.observed())
	plan.manage(d.plan, *config)
	plan.foretell(d, state)
	switch {
	case state == nil:
		plan.ID = types.StringUnknown()
		if !plan.Xname.IsUnknown() {
			plan.ID = types.StringValue(nameOf(plan.Xname))
		}
		plan.unknownBookkeeping()
	case d.changes || len(waiting) > 0 && plan.WaitForCompletion.ValueBool():
		plan.ID, plan.Xname = state.ID, state.Xname
		plan.unknownBookkeeping()
	default:
		plan.ID, plan.Xname = state.ID, state.Xname
		plan.keepBookkeeping(*state)
	}
	r.warn(d, &resp.Diagnostics)
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
	c := r.shared.reach(types.StringNull(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	id := bos.CanonicalXname(plan.Xname.ValueString())
	defer r.shared.embedded.drive(ctx)()
	d := decideComponent(id, config.managed(), askedBefore{}, nil)
	record, err := r.adopt(ctx, c, id, d.patch)
	if client.IsNotFound(err) {
		resp.Diagnostics.AddAttributeError(path.Root("xname"), "BOS knows no such component",
			fmt.Sprintf("BOS has no component %s, and this resource adopts nodes instead of inventing them. Check the xname; if the node is new, wait for BOS to discover it from the inventory.", id))
		return
	}
	if err != nil {
		unable(&resp.Diagnostics, "adopt BOS component", err)
		return
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateAsked, askedJSON(config.Enabled))...)
	if plan.waits(d.patch) {
		limit, diags := plan.Timeouts.Create(ctx, defaultWait)
		resp.Diagnostics.Append(diags...)
		var done bool
		record, done = r.wait(ctx, c, record, limit, &resp.Diagnostics)
		resp.Diagnostics.Append(waitBegun(ctx, resp.Private, !done)...)
	}
	plan.settle(d, record)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(identifyComponent(ctx, resp.Identity, record.ID)...)
}

// adopt writes what is configured; a component of which nothing is managed is
// only looked at.
func (r *componentResource) adopt(ctx context.Context, c *client.Client, id string, patch bos.ComponentPatch) (bos.Component, error) {
	if !patch.Empty() {
		return r.write(ctx, c, id, patch)
	}
	record, found, err := r.shared.components.read(ctx, c, id)
	if err != nil || found {
		return record, err
	}
	return c.Component(ctx, id)
}

// write patches the record. The list that reads are served from is outdated
// then, whatever the answer is.
func (r *componentResource) write(ctx context.Context, c *client.Client, id string, patch bos.ComponentPatch) (bos.Component, error) {
	defer r.shared.components.forget()
	return c.PatchComponent(ctx, id, patch)
}

func jsonBool(b bool) []byte { return fmt.Appendf(nil, "%t", b) }

func (r *componentResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state componentModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	asked := askedOf(ctx, req.Private, &state, &resp.Diagnostics)
	c := r.shared.reach(types.StringNull(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	id := bos.CanonicalXname(state.Xname.ValueString())
	// Before anything else: the framework wants an identity of one that is gone
	// as well, and Terraform before 1.12 hands none in.
	resp.Diagnostics.Append(identifyComponent(ctx, resp.Identity, id)...)
	record, found, err := r.shared.components.read(ctx, c, id)
	if err != nil {
		unable(&resp.Diagnostics, "read BOS component", err)
		return
	}
	if !found {
		resp.State.RemoveResource(ctx)
		return
	}
	now := observedResource(state.Xname, record)
	now.WaitForCompletion, now.Timeouts = state.WaitForCompletion, state.Timeouts
	now.Enabled = types.BoolValue(shownEnabled(asked.enabled, record))
	now.Effect = types.StringValue(shownEffect(asked.enabled))
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
	for _, key := range []string{privateAsked, privateConfigured, privateImported} {
		value, more := private.GetKey(ctx, key)
		diags.Append(more...)
		kept[key] = string(value)
	}
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
func (m *componentModel) settle(d componentDecision, record bos.Component) {
	got, values := observedResource(m.Xname, record), m.managed()
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
	c := r.shared.reach(types.StringNull(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	d := decideComponent(state.ID.ValueString(), config.managed(), asked, state.observed())
	var record bos.Component
	var err error
	defer r.shared.embedded.drive(ctx)()
	if d.patch.Empty() {
		record, err = c.Component(ctx, state.ID.ValueString())
	} else {
		record, err = r.write(ctx, c, state.ID.ValueString(), d.patch)
	}
	if err != nil {
		unable(&resp.Diagnostics, "update BOS component", err)
		return
	}
	done := true
	if plan.waits(d.patch) || plan.WaitForCompletion.ValueBool() && len(waiting) > 0 {
		limit, diags := plan.Timeouts.Update(ctx, defaultWait)
		resp.Diagnostics.Append(diags...)
		record, done = r.wait(ctx, c, record, limit, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(waitBegun(ctx, resp.Private, !done)...)
	plan.settle(d, record)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(identifyComponent(ctx, resp.Identity, record.ID)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateAsked, askedJSON(config.Enabled))...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateImported, []byte(notImported))...)
}

// Delete forgets the component; the node and BOS' record stay as they are.
func (r *componentResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {
}

func (r *componentResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	xname := req.ID
	if xname == "" && req.Identity != nil {
		var given componentIdentity
		resp.Diagnostics.Append(req.Identity.Get(ctx, &given)...)
		xname = given.Xname.ValueString()
	}
	id := bos.CanonicalXname(xname)
	if !bos.ValidComponentID(id) {
		resp.Diagnostics.AddError("Invalid import id", fmt.Sprintf("%q is no xname; give one such as x3000c0s19b1n0.", xname))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("xname"), xname)...)
	resp.Diagnostics.Append(identifyComponent(ctx, resp.Identity, id)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateImported, []byte(isImported))...)
}
