package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func (r *stagedApplyResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Applies the state that a session with `stage = true` has staged for nodes: BOS boots, reboots or shuts them down as that " +
			"session says. It is done once; " +
			"a change of `xnames`, `tenant` or `triggers` does it again, and destroying this touches nothing. A saved plan that is applied a second time, as " +
			"after an apply that was killed, takes over what the first one did, or is refused by Terraform as inconsistent without `applying` in the provider " +
			"block. On a plain BOS v2, which does not remember what was applied, it is refused too, and without `session` nodes that have taken what is staged " +
			"are left alone.\n\n" +
			"Nodes for which nothing is staged are left alone and listed in `ignored_nodes`. Nodes that fail do not fail the apply, for Terraform would then " +
			"apply the staged state again; they are in `failed_nodes` and in a warning.",
		Attributes: map[string]schema.Attribute{
			"tenant": schema.StringAttribute{
				Optional: true, Computed: true, Validators: textBetween(1, bos.MaxTenantName),
				MarkdownDescription: "Tenant the nodes belong to; defaults to the provider's.",
			},
			"xnames": schema.ListAttribute{
				Required: true, ElementType: types.StringType, Validators: []validator.List{foldedNames{}},
				MarkdownDescription: "Nodes to apply the staged state of. Entries may be folded, so `[bos_session.stage.planned_nodes]` is all nodes of a " +
					"session, and on a BOS without previews `[bos_session.stage.nodes]`. The order does not matter.",
			},
			"session": schema.StringAttribute{
				Optional: true, Validators: []validator.String{validName()},
				MarkdownDescription: "Session whose staged state is applied, as `bos_session.stage.name`: nodes for which somebody else has staged something by then " +
					"are ignored. Without it whatever is staged counts. A change of it applies anew; giving it to a resource that had none does not.",
			},
			"triggers": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Any values; a change of one applies the staged state again. `session = bos_session.stage.id` follows a session that stages.",
			},
			"wait_for_completion": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Wait until BOS is done with the nodes. A wait that was interrupted goes on with the next apply, in place. Defaults to `true`.",
			},
			"poll_interval": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration{least: leastPoll, most: mostPoll}},
				MarkdownDescription: "Longest pause between two looks at the nodes. Defaults to `" + defaultPoll.String() + "`.",
			},
			"timeouts": waitTimeouts(ctx,
				"How long to wait for the nodes, such as `45m`. Defaults to 2h. When it has passed, BOS goes on and the next apply resumes waiting.",
				"How long to wait when an apply resumes waiting. Defaults to 2h.",
			),
			"id":         computedText("Unique id of this application of staged state."),
			"applied_at": computedText("When it was applied, in UTC."),
			"status": computedText("`running` while BOS works on the nodes, then `complete`; `unconfirmed` when BOS did not say whether it applied " +
				"anything, which the next plan finds out."),
			"applied_nodes": computedText("Nodes whose staged state has become their desired state, folded."),
			"applied_count": computedCount("Number of nodes in `applied_nodes`."),
			"refused_nodes": computedText("Nodes whose staged state did not fit the session that staged it, or whose session is gone, folded. BOS has " +
				"disabled them, with an error."),
			"refused_count": computedCount("Number of nodes in `refused_nodes`."),
			"ignored_nodes": computedText("Nodes that were left alone, folded: nothing was staged for them, BOS or the tenant does not have them, or BOS " +
				"refused the request that named them. Each of `xnames` is applied, refused or ignored."),
			"ignored_count": computedCount("Number of nodes in `ignored_nodes`."),
			"failed_nodes":  computedText("Nodes that failed, folded. Empty if none did or it is not known yet."),
			"failed_count":  computedCount("Number of nodes in `failed_nodes`; null while it is not known."),
			"retry_limit": computedText("Value for `limit` of a `bos_session` that acts on only the failed nodes. Empty if none failed, and an empty limit " +
				"is refused: it never means all nodes."),
			"succeeded": schema.BoolAttribute{
				Computed: true,
				MarkdownDescription: "BOS is done, what was staged was applied for all of `xnames`, and no node failed or was taken over by another session " +
					"before that. `false` also while it is not known. Never null, so it is what conditions go by.",
			},
			"effect": computedText("What applying does to which nodes, such as `applies what is staged for 64 nodes: ...`. The next refresh puts it into the " +
				"past tense, so that it stands in every plan that applies anew, also one by `-replace`. It is for people and changes although nothing is done: " +
				"keep it out of `triggers` and conditions."),
			"sessions": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "The nodes, folded, by the session that staged them and owns them now.",
			},
			"error_summary": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "Failed nodes by what failed them.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"count": computedCount("How many nodes."), "nodes": computedText("Which, folded."),
				}},
			},
		},
	}
}

// foldedNames checks a list of names that may be folded.
type foldedNames struct{}

func (foldedNames) Description(context.Context) string {
	return fmt.Sprintf("1 to %d xnames, which may be folded as in x3000c0s[1-4]b0n0", maxNames)
}

func (v foldedNames) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v foldedNames) ValidateList(ctx context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	for _, element := range req.ConfigValue.Elements() {
		if element.IsUnknown() {
			return
		}
	}
	names, err := wanted(req.ConfigValue)
	if err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid list of nodes", fmt.Sprintf("%s. Give %s.", capital(err.Error()), v.Description(ctx)))
	} else if len(names) == 0 {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid list of nodes", "It names no node. Give "+v.Description(ctx)+". If it comes from "+
			"planned_nodes of a session, this BOS has no previews: use nodes of that session in its place.")
	}
}
