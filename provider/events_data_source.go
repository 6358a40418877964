package provider

import (
	"cmp"
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

type eventsDataSource struct{ dataSourceBase }

func newEventsDataSource() datasource.DataSource { return &eventsDataSource{} }

// How many events are read at most, and where nobody says how many.
const (
	maxEvents     = 10000
	defaultEvents = 1000
)

type eventsModel struct {
	Tenant    types.String `tfsdk:"tenant"`
	Session   types.String `tfsdk:"session"`
	Xname     types.String `tfsdk:"xname"`
	After     types.Int64  `tfsdk:"after"`
	MaxEvents types.Int64  `tfsdk:"max_events"`

	Events   types.List  `tfsdk:"events"`
	Last     types.Int64 `tfsdk:"last"`
	Complete types.Bool  `tfsdk:"complete"`
}

var eventType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"id": types.Int64Type, "time": types.StringType, "kind": types.StringType, "xname": types.StringType, "session": types.StringType,
	"tenant": types.StringType, "detail": types.StringType, "actor": types.StringType,
}}

func (d *eventsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_events"
}

func (d *eventsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The history of BOS, oldest first: who did what to which session and node, and what BOS did. Filters are combined. " +
			"It needs the bundled service; a plain BOS v2 keeps no history.",
		Attributes: map[string]schema.Attribute{
			"tenant":  tenantArgument("Only the history of this tenant's nodes, sessions and templates; defaults to the provider's."),
			"session": schema.StringAttribute{Optional: true, Validators: []validator.String{validName()}, MarkdownDescription: "Only what is about this session."},
			"xname":   schema.StringAttribute{Optional: true, Validators: textBetween(1, bos.MaxComponentID), MarkdownDescription: "Only what is about this node."},
			"after": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.AtLeast(0)},
				MarkdownDescription: "Only events after the one with this `id`, such as the `last` of an earlier read. Without it, from the oldest that is kept.",
			},
			"max_events": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, maxEvents)},
				MarkdownDescription: "At most so many, the oldest; 1 to 10000. Defaults to 1000.",
			},
			"events": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "The events, oldest first.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id": readCount("Number of the event, higher for each."), "time": readText("When, in UTC."), "kind": readText("What happened, such as " +
						"`session_created` or `power_on`."),
					"xname": readText("Node that it is about, empty for none."), "session": readText("Session that it is about, empty for none."),
					"tenant": readText("Tenant of the session or template, empty for none."), "detail": readText("More about it, empty for nothing."),
					"actor": readText("Who asked for it; empty for BOS itself."),
				}},
			},
			"last":     readCount("The `after` to read on with."),
			"complete": readFlag("There were no more events when it was read. `false` if `max_events` cut them off."),
		},
	}
}

func (d *eventsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m eventsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	c := d.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if !announces(ctx, c, bos.ExtensionEvents, "bos_events", "show its history",
		"Use data.bos_sessions, which lists the sessions that it has a record of, or data.bos_component, which has the last action and "+
			"error of a node.", &resp.Diagnostics) {
		return
	}
	events, last, more, err := c.Events(ctx, bos.EventFilter{
		Session: m.Session.ValueString(), Component: bos.CanonicalXname(m.Xname.ValueString()), After: m.After.ValueInt64(),
		Limit: int(cmp.Or(m.MaxEvents.ValueInt64(), defaultEvents)),
	})
	if err != nil {
		unable(&resp.Diagnostics, "read the history of BOS", err)
		return
	}
	list := make([]attr.Value, len(events))
	for i, e := range events {
		list[i] = types.ObjectValueMust(eventType.AttrTypes, map[string]attr.Value{
			"id": types.Int64Value(e.ID), "time": types.StringValue(e.Time.UTC().Format(time.RFC3339)), "kind": types.StringValue(e.Kind),
			"xname": types.StringValue(e.Component), "session": types.StringValue(e.Session), "tenant": types.StringValue(e.Tenant),
			"detail": types.StringValue(bos.Unsigned(e.Detail)), "actor": types.StringValue(e.Actor),
		})
	}
	m.Tenant = d.tenantOr(m.Tenant)
	m.Events, m.Last, m.Complete = types.ListValueMust(eventType, list), types.Int64Value(last), types.BoolValue(!more)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
