package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// componentIdentity tells components apart. The tenant is in it for imports: a node of
// one is not there for the others. It follows the tenant of the component, which
// changes in place.
type componentIdentity struct {
	Xname  types.String `tfsdk:"xname"`
	Tenant types.String `tfsdk:"tenant"`
}

func identifyComponent(ctx context.Context, identity *tfsdk.ResourceIdentity, tenant types.String, id string) diag.Diagnostics {
	if identity == nil {
		return nil
	}
	return identity.Set(ctx, &componentIdentity{Xname: types.StringValue(id), Tenant: orNull(tenant.ValueString())})
}

// IdentitySchema is the xname, and the tenant.
func (r *componentResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"xname":  identityschema.StringAttribute{RequiredForImport: true, Description: "The node's xname, such as x3000c0s19b1n0."},
		"tenant": identityschema.StringAttribute{OptionalForImport: true, Description: "Tenant that the node belongs to; the provider's if it is left out."},
	}}
}
