package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

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

// IdentitySchema is the xname.
func (r *componentResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"xname": identityschema.StringAttribute{RequiredForImport: true, Description: "The node's xname, such as x3000c0s19b1n0."},
	}}
}
