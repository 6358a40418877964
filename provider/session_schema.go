package provider

import (
	"context"
	"regexp"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The values of on_failure and on_destroy.
const (
	onFailureWarn   = "warn"
	onFailureError  = "error"
	onDestroyForget = "forget"
	onDestroyCancel = "cancel"
)

const (
	// defaultWait is how long a session is waited for: several boots that
	// time out, one after the other.
	defaultWait = 2 * time.Hour
	// defaultPoll is how often a session is looked at once it runs long.
	defaultPoll = 5 * time.Second
	leastPoll   = 100 * time.Millisecond
	mostPoll    = 10 * time.Minute
)

// maxFailedRule: a count or a percentage.
var maxFailedRule = regexp.MustCompile(`^(\d{1,7}|\d{1,2}%|100%)$`)

func maxFailedSyntax() []validator.String {
	return []validator.String{stringvalidator.RegexMatches(maxFailedRule, "must be a count such as 5 or a percentage such as 2%")}
}

// pinRule: what services hand out as pin.
var pinRule = regexp.MustCompile(`^[-_.a-zA-Z0-9]{1,128}$`)

func operationNames() []string {
	var names []string
	for _, op := range bos.AllOperations() {
		names = append(names, string(op))
	}
	return names
}

func (r *sessionResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := map[string]schema.Attribute{
		"timeouts": waitTimeouts(ctx,
			"How long to wait for a new session, such as `45m`. Defaults to 2h. When it has passed, the session runs on and the next apply resumes waiting.",
			"How long to wait when an apply resumes waiting for a session. Defaults to 2h.",
		),
	}
	for _, some := range []map[string]schema.Attribute{replacingAttributes(), waitingAttributes(), resultAttributes(), plannedAttributes()} {
		for name, attribute := range some {
			attributes[name] = attribute
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A session: one operation on the nodes of a template, run once. What it did is a fact and stays in state: it is run again " +
			"only when one of the " +
			"arguments that say what to do changes (`name`, `operation`, `template_name`, `limit`, `stage`, `write_staged_boot_parameters`, `include_disabled`, `tenant`, `triggers`), and " +
			"destroying it never touches power.\n\n" +
			"Nodes that fail do not fail the apply, for Terraform would then run the session again for all of them. They are in `failed_nodes` and in a " +
			"warning; use a `check` block " +
			"or a `postcondition` on `succeeded` to make them count.",
		Attributes: attributes,
	}
}

// replacingAttributes say what is done: a change of one of them runs a new
// session. session_plan.go tells Terraform so.
func replacingAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name": schema.StringAttribute{
			Optional: true, Computed: true, Validators: []validator.String{validName()},
			MarkdownDescription: "Name of the session. Defaults to a generated unique name; a name can be used only once.",
		},
		"tenant": schema.StringAttribute{
			Optional: true, Computed: true, Validators: textBetween(1, bos.MaxTenantName),
			MarkdownDescription: "Tenant the session is run for; defaults to the provider's.",
		},
		"operation": schema.StringAttribute{
			Required: true, Validators: []validator.String{stringvalidator.OneOf(operationNames()...)},
			MarkdownDescription: "`boot` (nodes that run the right thing already are left alone), `reboot` (all of them restart), `shutdown`, or " +
				"`configure`, which applies the configuration of nodes that run and touches no power; nodes that are off are left out. A plain BOS v2 has no `configure`.",
		},
		"template_name": schema.StringAttribute{
			Required: true, Validators: []validator.String{validName()},
			MarkdownDescription: "Session template to go by. Refer to `bos_session_template.x.name`, so that the plan can show the effect of a template " +
				"that changes with it.",
		},
		"limit": schema.StringAttribute{
			Optional: true, Validators: []validator.String{limitSyntax{}},
			MarkdownDescription: "Nodes to act on, out of those of the template: a comma list of xnames, groups, roles or partitions, read from left to " +
				"right; `&term` intersects, `!term` removes. Takes folded lists such as `x3000c0s[1-4]b0n0`. " +
				"`all`, like no limit, is every node of the template. An empty limit is refused: it selects nothing.",
		},
		"stage": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Stage the desired state instead of acting on it. Waiting then ends when it is staged.",
		},
		"write_staged_boot_parameters": schema.BoolAttribute{Optional: true, MarkdownDescription: stagedBootDescription + " A change runs another session."},
		"include_disabled": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Also act on nodes that are disabled in the inventory.",
		},
		"triggers": schema.MapAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Any values; a change of one runs the session again. `template = bos_session_template.x.revision` rolls a change of the template out.",
		},
	}
}

// waitingAttributes say how Terraform goes about it; they change in place. What
// is left out stays null, so that plans show only what somebody chose.
func waitingAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"wait_for_completion": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Wait until the session is complete. A wait that was interrupted goes on with the next apply, in place and without a new " +
				"session. Defaults to `true`.",
		},
		"poll_interval": schema.StringAttribute{
			Optional: true, Validators: []validator.String{duration{least: leastPoll, most: mostPoll}},
			MarkdownDescription: "Longest pause between two looks at the session; the first looks come faster, and a service that announces events is " +
				"looked at as soon as it says that something happened. Defaults to `" + defaultPoll.String() + "`.",
		},
		"on_failure": schema.StringAttribute{
			Optional: true, Validators: []validator.String{stringvalidator.OneOf(onFailureWarn, onFailureError)},
			MarkdownDescription: "`warn` (default), or `error` to fail the apply when nodes failed. It fails only where that cannot make Terraform run the " +
				"session again: " +
				"in an apply that resumes waiting for a session, never in the one that created it, which warns. A `postcondition` on `succeeded` fails that one too.",
		},
		"max_failed": schema.StringAttribute{
			Optional: true, Validators: maxFailedSyntax(),
			MarkdownDescription: "How many failed nodes are tolerated: a count such as `5`, or a percentage of the session's nodes such as `2%`. Defaults to none.",
		},
		"rollout": managedRollout(),
		"overlap": schema.StringAttribute{
			Optional: true, Validators: []validator.String{stringvalidator.OneOf(overlapNames()...)},
			MarkdownDescription: overlapDescription + " A change of it runs nothing.",
		},
		"allow_empty": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Plan the session also if it finds no node to act on, as where a limit leaves none. Otherwise such a plan is an error. " +
				"Defaults to `false`.",
		},
		"reason": schema.StringAttribute{
			Optional: true, Validators: textBetween(1, bos.MaxReason),
			MarkdownDescription: "Why the session is run, for the history of BOS and for those who plan while it runs. Defaults to the run of the " +
				"pipeline, if there is one (`TFC_RUN_ID`, `CI_JOB_URL`, `GITHUB_RUN_ID` or `BUILD_URL`). A plain BOS v2 keeps none.",
		},
		"on_destroy": schema.StringAttribute{
			Optional: true, Validators: []validator.String{stringvalidator.OneOf(onDestroyForget, onDestroyCancel)},
			MarkdownDescription: "What destroying does with a session that still runs: `forget` (default) leaves it running, `cancel` ends it, which lets " +
				"go of its nodes where they stand. " +
				"A replaced session is destroyed too; with `create_before_destroy` it is cancelled only after the new one was accepted. The record of a " +
				"finished session is deleted. No power action follows from destroying.",
		},
	}
}

// stagedBootDescription is of the argument of the resource and of the action.
const stagedBootDescription = "With `stage`: the boot service is given what is staged as well, so that a reboot from outside, as by `scontrol reboot`, a person or a watchdog, " +
	"boots it. A node that reports it then has it as its desired state and is done for the session; BOS itself touches no power for that. What is cancelled or replaced is put " +
	"back. `terraform-provider-bos why XNAME` says of each node when it is written, which Terraform does not wait for. Defaults to `false`. A plain BOS v2 has none of this and " +
	"the apply is refused before anything is staged."

// overlapDescription says what the rules are, for the resource and the action.
const overlapDescription = "What becomes of nodes that another session is at work on. `reject` (default): the plan is an error that names that session, and BOS refuses " +
	"this one, also where that one began after the plan. `queue`: this one waits until it is done with them. `take_over`: this one takes them from it, wherever they stand. " +
	"From the session that this one replaces nodes are taken in any case. A BOS that does not announce the extension `overlap`, as a plain BOS v2, always takes them " +
	"over: `reject` and `queue` are errors there if they are given."

// outcomeType is one entry of error_summary.
var outcomeType = types.ObjectType{AttrTypes: map[string]attr.Type{"count": types.Int64Type, "nodes": types.StringType}}

func computedText(description string) schema.StringAttribute {
	return schema.StringAttribute{Computed: true, MarkdownDescription: description}
}

func computedCount(description string) schema.Int64Attribute {
	return schema.Int64Attribute{Computed: true, MarkdownDescription: description}
}

func resultAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id": computedText("`name`, or `tenant/name`."),
		"status": computedText("`pending`, `running` or `complete`; `unconfirmed` when BOS did not say whether it accepted the session, which " +
			"the next plan finds out; `suspended` while an embedded BOS waits for the next apply to go on."),
		"start_time":   computedText("When the session was accepted, in UTC."),
		"end_time":     computedText("When it was complete, in UTC."),
		"error":        computedText("What failed the session as a whole, such as that no nodes were found or that somebody cancelled it. Empty if nothing did."),
		"nodes":        computedText("Nodes the session acted on, folded; `provider::bos::xname_expand` writes them out."),
		"node_count":   computedCount("Number of nodes in `nodes`."),
		"failed_nodes": computedText("Nodes that failed, folded. Empty if none did or it is not known yet."),
		"failed_count": computedCount("How many nodes failed; null while it is not known, and where a number would not tell the truth: the session " +
			"failed as a whole, or was not done with all its nodes. Go by `succeeded`."),
		"retry_limit": computedText("Value for `limit` that retries only the failed nodes. Empty if none failed, and an empty limit is refused: it " +
			"never means all nodes."),
		"unfinished_nodes": computedText("Nodes that the session was never done with, folded: another session took them over, they were off and to be configured, or somebody disabled " +
			"them. What they run is not known here. Empty if there are none."),
		"succeeded": schema.BoolAttribute{
			Computed: true,
			MarkdownDescription: "The session is complete, acted on nodes, was done with all of them, and no more failed than `max_failed` tolerates. " +
				"`false` also for a session that was cancelled, that found no nodes, " +
				"that lost nodes to another session, or that is not over yet. Never null, so it is what conditions go by.",
		},
		"effect": computedText("What the session does to which nodes, such as `reboots 64 nodes: ...`. The next refresh puts it into the past tense, so " +
			"that it stands in every plan that runs the session, also one by `-replace`. It is for people and changes although nothing is done: keep it " +
			"out of `triggers` and conditions."),
		"scope": computedText("Whether `limit` selects the nodes or the template alone. Known at plan also where `limit` is not: Terraform then " +
			"refuses an apply in which it turns out to be null."),
		"error_summary": schema.MapNestedAttribute{
			Computed: true, MarkdownDescription: "Failed nodes by what failed them.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"count": computedCount("How many nodes."),
				"nodes": computedText("Which, folded."),
			}},
		},
		"url": computedText("The session on the page of BOS: how far it is, which nodes failed and why. Null where BOS has no page, or its setting `public_url` does " +
			"not say under which address people reach it."),
		"rollout_status": rolloutStatus(),
		"record_expired": schema.BoolAttribute{
			Computed:            true,
			MarkdownDescription: "BOS has deleted its record of the session, as it does some days after completion. The facts stay here, and nothing is run again.",
		},
	}
}

func plannedAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"planned_nodes": computedText("Nodes the session was going to act on when it was planned, folded. Empty on a server that cannot say."),
		"planned_count": computedCount("Number of nodes in `planned_nodes`."),
		"planned_roles": schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: rolesDescription},
		"planned_boot_sets": schema.MapNestedAttribute{
			Computed: true, MarkdownDescription: "The planned nodes by boot set, with the image they boot.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"nodes":      computedText("Nodes of this boot set, folded."),
				"node_count": computedCount("Number of nodes in `nodes`."),
				"image_path": computedText("Image they boot, null for a shutdown."),
				"image_etag": computedText("Etag of the image's manifest when it was planned, null for a shutdown."),
			}},
		},
		"planned_batches": plannedBatches(),
		"skipped": schema.MapAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "Nodes that the template names and the session was going to leave out, folded, by reason.",
		},
		"pin": schema.StringAttribute{
			Optional: true, Computed: true,
			Validators: []validator.String{stringvalidator.RegexMatches(pinRule, "must be the pin of a preview, such as data.bos_session_preview.x.pin")},
			MarkdownDescription: "Fingerprint of the plan: nodes, images, kernel parameters, operation. The service refuses the session if any of them has " +
				"changed by the time it is created. " +
				"Give it as `data.bos_session_preview.x.pin` to hold a saved plan to what was reviewed; with `applying = terraform.applying` in the provider " +
				"block it is chosen for you. " +
				"It matters only when the session is created: another pin runs nothing.",
		},
	}
}
