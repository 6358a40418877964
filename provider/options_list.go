package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// optionsIdentity is that of the one set of options that a BOS has.
type optionsIdentity struct {
	ID types.String `tfsdk:"id"`
}

// IdentitySchema is the id, which is always the same.
func (r *optionsResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{RequiredForImport: true, Description: "Always " + optionsID + ": a BOS has one set of options."},
	}}
}

func identifyOptions(ctx context.Context, identity *tfsdk.ResourceIdentity) diag.Diagnostics {
	if identity == nil {
		return nil
	}
	return identity.Set(ctx, &optionsIdentity{ID: types.StringValue(optionsID)})
}

var _ list.ListResourceWithConfigure = (*optionsList)(nil)

type optionsList struct{ optionsResource }

func newOptionsList() list.ListResource { return &optionsList{} }

// ListResourceConfigSchema is what to list.
func (*optionsList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{MarkdownDescription: "The options of BOS: one set, with the id `" + optionsID + "`."}
}

// List lists the one set of options.
func (l *optionsList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var m optionsModel
	var diags diag.Diagnostics
	readOptions(ctx, l.shared, &m, &diags)
	if diags.HasError() {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	stream.Results = results(ctx, req, []optionsModel{m}, func(m optionsModel, result *list.ListResult) {
		result.DisplayName = optionsID
		result.Diagnostics.Append(identifyOptions(ctx, result.Identity)...)
		if req.IncludeResource {
			result.Diagnostics.Append(result.Resource.Set(ctx, &m)...)
		}
	})
}
