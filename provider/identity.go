package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
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

// componentIdentity tells components apart.
type componentIdentity struct {
	Xname types.String `tfsdk:"xname"`
}

func identifyComponent(ctx context.Context, identity *tfsdk.ResourceIdentity, id string) diag.Diagnostics {
	if identity == nil {
		return nil
	}
	return identity.Set(ctx, &componentIdentity{Xname: types.StringValue(id)})
}

// IdentitySchema is name and tenant.
func (r *templateResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = namedIdentitySchema("template")
}

// IdentitySchema is name and tenant.
func (r *sessionResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = namedIdentitySchema("session")
}

// IdentitySchema is the xname.
func (r *componentResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"xname": identityschema.StringAttribute{RequiredForImport: true, Description: "The node's xname, such as x3000c0s19b1n0."},
	}}
}
