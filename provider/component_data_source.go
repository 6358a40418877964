package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

type componentDataSource struct{ dataSourceBase }

// componentDetail is a component with all that BOS keeps of it.
type componentDetail struct {
	componentRecord

	LastAction types.Object `tfsdk:"last_action"`
	EventStats types.Object `tfsdk:"event_stats"`
}

var (
	lastActionType = types.ObjectType{AttrTypes: map[string]attr.Type{"action": types.StringType, "last_updated": types.StringType, "failed": types.BoolType}}
	eventStatsType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"power_on_attempts": types.Int64Type, "power_off_graceful_attempts": types.Int64Type, "power_off_forceful_attempts": types.Int64Type,
	}}
)

func detailed(tenant, xname types.String, c bos.Component, held bos.Brake) componentDetail {
	return componentDetail{
		componentRecord: observed(tenant, xname, c, held),
		LastAction: types.ObjectValueMust(lastActionType.AttrTypes, map[string]attr.Value{
			"action": types.StringValue(string(c.LastAction.Action)), "last_updated": orNull(c.LastAction.LastUpdated.String()),
			"failed": types.BoolValue(c.LastAction.Failed),
		}),
		EventStats: types.ObjectValueMust(eventStatsType.AttrTypes, map[string]attr.Value{
			"power_on_attempts":           types.Int64Value(int64(c.EventStats.PowerOnAttempts)),
			"power_off_graceful_attempts": types.Int64Value(int64(c.EventStats.PowerOffGracefulAttempts)),
			"power_off_forceful_attempts": types.Int64Value(int64(c.EventStats.PowerOffForcefulAttempts)),
		}),
	}
}

func newComponentDataSource() datasource.DataSource { return &componentDataSource{} }

func (d *componentDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_component"
}

func (d *componentDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	object := func(description string, attributes map[string]schema.Attribute) schema.SingleNestedAttribute {
		return schema.SingleNestedAttribute{Computed: true, MarkdownDescription: description, Attributes: attributes}
	}
	artifacts := func(description string) schema.SingleNestedAttribute {
		return object(description, map[string]schema.Attribute{
			"kernel": readText("Path of the kernel; empty for off."), "kernel_parameters": readText("Kernel parameters."), "initrd": readText("Path of the initrd."),
		})
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "BOS' record of one node: what it should run, what it reported it runs, and what BOS is doing about the difference.",
		Attributes: map[string]schema.Attribute{
			"xname": schema.StringAttribute{
				Required: true, Validators: append(textBetween(1, bos.MaxComponentID), oneNode{}),
				MarkdownDescription: "Which node, such as `x3000c0s19b1n0`. BOS must know it.",
			},
			"tenant":       tenantArgument("Tenant that the node belongs to; defaults to the provider's."),
			"held":         readText("Why the node is held, by whom and since when; empty if it is not. Sessions leave a held node out."),
			"id":           readText("The xname in canonical form."),
			"enabled":      readFlag("BOS is acting on the node."),
			"retry_policy": readCount("How many attempts each power action has; null if the node has no policy of its own."),
			"status":       readText("`stable`, `failed`, `on_hold`, or what BOS is doing with the node, such as `power_on_called`."),
			"phase":        readText("`powering_on`, `powering_off`, `configuring`, or empty."),
			"error":        readText("Last error; empty if there is none."),
			"session":      readText("Session that set the desired state, empty if none did."),
			"desired_state": object("What the node should run.", map[string]schema.Attribute{
				"boot_artifacts": artifacts("What to boot. Without a kernel the node should be off."), "configuration": readText("CFS configuration."),
			}),
			"staged_state": object("What becomes the desired state when it is applied.", map[string]schema.Attribute{
				"boot_artifacts": artifacts("What to boot."), "configuration": readText("CFS configuration."), "session": readText("Session that staged it."),
			}),
			"actual_state": object("What the node reported it booted.", map[string]schema.Attribute{
				"boot_artifacts": artifacts("What it booted."),
			}),
			"last_action": object("What BOS last did.", map[string]schema.Attribute{
				"action": readText("The action."), "last_updated": readText("When, in UTC."), "failed": readFlag("It had no effect."),
			}),
			"event_stats": object("Attempts since the desired state was set or reached.", map[string]schema.Attribute{
				"power_on_attempts":           readCount("To power on."),
				"power_off_graceful_attempts": readCount("To power off gracefully."),
				"power_off_forceful_attempts": readCount("To power off by force."),
			}),
		},
	}
}

func (d *componentDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m componentDetail
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	m.Tenant = d.tenantOr(m.Tenant)
	c := d.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	id := bos.CanonicalXname(m.Xname.ValueString())
	record, found, err := d.shared.components.read(ctx, c, id)
	if err == nil && !found {
		record, err = c.Component(ctx, id)
	}
	var held bos.Brake
	if err == nil {
		held, err = d.shared.components.held(ctx, c, id)
	}
	switch {
	case client.IsNotFound(err):
		resp.Diagnostics.AddAttributeError(path.Root("xname"), "BOS knows no such component", fmt.Sprintf("BOS has no component %q. Check the xname; nodes "+
			"that are new in the inventory appear at the next discovery.", id))
	case err != nil:
		unable(&resp.Diagnostics, "read BOS component", err)
	default:
		state := detailed(m.Tenant, m.Xname, record, held)
		resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
	}
}
