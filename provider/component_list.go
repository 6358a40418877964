package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

var _ list.ListResourceWithConfigure = (*componentList)(nil)

type componentList struct{ componentResource }

func newComponentList() list.ListResource { return &componentList{} }

// ListResourceConfigSchema is what to list.
func (*componentList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The components that BOS knows. Filters are combined.",
		Attributes: map[string]schema.Attribute{
			"tenant":  listTenant("Only nodes of this tenant; defaults to the provider's."),
			"session": schema.StringAttribute{Optional: true, Validators: []validator.String{validName()}, MarkdownDescription: "Only nodes that this session owns."},
			"status": schema.StringAttribute{Optional: true, Validators: textBetween(1, maxWord), MarkdownDescription: "Only nodes with this status word, such " +
				"as `failed`."},
		},
	}
}

// List lists components.
func (l *componentList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var config struct {
		Tenant  types.String `tfsdk:"tenant"`
		Session types.String `tfsdk:"session"`
		Status  types.String `tfsdk:"status"`
	}
	var records []bos.Component
	diags := req.Config.Get(ctx, &config)
	c := l.shared.reach(config.Tenant, &diags)
	if !diags.HasError() {
		records = l.find(ctx, c, config.Session, config.Status, &diags)
	}
	if diags.HasError() {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	stream.Results = results(ctx, req, records, func(record bos.Component, result *list.ListResult) {
		result.DisplayName = record.ID
		result.Diagnostics.Append(identifyComponent(ctx, result.Identity, orNull(c.Tenant()), record.ID)...)
		if req.IncludeResource {
			held, err := l.shared.components.held(ctx, c, record.ID)
			if err != nil {
				unable(&result.Diagnostics, "read the holds of BOS components", err)
			}
			m := observedResource(orNull(c.Tenant()), types.StringValue(record.ID), record, held)
			m.Timeouts = noTimeouts()
			result.Diagnostics.Append(result.Resource.Set(ctx, &m)...)
		}
	})
}

func (l *componentList) find(ctx context.Context, c *client.Client, session, status types.String, diags *diag.Diagnostics) []bos.Component {
	records, err := c.Components(ctx, bos.ComponentFilter{Session: session.ValueString(), Status: splitWords(status.ValueString())})
	if err != nil {
		unable(diags, "list BOS components", err)
	}
	return records
}
