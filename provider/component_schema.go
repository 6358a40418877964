package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

var (
	artifactsType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"kernel": types.StringType, "kernel_parameters": types.StringType, "initrd": types.StringType,
	}}
	desiredType = types.ObjectType{AttrTypes: map[string]attr.Type{"boot_artifacts": artifactsType, "configuration": types.StringType}}
	stagedType  = types.ObjectType{AttrTypes: map[string]attr.Type{
		"boot_artifacts": artifactsType, "configuration": types.StringType, "session": types.StringType,
	}}
	actualType = types.ObjectType{AttrTypes: map[string]attr.Type{"boot_artifacts": artifactsType}}
)

func (r *componentResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "BOS' record of one node. It adopts a node that BOS has discovered, manages only what is configured, and destroying it leaves " +
			"the node and its record as they are. " +
			"To boot many nodes use `bos_session`; this is for the node that is different.\n\n" +
			"Where there are hundreds, give `for_each` a map, such as `{ for x in local.xnames : x => x }`, or use `count`: Terraform sorts a set anew for " +
			"every instance, which takes it 24 seconds of CPU for a thousand of anything.",
		Attributes: map[string]schema.Attribute{
			"id": computedText("The xname in canonical form."),
			"xname": schema.StringAttribute{
				Required: true, Validators: append(textBetween(1, bos.MaxComponentID), oneNode{}),
				MarkdownDescription: "Which node, such as `x3000c0s19b1n0`. BOS must know it.",
			},
			"tenant": schema.StringAttribute{
				Optional: true, Computed: true, Validators: textBetween(1, bos.MaxTenantName),
				MarkdownDescription: "Tenant that the node belongs to; defaults to the provider's. A change asks nothing of BOS.",
			},
			"hold": holdAttribute(),
			"enabled": schema.BoolAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "`true` asks BOS to bring the node to its desired state, which may cut its power. It is asked again only when this or " +
					"`desired_state` changes; " +
					"that BOS switches it off once the node is done is no drift, and an import asks nothing. Changing it to `false` makes BOS stop acting on the " +
					"node and leaves it as it stands. " +
					"`false` does **not** keep sessions off: one that selects the node enables and boots it. What keeps all hands off a node is `hold`; on a plain " +
					"BOS v2, " +
					"disable or lock the node in the hardware inventory (HSM), which sessions honour.",
			},
			"desired_state": schema.SingleNestedAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "What the node should run. Without a kernel it should be off. Fields that are left out are not managed.",
				Attributes:          stateAttributes(),
			},
			"staged_state": schema.SingleNestedAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "What becomes the desired state when it is applied. Fields that are left out are not managed.",
				Attributes:          stagedAttributes(),
			},
			"retry_policy": schema.Int64Attribute{
				Optional: true, Computed: true, Validators: []validator.Int64{int64validator.Between(0, bos.MaxRetryPolicy)},
				MarkdownDescription: "How many attempts each power action has before the node counts as failed; BOS' `default_retry_policy` if not set.",
			},
			"wait_for_completion": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "After a change that makes BOS act on the node, wait until it is done with it. A node that fails then warns; a wait that " +
					"was interrupted goes on with the next apply. Defaults to `false`: for many nodes a `bos_session` is the better way.",
			},
			"timeouts": waitTimeouts(ctx,
				"How long `wait_for_completion` waits when the node is adopted, such as `45m`. Defaults to 2h.",
				"How long `wait_for_completion` waits after a change. Defaults to 2h.",
			),
			"actual_state": schema.SingleNestedAttribute{
				Computed: true, MarkdownDescription: "What the node reported it booted.",
				Attributes: map[string]schema.Attribute{
					"boot_artifacts": schema.SingleNestedAttribute{Computed: true, MarkdownDescription: "What it booted.", Attributes: map[string]schema.Attribute{
						"kernel": computedText("Kernel."), "kernel_parameters": computedText("Kernel parameters."), "initrd": computedText("Initrd."),
					}},
				},
			},
			"status":  computedText("`stable`, `failed`, `on_hold`, or what BOS is doing with the node, such as `power_on_called`."),
			"phase":   computedText("`powering_on`, `powering_off`, `configuring`, or empty."),
			"error":   computedText("Last error; empty if there is none."),
			"held":    computedText("Why the node is held in BOS, by whom and since when, whoever put the hold on; empty if it is not."),
			"session": computedText("Session that set the desired state, empty if none did."),
			"last_action": computedText("What BOS last did and when, in UTC, such as `powering_on at 2026-01-31T12:00:00`. The `bos_component` data source " +
				"has its parts."),
			"effect": computedText("What is asked of BOS, such as `asks BOS to act on the node: ...`. The next refresh puts it into the past tense, so " +
				"that it stands in every plan that makes BOS act, also one by `-replace`. It is for people and changes although nothing is done: keep it out of " +
				"`triggers` and conditions."),
			"event_stats": computedText("Attempts since the desired state was set or reached, such as `1 power on, 0 graceful off, 0 forceful off`."),
		},
	}
}

func observedText(most int, description string) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Computed: true, Validators: textBetween(0, most), MarkdownDescription: description}
}

func stateAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"configuration": observedText(maxConfiguration, "CFS configuration."),
		"boot_artifacts": schema.SingleNestedAttribute{
			Optional: true, Computed: true, MarkdownDescription: "What to boot.",
			Attributes: map[string]schema.Attribute{
				"kernel": observedText(maxImagePath, "Path of the kernel; empty for off."),
				"kernel_parameters": schema.StringAttribute{
					Optional: true, Computed: true, Validators: append(textBetween(0, maxKernelParameters), oneLine{}, bootLine{}),
					MarkdownDescription: "Kernel parameters.",
				},
				"initrd": observedText(maxImagePath, "Path of the initrd."),
			},
		},
	}
}

func stagedAttributes() map[string]schema.Attribute {
	attributes := stateAttributes()
	attributes["session"] = observedText(bos.MaxName, "Session that the state is staged for.")
	return attributes
}
