package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// planTaken says at plan what becomes of a template of this name that BOS has already,
// and that is in no state of this run. (One that is replaced, or that leaves another
// resource, is.) A template that is exactly what is configured is what an apply leaves
// behind that was killed before its state was saved: it is taken over. Any other is
// somebody's, and is never overwritten.
func (r *templateResource) planTaken(ctx context.Context, plan templateModel, diags *diag.Diagnostics) {
	if plan.Name.IsUnknown() || plan.Tenant.IsUnknown() || r.shared == nil || r.shared.client == nil || r.shared.templates.has(inState, plan.Tenant, plan.Name.ValueString()) {
		return
	}
	c := r.shared.reach(plan.Tenant, diags)
	if c == nil {
		return
	}
	found, err := c.Template(ctx, plan.Name.ValueString())
	switch {
	case err != nil:
		// Not there, or for the apply to find out.
	case !plan.isStored(ctx, found, diags):
		templateTaken(plan, diags)
	case !r.shared.isApplying():
		takesOver(plan, diags)
	}
}

// isStored reports whether BOS has exactly what is planned; false while that is not
// known.
func (m *templateModel) isStored(ctx context.Context, found bos.SessionTemplate, diags *diag.Diagnostics) bool {
	return m.revisionKnown(ctx) && !m.Description.IsUnknown() && sameTemplate(found, m.toAPI(ctx, diags))
}

// sameTemplate reports whether two templates are the same in all that users give.
func sameTemplate(a, b bos.SessionTemplate) bool {
	return revision(a) == revision(b) && a.Description == b.Description
}

// takesOver says of a template that it is not created but taken over.
func takesOver(plan templateModel, diags *diag.Diagnostics) {
	diags.AddAttributeWarning(path.Root("name"), "Session template is there already and is taken over",
		fmt.Sprintf("BOS has session template %q with exactly the content that is configured here, as an apply leaves behind that was cut off before its "+
			"state was saved. "+
			"This resource takes it over and writes nothing; from then on it changes and deletes it. If the template belongs to another configuration, choose "+
			"another name, or read it with data.bos_session_template.",
			joinID(plan.Tenant, plan.Name).ValueString()))
}

// templateTaken refuses a template that BOS has with other content. Terraform tells no
// provider the address of a resource, so the block to paste has an example of one.
func templateTaken(plan templateModel, diags *diag.Diagnostics) {
	diags.AddAttributeError(path.Root("name"), "Session template already exists",
		fmt.Sprintf("BOS has a session template named %q with other content, and creating it would overwrite what others may use. To take it over, add this "+
			"block, with the address of this resource, and plan again: the plan shows what changes.\n\n%s\n"+
			"Or choose another name. If another resource has it that you renamed, a moved block takes it over.", plan.Name.ValueString(), importBlock("bos_session_template.NAME", joinID(plan.Tenant, plan.Name))))
}

// importBlock is a block that takes over what there is.
func importBlock(address string, id types.String) string {
	return fmt.Sprintf("    import {\n      to = %s\n      id = %q\n    }\n", address, id.ValueString())
}

// refuseTwice says that two resources are one template: each apply would undo what the
// other one stored.
func (r *templateResource) refuseTwice(plan templateModel, fresh bool, config tftypes.Value, diags *diag.Diagnostics) {
	if r.shared == nil || plan.Name.IsUnknown() || plan.Tenant.IsUnknown() {
		return
	}
	id := joinID(plan.Tenant, plan.Name).ValueString()
	if r.shared.plannedOnce.note("template "+id, fresh, config.String()) == surely {
		diags.AddAttributeError(path.Root("name"), "Two resources for one session template",
			fmt.Sprintf("Another bos_session_template of this configuration has the name %q too, and each would overwrite what the other one stores. Give one of "+
				"them another name, or take it out "+
				"(with a removed block if it is in state, so that the template stays).", id))
	}
}
