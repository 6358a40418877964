package provider

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
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

// privateEnabled records whether the configuration says enabled: then BOS
// switching it off is the answer to the request and no drift.
const privateEnabled = "enabled_is_configured"

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
	if state != nil && !sameXname(plan.Xname, state.Xname) {
		// Terraform plans the new one in a call of its own.
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("xname"))
		return
	}
	if state == nil {
		plan.layOver(*config, componentModel{}, false)
		plan.ID = types.StringUnknown()
		if !plan.Xname.IsUnknown() {
			plan.ID = types.StringValue(bos.CanonicalXname(plan.Xname.ValueString()))
		}
		plan.unknownBookkeeping()
		r.warnArming(config.patch(nil), plan, &resp.Diagnostics)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
		return
	}
	imported, diags := req.Private.GetKey(ctx, privateImported)
	resp.Diagnostics.Append(diags...)
	waiting, diags := req.Private.GetKey(ctx, privateWaiting)
	resp.Diagnostics.Append(diags...)
	effective := *config
	effective.Enabled = wantedEnabled(*config, *state, string(imported) == isImported)
	plan.ID, plan.Xname = state.ID, state.Xname
	plan.layOver(effective, *state, true)
	patch := effective.patch(state)
	switch {
	case patch.Empty() && len(waiting) > 0 && plan.WaitForStable.ValueBool():
		plan.unknownBookkeeping()
	case patch.Empty():
		plan.keepBookkeeping(*state)
	default:
		plan.unknownBookkeeping()
		r.warnArming(patch, plan, &resp.Diagnostics)
		r.warnOwned(patch, *state, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

// sameXname reports whether two xnames differ in how they are written only.
func sameXname(a, b types.String) bool {
	return !a.IsUnknown() && !b.IsUnknown() && bos.CanonicalXname(a.ValueString()) == bos.CanonicalXname(b.ValueString())
}

// wantedEnabled is the configured enabled, or what BOS has where a difference
// means nothing: an import is no request to act on the node, and a session that
// enabled it is left to finish.
func wantedEnabled(config, state componentModel, imported bool) types.Bool {
	wanted, has := config.Enabled, state.Enabled
	if wanted.IsNull() || wanted.IsUnknown() || has.IsNull() || wanted.Equal(has) {
		return wanted
	}
	switch {
	case wanted.ValueBool() && imported && !differs(config.DesiredState, state.DesiredState):
		return has
	case !wanted.ValueBool() && state.Session.ValueString() != "":
		return has
	default:
		return wanted
	}
}

// layOver plans what is configured over what was before.
func (m *componentModel) layOver(config, before componentModel, exists bool) {
	lay := func(config, before attr.Value) attr.Value {
		if !exists {
			before = nil
		}
		return merge(config, before, unknownOf)
	}
	if v, ok := lay(config.Enabled, before.Enabled).(types.Bool); ok {
		m.Enabled = v
	}
	if v, ok := lay(config.RetryPolicy, before.RetryPolicy).(types.Int64); ok {
		m.RetryPolicy = v
	}
	if v, ok := lay(config.DesiredState, before.DesiredState).(types.Object); ok {
		m.DesiredState = v
	}
	if v, ok := lay(config.StagedState, before.StagedState).(types.Object); ok {
		m.StagedState = v
	}
}

// warnArming says that a plan makes BOS act on the node.
func (r *componentResource) warnArming(patch bos.ComponentPatch, plan *componentModel, diags *diag.Diagnostics) {
	if patch.Enabled == nil || !*patch.Enabled || r.shared.isApplying() {
		return
	}
	diags.AddAttributeWarning(path.Root("enabled"), fmt.Sprintf("BOS will act on %s", plan.Xname.ValueString()),
		"enabled = true asks BOS to bring the node to its desired state: "+intention(plan.DesiredState)+".")
}

// warnOwned names the session whose desired state a plan replaces.
func (r *componentResource) warnOwned(patch bos.ComponentPatch, state componentModel, diags *diag.Diagnostics) {
	owner := state.Session.ValueString()
	if patch.DesiredState == nil || owner == "" || r.shared.isApplying() {
		return
	}
	diags.AddAttributeWarning(path.Root("desired_state"), fmt.Sprintf("Desired state of %s was set by a session", state.Xname.ValueString()),
		fmt.Sprintf("The desired state that BOS has now was set by session %s. Applying replaces it by the configured one and takes the node out of that session. To keep what the session set, change desired_state to it or leave it out.", owner))
}

func intention(desired types.Object) string {
	a, ok := desired.Attributes()["boot_artifacts"].(types.Object)
	if !ok || a.IsUnknown() || a.IsNull() {
		return "what that is depends on its record; it may be powered on, restarted or powered off"
	}
	kernel, ok := a.Attributes()["kernel"].(types.String)
	switch {
	case !ok || kernel.IsUnknown():
		return "what that is depends on its record; it may be powered on, restarted or powered off"
	case kernel.ValueString() == "":
		return "it has no kernel, so the node is powered off"
	default:
		return fmt.Sprintf("kernel %s; if it runs something else it is restarted, if it is off it is powered on", kernel.ValueString())
	}
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
	patch := config.patch(nil)
	record, err := r.adopt(ctx, c, id, patch)
	if client.IsNotFound(err) {
		resp.Diagnostics.AddAttributeError(path.Root("xname"), "BOS knows no such component",
			fmt.Sprintf("BOS has no component %s, and this resource adopts nodes instead of inventing them. Check the xname; if the node is new, wait for BOS to discover it from the inventory.", id))
		return
	}
	if err != nil {
		unable(&resp.Diagnostics, "adopt BOS component", err)
		return
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateEnabled, jsonBool(!config.Enabled.IsNull()))...)
	if plan.waits(patch) {
		limit, diags := plan.Timeouts.Create(ctx, defaultWait)
		resp.Diagnostics.Append(diags...)
		var done bool
		record, done = r.wait(ctx, c, record, limit, &resp.Diagnostics)
		resp.Diagnostics.Append(waitBegun(ctx, resp.Private, !done)...)
	}
	plan.settleAll(observedResource(plan.Xname, record))
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
	managed, diags := req.Private.GetKey(ctx, privateEnabled)
	resp.Diagnostics.Append(diags...)
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
	now.WaitForStable, now.Timeouts = state.WaitForStable, state.Timeouts
	if string(managed) == "true" {
		now.Enabled = sticky(state.Enabled, record)
	}
	if !reflect.DeepEqual(now, state) { // what is as it was costs the framework as much to write
		resp.Diagnostics.Append(resp.State.Set(ctx, &now)...)
	}
	if !record.Enabled {
		resp.Diagnostics.Append(waitBegun(ctx, resp.Private, false)...)
	}
}

// sticky is what a configured enabled is after a look at the record. True
// stays: BOS clears it when the node is done. False becomes true only if nobody's
// session enabled the node.
func sticky(before types.Bool, record bos.Component) types.Bool {
	if before.ValueBool() {
		return before
	}
	return types.BoolValue(record.Enabled && record.Session == "")
}

func (r *componentResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config, state componentModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	imported, diags := req.Private.GetKey(ctx, privateImported)
	resp.Diagnostics.Append(diags...)
	waiting, diags := req.Private.GetKey(ctx, privateWaiting)
	resp.Diagnostics.Append(diags...)
	c := r.shared.reach(types.StringNull(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	effective := config
	effective.Enabled = wantedEnabled(config, state, string(imported) == isImported)
	var record bos.Component
	var err error
	defer r.shared.embedded.drive(ctx)()
	patch := effective.patch(&state)
	if patch.Empty() {
		record, err = c.Component(ctx, state.ID.ValueString())
	} else {
		record, err = r.write(ctx, c, state.ID.ValueString(), patch)
	}
	if err != nil {
		unable(&resp.Diagnostics, "update BOS component", err)
		return
	}
	done := true
	if plan.waits(patch) || plan.WaitForStable.ValueBool() && len(waiting) > 0 {
		limit, diags := plan.Timeouts.Update(ctx, defaultWait)
		resp.Diagnostics.Append(diags...)
		record, done = r.wait(ctx, c, record, limit, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(waitBegun(ctx, resp.Private, !done)...)
	plan.settleAll(observedResource(plan.Xname, record))
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(identifyComponent(ctx, resp.Identity, record.ID)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateEnabled, jsonBool(!config.Enabled.IsNull()))...)
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
