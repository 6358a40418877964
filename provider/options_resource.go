package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

type optionsResource struct{ shared *shared }

var (
	_ resource.ResourceWithConfigure      = (*optionsResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*optionsResource)(nil)
	_ resource.ResourceWithValidateConfig = (*optionsResource)(nil)
	_ resource.ResourceWithImportState    = (*optionsResource)(nil)
	_ resource.ResourceWithIdentity       = (*optionsResource)(nil)
)

func newOptionsResource() resource.Resource { return &optionsResource{} }

func (r *optionsResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_options"
}

func (r *optionsResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.shared = configured(req.ProviderData, &resp.Diagnostics)
}

func (r *optionsResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := map[string]schema.Attribute{"id": computedText("Always `" + optionsID + "`.")}
	for _, o := range options {
		attributes[o.option()] = o.managed()
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The options of the service. There is one set of them, so use this resource once per BOS. Only options that are configured " +
			"here are managed: the others keep the values they have, " +
			"and changes made to them elsewhere are no drift. Options take effect at once. Destroying this leaves all options as they are.",
		Attributes: attributes,
	}
}

// ValidateConfig checks values by the rules of BOS.
func (r *optionsResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config optionsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	var wrong *bos.Invalid
	if err := config.patch(nil).Validate(); errors.As(err, &wrong) {
		resp.Diagnostics.AddAttributeError(path.Root(wrong.Field), "Invalid option", err.Error()+".")
	}
}

// ModifyPlan plans the configured options over those that BOS has.
func (r *optionsResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var config, plan, state *optionsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || plan == nil {
		return
	}
	plan.ID = types.StringValue(optionsID)
	plan.layOver(config, state)
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
}

func (r *optionsResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config optionsModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if r.set(ctx, config.patch(nil), &plan, &resp.Diagnostics) {
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		resp.Diagnostics.Append(identifyOptions(ctx, resp.Identity)...)
	}
}

// set sends what has to change and settles the plan with the answer.
func (r *optionsResource) set(ctx context.Context, patch bos.OptionsPatch, plan *optionsModel, diags *diag.Diagnostics) bool {
	c := r.shared.reach(types.StringNull(), diags)
	if c == nil {
		return false
	}
	send := func() (bos.OptionsPatch, error) { return c.SetOptions(ctx, patch) }
	if patch == (bos.OptionsPatch{}) {
		send = func() (bos.OptionsPatch, error) { return c.KnownOptions(ctx) }
	}
	got, err := send()
	if err != nil {
		unable(diags, "set BOS options", err)
		return false
	}
	for _, name := range ignored(patch, got) {
		diags.AddAttributeWarning(path.Root(name), "BOS does not know this option",
			fmt.Sprintf("BOS accepted %s and does not list it, as it does with options that its version does not have. Leave it out.", name))
	}
	plan.take(got, true)
	return true
}

func (r *optionsResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state optionsModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	readOptions(ctx, r.shared, &state, &resp.Diagnostics)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
		resp.Diagnostics.Append(identifyOptions(ctx, resp.Identity)...)
	}
}

func readOptions(ctx context.Context, s *shared, m *optionsModel, diags *diag.Diagnostics) {
	c := s.reach(types.StringNull(), diags)
	if c == nil || diags.HasError() {
		return
	}
	got, err := c.KnownOptions(ctx)
	if err != nil {
		unable(diags, "read BOS options", err)
		return
	}
	m.take(got, false)
}

func (r *optionsResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config, state optionsModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if r.set(ctx, config.patch(&state), &plan, &resp.Diagnostics) {
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		resp.Diagnostics.Append(identifyOptions(ctx, resp.Identity)...)
	}
}

// Delete forgets the options; BOS keeps them.
func (r *optionsResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

func (r *optionsResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := req.ID
	if id == "" && req.Identity != nil {
		var given optionsIdentity
		resp.Diagnostics.Append(req.Identity.Get(ctx, &given)...)
		id = given.ID.ValueString()
	}
	if !strings.EqualFold(id, optionsID) {
		resp.Diagnostics.AddError("Invalid import id", fmt.Sprintf("A BOS has one set of options; import it with the id %q instead of %q.", optionsID, id))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), optionsID)...)
	resp.Diagnostics.Append(identifyOptions(ctx, resp.Identity)...)
}
