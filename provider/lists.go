package provider

import (
	"context"
	"iter"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// The list resources answer `terraform query`: what there is to import.

var (
	_ list.ListResourceWithConfigure = (*templateList)(nil)
	_ list.ListResourceWithConfigure = (*sessionList)(nil)
	_ list.ListResourceWithConfigure = (*componentList)(nil)
)

// noTimeouts is timeouts that are not configured.
func noTimeouts() timeouts.Value {
	return timeouts.Value{Object: types.ObjectNull(map[string]attr.Type{"create": types.StringType, "update": types.StringType})}
}

// results makes a result of each record until the consumer has enough.
func results[T any](ctx context.Context, req list.ListRequest, records []T, fill func(T, *list.ListResult)) iter.Seq[list.ListResult] {
	return func(push func(list.ListResult) bool) {
		for i, record := range records {
			if req.Limit > 0 && int64(i) >= req.Limit {
				return
			}
			result := req.NewListResult(ctx)
			fill(record, &result)
			if !push(result) {
				return
			}
		}
	}
}

func listTenant(description string) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Validators: textBetween(1, bos.MaxTenantName), MarkdownDescription: description}
}

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
			"max_age": schema.StringAttribute{Optional: true, Validators: []validator.String{validAge()}, MarkdownDescription: "Only those accepted at most this long ago, such as `2d`."},
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
		m := sessionModel{Name: types.StringValue(s.Name), Tenant: orNull(bos.TenantOf(s.Tenant)), Timeouts: noTimeouts(), Triggers: types.MapNull(types.StringType)}
		m.ID = joinID(m.Tenant, m.Name)
		result.DisplayName = m.ID.ValueString()
		result.Diagnostics.Append(identifyNamed(ctx, result.Identity, m.Tenant, m.Name)...)
		if req.IncludeResource {
			m.noResults()
			m.adopt(s)
			m.observe(s)
			l.catchUp(ctx, c.ForTenant(m.Tenant.ValueString()), &m, &result.Diagnostics)
			m.modernize()
			result.Diagnostics.Append(result.Resource.Set(ctx, &m)...)
		}
	})
}

type componentList struct{ componentResource }

func newComponentList() list.ListResource { return &componentList{} }

// ListResourceConfigSchema is what to list.
func (*componentList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The components that BOS knows. Filters are combined.",
		Attributes: map[string]schema.Attribute{
			"session": schema.StringAttribute{Optional: true, Validators: []validator.String{validName()}, MarkdownDescription: "Only nodes that this session owns."},
			"status":  schema.StringAttribute{Optional: true, Validators: textBetween(1, maxWord), MarkdownDescription: "Only nodes with this status word, such as `failed`."},
		},
	}
}

// List lists components.
func (l *componentList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var config struct {
		Session types.String `tfsdk:"session"`
		Status  types.String `tfsdk:"status"`
	}
	var records []bos.Component
	diags := req.Config.Get(ctx, &config)
	if c := l.shared.reach(types.StringNull(), &diags); !diags.HasError() {
		records = l.find(ctx, c, config.Session, config.Status, &diags)
	}
	if diags.HasError() {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	stream.Results = results(ctx, req, records, func(record bos.Component, result *list.ListResult) {
		result.DisplayName = record.ID
		result.Diagnostics.Append(identifyComponent(ctx, result.Identity, record.ID)...)
		if req.IncludeResource {
			m := observedResource(types.StringValue(record.ID), record)
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
