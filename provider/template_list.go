package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

var _ list.ListResourceWithConfigure = (*templateList)(nil)

type templateList struct{ templateResource }

func newTemplateList() list.ListResource { return &templateList{} }

// ListResourceConfigSchema is what to list.
func (*templateList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The session templates that are stored in BOS.",
		Attributes:          map[string]schema.Attribute{"tenant": listTenant("Only templates of this tenant; defaults to the provider's.")},
	}
}

// List lists templates.
func (l *templateList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var config struct {
		Tenant types.String `tfsdk:"tenant"`
	}
	diags := req.Config.Get(ctx, &config)
	c := l.shared.reach(config.Tenant, &diags)
	if diags.HasError() {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	templates, err := c.Templates(ctx)
	if err != nil {
		unable(&diags, "list BOS session templates", err)
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	stream.Results = results(ctx, req, templates, func(t bos.SessionTemplate, result *list.ListResult) {
		m := templateModel{Name: types.StringValue(t.Name), Tenant: orNull(bos.TenantOf(t.Tenant))}
		m.ID = joinID(m.Tenant, m.Name)
		result.DisplayName = m.ID.ValueString()
		result.Diagnostics.Append(identifyNamed(ctx, result.Identity, m.Tenant, m.Name)...)
		if req.IncludeResource {
			m.fromAPI(ctx, t, &result.Diagnostics)
			m.readValidity(ctx, c.ForTenant(m.Tenant.ValueString()), &result.Diagnostics)
			result.Diagnostics.Append(result.Resource.Set(ctx, &m)...)
		}
	})
}
