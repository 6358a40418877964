package provider

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

type templateResource struct{ shared *shared }

var (
	_ resource.ResourceWithConfigure   = (*templateResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*templateResource)(nil)
	_ resource.ResourceWithImportState = (*templateResource)(nil)
	_ resource.ResourceWithIdentity    = (*templateResource)(nil)
)

func newTemplateResource() resource.Resource { return &templateResource{} }

func (r *templateResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session_template"
}

// IdentitySchema is name and tenant.
func (r *templateResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = namedIdentitySchema("template")
}

func (r *templateResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.shared = configured(req.ProviderData, &resp.Diagnostics)
}

// ModifyPlan says at plan what the revision will be, leaves lists alone whose
// nodes only changed places, and tells sessions of this run what they will boot.
func (r *templateResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var config, plan templateModel
	var state *templateModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if config.Tenant.IsNull() {
		plan.Tenant = r.shared.plannedTenant(state != nil, &resp.Diagnostics)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if state != nil && !plan.Tenant.Equal(state.Tenant) {
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("tenant"))
	}
	if state != nil {
		plan.keepSameNodes(ctx, *state, &resp.Diagnostics)
	}
	r.refuseTwice(plan, state == nil, req.Config.Raw, &resp.Diagnostics)
	if state == nil {
		r.planTaken(ctx, plan, &resp.Diagnostics)
	} else if r.shared != nil {
		r.shared.templates.note(inState, state.Tenant, state.Name)
	}
	plan.ID = joinID(plan.Tenant, plan.Name)
	plan.Revision = types.StringUnknown()
	plan.Valid, plan.ValidationMessage = types.BoolUnknown(), types.StringUnknown()
	if plan.revisionKnown(ctx) {
		t := plan.toAPI(ctx, &resp.Diagnostics)
		plan.Revision = types.StringValue(revision(t))
		if state == nil || plan.Description.IsUnknown() || !reflect.DeepEqual(t, state.toAPI(ctx, &resp.Diagnostics)) {
			r.remember(plan, &t)
		} else {
			plan.Valid, plan.ValidationMessage = state.Valid, state.ValidationMessage
		}
	} else {
		r.remember(plan, nil)
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

func (r *templateResource) remember(plan templateModel, t *bos.SessionTemplate) {
	if r.shared != nil && !plan.Name.IsUnknown() && !plan.Tenant.IsUnknown() {
		r.shared.planned.put(plan.Tenant.ValueString(), plan.Name.ValueString(), t)
	}
}

// keepSameNodes plans the lists of the state where the configured ones name
// the same nodes.
func (m *templateModel) keepSameNodes(ctx context.Context, state templateModel, diags *diag.Diagnostics) {
	if m.BootSets.IsUnknown() {
		return
	}
	before, sets := state.sets(ctx, diags), m.sets(ctx, diags)
	for name, set := range sets {
		was, ok := before[name]
		if !ok {
			continue
		}
		set.NodeList = sameNodesOr(was.NodeList, set.NodeList)
		set.NodeGroups = sameNodesOr(was.NodeGroups, set.NodeGroups)
		set.NodeRolesGroups = sameNodesOr(was.NodeRolesGroups, set.NodeRolesGroups)
		sets[name] = set
	}
	planned, more := types.MapValueFrom(ctx, bootSetType, sets)
	diags.Append(more...)
	if !diags.HasError() {
		m.BootSets = planned
	}
}

func (r *templateResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan templateModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	c := r.shared.reach(plan.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	defer r.shared.writing.take(plan.Tenant, plan.Name)()
	found, err := c.Template(ctx, plan.Name.ValueString())
	switch {
	case err == nil && !plan.isStored(ctx, found, &resp.Diagnostics):
		templateTaken(plan, &resp.Diagnostics)
		return
	case err == nil:
		r.shared.templates.note(goingOn, plan.Tenant, plan.Name)
		takesOver(plan, &resp.Diagnostics)
		plan.settle(ctx, c, found, &resp.Diagnostics)
	case client.IsNotFound(err):
		r.put(ctx, c, &plan, "create BOS session template", &resp.Diagnostics)
	default:
		unable(&resp.Diagnostics, "create BOS session template", err)
		return
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(identifyNamed(ctx, resp.Identity, plan.Tenant, plan.Name)...)
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	}
}

// put stores the template. A PUT that got no clear answer is looked up: storing
// the same once more would do no harm, but having stored it is what counts.
func (r *templateResource) put(ctx context.Context, c *client.Client, plan *templateModel, what string, diags *diag.Diagnostics) {
	wanted := plan.toAPI(ctx, diags)
	if diags.HasError() {
		return
	}
	stored, err := c.PutTemplate(ctx, wanted)
	if err != nil && client.Undecided(err) {
		found, lookUp := c.Template(ctx, wanted.Name)
		if lookUp == nil && sameTemplate(found, wanted) {
			stored, err = found, nil
		}
	}
	if err != nil {
		unable(diags, what, err)
		return
	}
	if got := revision(stored); got != revision(wanted) {
		diags.AddWarning("BOS stored the session template differently",
			fmt.Sprintf("BOS accepted template %q and stored other content than it was sent; the next plan shows the difference.", wanted.Name))
	}
	plan.settle(ctx, c, wanted, diags)
}

// settle takes over what is known of a template once BOS has it.
func (m *templateModel) settle(ctx context.Context, c *client.Client, stored bos.SessionTemplate, diags *diag.Diagnostics) {
	m.ID = joinID(m.Tenant, m.Name)
	m.Revision = types.StringValue(revision(stored))
	m.readValidity(ctx, c, diags)
	if text := m.ValidationMessage.ValueString(); text != "" {
		diags.AddWarning("BOS finds something wrong with the session template", fmt.Sprintf("Template %q is stored, but BOS says: %s\n\nA session that boots it "+
			"may be refused.", stored.Name, text))
	}
}

func (r *templateResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state templateModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	// Before anything else: the framework wants an identity of one that is gone
	// as well, and Terraform before 1.12 hands none in.
	resp.Diagnostics.Append(identifyNamed(ctx, resp.Identity, state.Tenant, state.Name)...)
	if r.shared != nil {
		r.shared.templates.note(inState, state.Tenant, state.Name)
	}
	c := r.shared.reachStored(state.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	t, err := c.Template(ctx, state.Name.ValueString())
	if client.IsNotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		unable(&resp.Diagnostics, "read BOS session template", err)
		return
	}
	state.fromAPI(ctx, t, &resp.Diagnostics)
	state.readValidity(ctx, c, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

func (r *templateResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan templateModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	c := r.shared.reach(plan.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	r.put(ctx, c, &plan, "update BOS session template", &resp.Diagnostics)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(identifyNamed(ctx, resp.Identity, plan.Tenant, plan.Name)...)
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	}
}

func (r *templateResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state templateModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	c := r.shared.reachStored(state.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return // unknown
	}
	defer r.shared.writing.take(state.Tenant, state.Name)()
	if r.shared.templates.has(goingOn, state.Tenant, state.Name.ValueString()) {
		return // taken over by another resource in this very apply
	}
	if err := c.DeleteTemplate(ctx, state.Name.ValueString()); err != nil && !client.IsNotFound(err) {
		unable(&resp.Diagnostics, "delete BOS session template", err)
	}
}

func (r *templateResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importByName(ctx, r.shared, req, resp)
}

// importByName takes "name" or "tenant/name", or an identity.
func importByName(ctx context.Context, s *shared, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id, tenant, name := req.ID, s.defaultTenant(), req.ID
	if i := strings.LastIndexByte(id, '/'); i >= 0 {
		tenant, name = types.StringValue(id[:i]), id[i+1:]
	}
	if id == "" && req.Identity != nil {
		var given namedIdentity
		resp.Diagnostics.Append(req.Identity.Get(ctx, &given)...)
		name = given.Name.ValueString()
		if !given.Tenant.IsNull() {
			tenant = given.Tenant
		}
		id = joinID(tenant, given.Name).ValueString()
	}
	if !bos.ValidName(name) || tenant.ValueString() == "" && !tenant.IsNull() {
		resp.Diagnostics.AddError("Invalid import id", fmt.Sprintf("%q is neither a name nor tenant/name; a name is %s.", id, bos.NameRule))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), name)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("tenant"), tenant)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), joinID(tenant, types.StringValue(name)))...)
	resp.Diagnostics.Append(identifyNamed(ctx, resp.Identity, tenant, types.StringValue(name))...)
}

// joinID is name or tenant/name, unknown while a part is.
func joinID(tenant, name types.String) types.String {
	switch {
	case tenant.IsUnknown() || name.IsUnknown():
		return types.StringUnknown()
	case tenant.ValueString() == "":
		return name
	default:
		return types.StringValue(tenant.ValueString() + "/" + name.ValueString())
	}
}
