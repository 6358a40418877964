package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

var _ list.ListResourceWithConfigure = (*sessionList)(nil)

type sessionList struct{ sessionResource }

func newSessionList() list.ListResource { return &sessionList{} }

// ListResourceConfigSchema is what to list.
func (*sessionList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The sessions that BOS has a record of.",
		Attributes: map[string]schema.Attribute{
			"tenant": listTenant("Only sessions of this tenant; defaults to the provider's."),
			"status": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.OneOf(string(bos.SessionPending), string(bos.SessionRunning), string(bos.SessionComplete))},
				MarkdownDescription: "Only those that are `pending`, `running` or `complete`.",
			},
			"max_age": schema.StringAttribute{Optional: true, Validators: []validator.String{validAge()}, MarkdownDescription: "Only those accepted at most this " +
				"long ago, such as `2d`."},
		},
	}
}

// List lists sessions.
func (l *sessionList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var config struct {
		Tenant types.String `tfsdk:"tenant"`
		Status types.String `tfsdk:"status"`
		MaxAge types.String `tfsdk:"max_age"`
	}
	diags := req.Config.Get(ctx, &config)
	c := l.shared.reach(config.Tenant, &diags)
	if diags.HasError() {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	sessions, err := c.Sessions(ctx, client.SessionFilter{Status: config.Status.ValueString(), MaxAge: config.MaxAge.ValueString()})
	if err != nil {
		unable(&diags, "list BOS sessions", err)
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	stream.Results = results(ctx, req, sessions, func(s bos.Session, result *list.ListResult) {
		m := sessionModel{Name: types.StringValue(s.Name), Tenant: orNull(bos.TenantOf(s.Tenant)), Timeouts: noTimeouts(), Triggers: types.MapNull(types.StringType), Rollout: noRollout()}
		m.ID = joinID(m.Tenant, m.Name)
		result.DisplayName = m.ID.ValueString()
		result.Diagnostics.Append(identifyNamed(ctx, result.Identity, m.Tenant, m.Name)...)
		if req.IncludeResource {
			m.noResults()
			m.adopt(s)
			m.observe(s)
			m.locate(ctx, c)
			l.catchUp(ctx, c.ForTenant(m.Tenant.ValueString()), &m, &result.Diagnostics)
			m.modernize()
			result.Diagnostics.Append(result.Resource.Set(ctx, &m)...)
		}
	})
}
