package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// namedIdentity tells templates and sessions apart.
type namedIdentity struct {
	Name   types.String `tfsdk:"name"`
	Tenant types.String `tfsdk:"tenant"`
}

func namedIdentitySchema(what string) identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"name":   identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the " + what + "."},
		"tenant": identityschema.StringAttribute{OptionalForImport: true, Description: "Tenant that the " + what + " belongs to; the provider's if it is left out."},
	}}
}

// identifyNamed fills in the identity; Terraform before 1.12 asks for none.
func identifyNamed(ctx context.Context, identity *tfsdk.ResourceIdentity, tenant, name types.String) diag.Diagnostics {
	if identity == nil {
		return nil
	}
	return identity.Set(ctx, &namedIdentity{Name: name, Tenant: orNull(tenant.ValueString())})
}
