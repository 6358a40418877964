package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	dataschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The arguments of a rollout are written once, here: the resource bos_session takes
// them, and the data source bos_session_preview.

// rolloutText is an argument of a rollout that is a text.
type rolloutText struct {
	name, description string
	required          bool
	checks            []validator.String
}

var (
	amount = []validator.String{readAs{"a number of nodes such as 20, or a share of them such as 10%", func(text string) error {
		_, err := bos.ParseAmount(text)
		return err
	}}}
	span = []validator.String{readAs{"a length of time such as 90s, 10m or 1h30m", func(text string) error {
		var s bos.Span
		return s.UnmarshalText([]byte(text))
	}}}
	instant = []validator.String{readAs{"a time such as 2026-12-24T12:00:00Z", func(text string) error {
		_, err := time.Parse(time.RFC3339, text)
		return err
	}}}
)

func rolloutTexts() []rolloutText {
	return []rolloutText{
		{
			name: "canary", checks: amount, description: "How many nodes the first batch has: a count such as `2`, or a share such as `1%`. None of them may fail, whatever " +
				"`failure_budget` is. Shares of all that follow round down, and are at least one node.",
		},
		{name: "canary_nodes", checks: textBetween(1, bos.MaxLimit), description: "Which nodes the first batch is, folded, in place of how many. All must be among those that the session selects."},
		{
			name: "strategy", checks: oneOf(bos.RolloutStrategies()), description: "How batches grow, in place of `batches`: `fixed`, `linear` (by `growth_factor` nodes each) or " +
				"`exponential` (times `growth_factor` each).",
		},
		{name: "initial_batch", checks: amount, description: "Size of the first batch of a `strategy`, after the canary."},
		{name: "by", checks: oneOf(bos.RolloutBys()), description: "What batches do not cut through: `cabinet`, `chassis` or `none` (default)."},
		{
			name: "max_unavailable", checks: amount, description: "How many nodes of the session may be out of service at a time. Nodes that wait and are down already, or whose " +
				"power is not known, count. Defaults to all.",
		},
		{name: "max_in_flight", checks: amount, description: "How many nodes are worked on at a time. Defaults to all of a batch."},
		{
			name: "failure_budget", checks: amount, description: "How many nodes may fail over the whole rollout, those that do not answer included. Beyond it the rollout halts: no " +
				"other node is started until somebody resumes it. Defaults to `5%`.",
		},
		{name: "min_healthy_time", checks: span, description: "For how long a node is to be done before it frees its place. Defaults to `0s`."},
		{name: "healthy_deadline", checks: span, description: "How long a node has from its start; beyond it, it has failed and keeps nobody waiting. Defaults to `1h`."},
		{
			name: "progress_deadline", checks: span, description: "How long the rollout may go without a node that becomes healthy, before it halts. Defaults to `4h`. It does not run " +
				"while the rollout is held by wish.",
		},
		{name: "order_threshold", checks: amount, description: "Share of the nodes of one ordinal that must be done before those of the next are started. Defaults to `100%`."},
	}
}

func windowTexts() []rolloutText {
	return []rolloutText{
		{name: "start_time", required: true, checks: textBetween(1, bos.MaxComponentID), description: "Time of day at which it opens, such as `22:30`."},
		{name: "time_zone", checks: textBetween(1, bos.MaxComponentID), description: "Time zone of `start_time` and `days`, such as `Europe/Zurich`. Defaults to UTC."},
	}
}

func freezeTexts() []rolloutText {
	return []rolloutText{
		{name: "from", required: true, checks: instant, description: "Its beginning, such as `2026-12-24T12:00:00Z`."},
		{name: "until", required: true, checks: instant, description: "Its end."},
		{name: "reason", checks: textBetween(1, bos.MaxReason), description: "Why, for those who see the rollout held."},
	}
}

func oneOf[T ~string](values []T) []validator.String {
	var names []string
	for _, v := range values {
		names = append(names, string(v))
	}
	return []validator.String{stringvalidator.OneOf(names...)}
}

const (
	rolloutDescription = "Goes through the nodes batch by batch, in place of all at once, with a canary first where one is asked for. The service carries it out, also while " +
		"no Terraform runs. It says how a session goes about its nodes and not what it does to them: a change of it runs nothing, and counts from the next session on. " +
		"A plain BOS v2 has no rollouts, and a plan against one is an error."
	autoPromoteDescription = "Let the other batches follow a healthy canary by themselves. Otherwise somebody promotes the rollout. Defaults to `false`."
	batchesDescription     = "Sizes of the batches after the canary, as counts or shares; the last is repeated. Without it and `strategy` the rest is one batch."
	growthDescription      = "What each batch grows by, or is multiplied with. Defaults to 2."
	windowDescription      = "When nodes may be started. What was started goes on to its end outside of it as well."
	daysDescription        = "Days on which it opens: `Mon`, `Tue`, `Wed`, `Thu`, `Fri`, `Sat`, `Sun`. Defaults to all."
	lengthDescription      = "For how many minutes it is open, a week at most."
	freezeDescription      = "Times in which no node is started."
	bootOrdinalDescription = "Order of boot sets by name, for sessions that boot or reboot: low goes first, those of equal numbers together, and one that is not named is 0."
	downOrdinalDescription = "The same for sessions that shut down."
	wholeDescription       = "Name, such as `canary` or `batch 1`."
)

// managedRollout is a rollout as a resource has it.
func managedRollout() schema.Attribute {
	text := func(t rolloutText) schema.Attribute {
		return schema.StringAttribute{Required: t.required, Optional: !t.required, Validators: t.checks, MarkdownDescription: t.description}
	}
	ordinals := func(description string) schema.Attribute {
		return schema.MapAttribute{Optional: true, ElementType: types.Int64Type, MarkdownDescription: description}
	}
	attributes := map[string]schema.Attribute{
		"auto_promote":     schema.BoolAttribute{Optional: true, MarkdownDescription: autoPromoteDescription},
		"growth_factor":    schema.Int64Attribute{Optional: true, Validators: growthChecks(), MarkdownDescription: growthDescription},
		"batches":          schema.ListAttribute{Optional: true, ElementType: types.StringType, Validators: batchChecks(), MarkdownDescription: batchesDescription},
		"boot_ordinal":     ordinals(bootOrdinalDescription),
		"shutdown_ordinal": ordinals(downOrdinalDescription),
	}
	for _, t := range rolloutTexts() {
		attributes[t.name] = text(t)
	}
	window := map[string]schema.Attribute{
		"days":           schema.ListAttribute{Optional: true, ElementType: types.StringType, Validators: dayChecks(), MarkdownDescription: daysDescription},
		"length_minutes": schema.Int64Attribute{Required: true, MarkdownDescription: lengthDescription},
	}
	for _, t := range windowTexts() {
		window[t.name] = text(t)
	}
	freeze := make(map[string]schema.Attribute)
	for _, t := range freezeTexts() {
		freeze[t.name] = text(t)
	}
	attributes["window"] = schema.SingleNestedAttribute{Optional: true, MarkdownDescription: windowDescription, Attributes: window}
	attributes["freeze"] = schema.ListNestedAttribute{
		Optional: true, Validators: []validator.List{listvalidator.SizeAtLeast(1), noNullEntries{}}, MarkdownDescription: freezeDescription,
		NestedObject: schema.NestedAttributeObject{Attributes: freeze},
	}
	return schema.SingleNestedAttribute{Optional: true, MarkdownDescription: rolloutDescription, Attributes: attributes}
}

// givenRollout is a rollout as a data source takes it.
func givenRollout() dataschema.Attribute {
	text := func(t rolloutText) dataschema.Attribute {
		return dataschema.StringAttribute{Required: t.required, Optional: !t.required, Validators: t.checks, MarkdownDescription: t.description}
	}
	ordinals := func(description string) dataschema.Attribute {
		return dataschema.MapAttribute{Optional: true, ElementType: types.Int64Type, MarkdownDescription: description}
	}
	attributes := map[string]dataschema.Attribute{
		"auto_promote":     dataschema.BoolAttribute{Optional: true, MarkdownDescription: autoPromoteDescription},
		"growth_factor":    dataschema.Int64Attribute{Optional: true, Validators: growthChecks(), MarkdownDescription: growthDescription},
		"batches":          dataschema.ListAttribute{Optional: true, ElementType: types.StringType, Validators: batchChecks(), MarkdownDescription: batchesDescription},
		"boot_ordinal":     ordinals(bootOrdinalDescription),
		"shutdown_ordinal": ordinals(downOrdinalDescription),
	}
	for _, t := range rolloutTexts() {
		attributes[t.name] = text(t)
	}
	window := map[string]dataschema.Attribute{
		"days":           dataschema.ListAttribute{Optional: true, ElementType: types.StringType, Validators: dayChecks(), MarkdownDescription: daysDescription},
		"length_minutes": dataschema.Int64Attribute{Required: true, MarkdownDescription: lengthDescription},
	}
	for _, t := range windowTexts() {
		window[t.name] = text(t)
	}
	freeze := make(map[string]dataschema.Attribute)
	for _, t := range freezeTexts() {
		freeze[t.name] = text(t)
	}
	attributes["window"] = dataschema.SingleNestedAttribute{Optional: true, MarkdownDescription: windowDescription, Attributes: window}
	attributes["freeze"] = dataschema.ListNestedAttribute{
		Optional: true, Validators: []validator.List{listvalidator.SizeAtLeast(1), noNullEntries{}}, MarkdownDescription: freezeDescription,
		NestedObject: dataschema.NestedAttributeObject{Attributes: freeze},
	}
	return dataschema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "Preview a session with this rollout, as in `bos_session`. The pin stands for it too.", Attributes: attributes,
	}
}

func growthChecks() []validator.Int64 { return []validator.Int64{int64validator.AtLeast(1)} }

func batchChecks() []validator.List {
	return []validator.List{listvalidator.SizeBetween(1, bos.MaxRolloutBatches), noNullEntries{}, listvalidator.ValueStringsAre(amount...)}
}

func dayChecks() []validator.List {
	return []validator.List{listvalidator.SizeAtLeast(1), noNullEntries{}}
}

// plannedBatchType is one batch of a plan.
var plannedBatchType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"name": types.StringType, "node_count": types.Int64Type, "nodes": types.StringType,
}}

const plannedBatchesDescription = "Batches of the rollout in their order, also where the template has an order of boot sets. Null without one, and where nobody can say."

func plannedBatches() schema.Attribute {
	return schema.ListNestedAttribute{
		Computed: true, MarkdownDescription: plannedBatchesDescription,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"name": computedText(wholeDescription), "node_count": computedCount("How many nodes it has."), "nodes": computedText("Which, folded."),
		}},
	}
}

func readBatches() dataschema.Attribute {
	return dataschema.ListNestedAttribute{
		Computed: true, MarkdownDescription: plannedBatchesDescription,
		NestedObject: dataschema.NestedAttributeObject{Attributes: map[string]dataschema.Attribute{
			"name": readText(wholeDescription), "node_count": readCount("How many nodes it has."), "nodes": readText("Which, folded."),
		}},
	}
}

// rolloutStatusTexts and rolloutStatusCounts are what is told of a rollout under way.
func rolloutStatusTexts() map[string]string {
	return map[string]string{
		"phase": "`planned`, `running`, `halted` (no node is started until somebody resumes it), `failed` (somebody ended it) or `complete`.",
		"held_by": "What keeps it from starting nodes: `promotion`, `window`, `freeze`, `max_unavailable`, `halted` or `paused`. Empty if " +
			"nothing does.",
		"detail":       "More about that, for people.",
		"batch":        "Name of the batch under way, empty where none is.",
		"failed_nodes": "Nodes of it that failed, folded.",
	}
}

func rolloutStatusCounts() map[string]string {
	return map[string]string{
		"batch_number": "Which of the batches is under way, from 1 on; 0 where none is.",
		"batch_count":  "How many batches there are.",
		"waiting":      "Nodes whose turn has not come.",
		"in_flight":    "Nodes that are worked on.",
		"done":         "Nodes that are done.",
		"failed":       "Nodes that failed.",
		"left":         "Nodes that another session took, or that were let go of.",
		"failure_budget": "How many nodes may fail over the whole rollout, the " +
			"canary aside.",
		"max_unavailable": "How many nodes may be out of service at a time.",
		"max_in_flight":   "How many nodes are worked on at a time at most.",
	}
}

const rolloutStatusDescription = "How far the rollout is, also that of a template with an order of boot sets. Null without one."

func rolloutStatus() schema.Attribute {
	attributes := make(map[string]schema.Attribute)
	for name, description := range rolloutStatusTexts() {
		attributes[name] = computedText(description)
	}
	for name, description := range rolloutStatusCounts() {
		attributes[name] = computedCount(description)
	}
	return schema.SingleNestedAttribute{Computed: true, MarkdownDescription: rolloutStatusDescription, Attributes: attributes}
}

func readRolloutStatus() dataschema.Attribute {
	attributes := make(map[string]dataschema.Attribute)
	for name, description := range rolloutStatusTexts() {
		attributes[name] = readText(description)
	}
	for name, description := range rolloutStatusCounts() {
		attributes[name] = readCount(description)
	}
	return dataschema.SingleNestedAttribute{Computed: true, MarkdownDescription: rolloutStatusDescription, Attributes: attributes}
}

// readAs accepts what the service reads as a value.
type readAs struct {
	what string
	read func(string) error
}

func (v readAs) Description(context.Context) string { return v.what }

func (v readAs) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v readAs) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := v.read(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid value", fmt.Sprintf("%q is not %s.", req.ConfigValue.ValueString(), v.what))
	}
}
