package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// rolloutModel is a rollout as configurations have it.
type rolloutModel struct {
	Canary           types.String `tfsdk:"canary"`
	CanaryNodes      types.String `tfsdk:"canary_nodes"`
	AutoPromote      types.Bool   `tfsdk:"auto_promote"`
	Batches          types.List   `tfsdk:"batches"`
	Strategy         types.String `tfsdk:"strategy"`
	InitialBatch     types.String `tfsdk:"initial_batch"`
	GrowthFactor     types.Int64  `tfsdk:"growth_factor"`
	By               types.String `tfsdk:"by"`
	MaxUnavailable   types.String `tfsdk:"max_unavailable"`
	MaxInFlight      types.String `tfsdk:"max_in_flight"`
	FailureBudget    types.String `tfsdk:"failure_budget"`
	MinHealthyTime   types.String `tfsdk:"min_healthy_time"`
	HealthyDeadline  types.String `tfsdk:"healthy_deadline"`
	ProgressDeadline types.String `tfsdk:"progress_deadline"`
	Window           types.Object `tfsdk:"window"`
	Freeze           types.List   `tfsdk:"freeze"`
	BootOrdinal      types.Map    `tfsdk:"boot_ordinal"`
	ShutdownOrdinal  types.Map    `tfsdk:"shutdown_ordinal"`
	OrderThreshold   types.String `tfsdk:"order_threshold"`
}

type windowModel struct {
	Days          types.List   `tfsdk:"days"`
	StartTime     types.String `tfsdk:"start_time"`
	LengthMinutes types.Int64  `tfsdk:"length_minutes"`
	TimeZone      types.String `tfsdk:"time_zone"`
}

type freezeModel struct {
	From   types.String `tfsdk:"from"`
	Until  types.String `tfsdk:"until"`
	Reason types.String `tfsdk:"reason"`
}

// The types of a rollout, for values that are made here.
var (
	windowType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"days": types.ListType{ElemType: types.StringType}, "start_time": types.StringType, "length_minutes": types.Int64Type, "time_zone": types.StringType,
	}}
	freezeType  = types.ObjectType{AttrTypes: map[string]attr.Type{"from": types.StringType, "until": types.StringType, "reason": types.StringType}}
	rolloutType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"canary": types.StringType, "canary_nodes": types.StringType, "auto_promote": types.BoolType, "batches": types.ListType{ElemType: types.StringType},
		"strategy": types.StringType, "initial_batch": types.StringType, "growth_factor": types.Int64Type, "by": types.StringType,
		"max_unavailable": types.StringType, "max_in_flight": types.StringType, "failure_budget": types.StringType,
		"min_healthy_time": types.StringType, "healthy_deadline": types.StringType, "progress_deadline": types.StringType,
		"window": windowType, "freeze": types.ListType{ElemType: freezeType},
		"boot_ordinal": types.MapType{ElemType: types.Int64Type}, "shutdown_ordinal": types.MapType{ElemType: types.Int64Type},
		"order_threshold": types.StringType,
	}}
)

func noRollout() types.Object { return types.ObjectNull(rolloutType.AttrTypes) }

// fullyKnown reports whether all of a rollout is known.
func fullyKnown(ctx context.Context, rollout types.Object) bool {
	value, err := rollout.ToTerraformValue(ctx)
	return err == nil && value.IsFullyKnown()
}

// rolloutOf is the rollout of a configuration, all of which is known, for BOS; nil for
// none. What cannot be read is an error, since without its rollout a session would
// start all nodes at once.
func rolloutOf(ctx context.Context, given types.Object) (*bos.Rollout, error) {
	if given.IsNull() {
		return nil, nil //nolint:nilnil // that there is none is an answer
	}
	var m rolloutModel
	if diags := given.As(ctx, &m, basetypes.ObjectAsOptions{}); diags.HasError() {
		return nil, bos.Invalidf("rollout", "%s", diags.Errors()[0].Detail())
	}
	read := reading{ctx: ctx}
	r := bos.Rollout{
		Canary: read.amount("canary", m.Canary), CanaryNodes: m.CanaryNodes.ValueString(), AutoPromote: m.AutoPromote.ValueBool(),
		Strategy: bos.RolloutStrategy(m.Strategy.ValueString()), InitialBatch: read.amount("initial_batch", m.InitialBatch),
		GrowthFactor: int(m.GrowthFactor.ValueInt64()), By: bos.RolloutBy(m.By.ValueString()),
		MaxUnavailable: read.amount("max_unavailable", m.MaxUnavailable), MaxInFlight: read.amount("max_in_flight", m.MaxInFlight),
		MinHealthyTime: read.span("min_healthy_time", m.MinHealthyTime), HealthyDeadline: read.span("healthy_deadline", m.HealthyDeadline),
		ProgressDeadline: read.span("progress_deadline", m.ProgressDeadline), OrderThreshold: read.amount("order_threshold", m.OrderThreshold),
		Window: read.window(m.Window), Freeze: read.freezes(m.Freeze),
		BootOrdinal: read.ordinals("boot_ordinal", m.BootOrdinal), ShutdownOrdinal: read.ordinals("shutdown_ordinal", m.ShutdownOrdinal),
	}
	for _, size := range wordsOf(m.Batches) {
		r.Batches = append(r.Batches, read.amount("batches", types.StringValue(size)))
	}
	if !m.FailureBudget.IsNull() {
		budget := read.amount("failure_budget", m.FailureBudget)
		r.FailureBudget = &budget
	}
	return &r, read.err
}

// reading keeps the first error of many.
type reading struct {
	ctx context.Context //nolint:containedctx // it lives as long as the call that made it
	err error
}

func (r *reading) wrong(field, detail string) {
	if r.err == nil {
		r.err = bos.Invalidf("rollout."+field, "%s", detail)
	}
}

func (r *reading) amount(field string, text types.String) bos.Amount {
	if text.IsNull() {
		return bos.Amount{}
	}
	a, err := bos.ParseAmount(text.ValueString())
	if err != nil {
		r.wrong(field, err.Error())
	}
	return a
}

func (r *reading) span(field string, text types.String) (s bos.Span) {
	if text.IsNull() {
		return s
	}
	if err := s.UnmarshalText([]byte(text.ValueString())); err != nil {
		r.wrong(field, err.Error())
	}
	return s
}

func (r *reading) instant(field string, text types.String) time.Time {
	at, err := time.Parse(time.RFC3339, text.ValueString())
	if err != nil {
		r.wrong(field, fmt.Sprintf("%q is no time; write it as 2026-12-24T12:00:00Z", text.ValueString()))
	}
	return at
}

func (r *reading) ordinals(field string, given types.Map) map[string]int {
	if given.IsNull() {
		return nil
	}
	ordinals := make(map[string]int, len(given.Elements()))
	for name, value := range given.Elements() {
		n, ok := value.(types.Int64)
		if !ok || n.IsNull() {
			r.wrong(field, fmt.Sprintf("%q has no number; give it one, or leave it out", name))
			continue
		}
		ordinals[name] = int(n.ValueInt64())
	}
	return ordinals
}

func (r *reading) window(given types.Object) *bos.RolloutWindow {
	if given.IsNull() {
		return nil
	}
	var m windowModel
	if diags := given.As(r.ctx, &m, basetypes.ObjectAsOptions{}); diags.HasError() {
		r.wrong("window", diags.Errors()[0].Detail())
	}
	return &bos.RolloutWindow{
		Days: wordsOf(m.Days), StartTime: m.StartTime.ValueString(), LengthMinutes: int(m.LengthMinutes.ValueInt64()), TimeZone: m.TimeZone.ValueString(),
	}
}

func (r *reading) freezes(given types.List) (freezes []bos.RolloutFreeze) {
	if given.IsNull() {
		return nil
	}
	var list []freezeModel
	if diags := given.ElementsAs(r.ctx, &list, false); diags.HasError() {
		r.wrong("freeze", diags.Errors()[0].Detail())
	}
	for _, m := range list {
		freezes = append(freezes, bos.RolloutFreeze{
			From: r.instant("freeze", m.From), Until: r.instant("freeze", m.Until), Reason: m.Reason.ValueString(),
		})
	}
	return freezes
}

// givenBy is a rollout that BOS has, as a configuration would give it.
func givenBy(r bos.Rollout) types.Object {
	texts := func(n int, of func(int) string) types.List {
		if n == 0 {
			return types.ListNull(types.StringType)
		}
		values := make([]attr.Value, n)
		for i := range values {
			values[i] = types.StringValue(of(i))
		}
		return types.ListValueMust(types.StringType, values)
	}
	budget := types.StringNull()
	if r.FailureBudget != nil {
		budget = types.StringValue(r.FailureBudget.String())
	}
	window := types.ObjectNull(windowType.AttrTypes)
	if w := r.Window; w != nil {
		window = types.ObjectValueMust(windowType.AttrTypes, map[string]attr.Value{
			"days": texts(len(w.Days), func(i int) string { return w.Days[i] }), "start_time": types.StringValue(w.StartTime),
			"length_minutes": types.Int64Value(int64(w.LengthMinutes)), "time_zone": orNull(w.TimeZone),
		})
	}
	freeze := types.ListNull(freezeType)
	if len(r.Freeze) > 0 {
		values := make([]attr.Value, len(r.Freeze))
		for i, f := range r.Freeze {
			values[i] = types.ObjectValueMust(freezeType.AttrTypes, map[string]attr.Value{
				"from": types.StringValue(f.From.Format(time.RFC3339)), "until": types.StringValue(f.Until.Format(time.RFC3339)), "reason": orNull(f.Reason),
			})
		}
		freeze = types.ListValueMust(freezeType, values)
	}
	promotes, growth := types.BoolNull(), types.Int64Null()
	if r.AutoPromote {
		promotes = types.BoolValue(true)
	}
	if r.GrowthFactor != 0 {
		growth = types.Int64Value(int64(r.GrowthFactor))
	}
	return types.ObjectValueMust(rolloutType.AttrTypes, map[string]attr.Value{
		"canary": amountText(r.Canary), "canary_nodes": orNull(r.CanaryNodes), "auto_promote": promotes,
		"batches":  texts(len(r.Batches), func(i int) string { return r.Batches[i].String() }),
		"strategy": orNull(string(r.Strategy)), "initial_batch": amountText(r.InitialBatch), "growth_factor": growth, "by": orNull(string(r.By)),
		"max_unavailable": amountText(r.MaxUnavailable), "max_in_flight": amountText(r.MaxInFlight), "failure_budget": budget,
		"min_healthy_time": spanText(r.MinHealthyTime), "healthy_deadline": spanText(r.HealthyDeadline), "progress_deadline": spanText(r.ProgressDeadline),
		"window": window, "freeze": freeze, "boot_ordinal": ordinalsOf(r.BootOrdinal), "shutdown_ordinal": ordinalsOf(r.ShutdownOrdinal),
		"order_threshold": amountText(r.OrderThreshold),
	})
}

func amountText(a bos.Amount) types.String {
	if !a.Set() {
		return types.StringNull()
	}
	return types.StringValue(a.String())
}

// spanText is a length of time as people write it: 10m and not 10m0s.
func spanText(s bos.Span) types.String {
	if s == 0 {
		return types.StringNull()
	}
	text := s.Length().String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return types.StringValue(text)
}

func ordinalsOf(ordinals map[string]int) types.Map {
	if ordinals == nil {
		return types.MapNull(types.Int64Type)
	}
	values := make(map[string]attr.Value, len(ordinals))
	for name, n := range ordinals {
		values[name] = types.Int64Value(int64(n))
	}
	return types.MapValueMust(types.Int64Type, values)
}

// adoptRollout takes over the rollout of a session that is imported.
func (m *sessionModel) adoptRollout(ctx context.Context, c *client.Client) error {
	status, err := rolloutStatusOf(ctx, c, m.Name.ValueString())
	if err != nil || status == nil {
		return err
	}
	m.Rollout, m.RolloutStatus = givenBy(status.Rollout), rolloutStatusValue(*status)
	return nil
}

// rolloutPath is where in a configuration a field is that the rules of rollouts name.
func rolloutPath(field string) path.Path {
	parts := strings.Split(field, ".")
	at := path.Root(parts[0])
	for _, part := range parts[1:] {
		at = at.AtName(part)
	}
	return at
}

// wrongRollout says at its place what is wrong with a rollout.
func wrongRollout(err error, diags *diag.Diagnostics) {
	invalid, ok := err.(*bos.Invalid) //nolint:errorlint // the rules of rollouts return nothing else
	if !ok {
		diags.AddAttributeError(path.Root("rollout"), "Invalid rollout", err.Error()+".")
		return
	}
	field := invalid.Field[strings.LastIndexByte(invalid.Field, '.')+1:]
	diags.AddAttributeError(rolloutPath(invalid.Field), "Invalid rollout", fmt.Sprintf("%s: %s.", field, invalid.Detail))
}

// ValidateConfig checks what is staged for reboots from outside, and a rollout by the rules
// of the service, as soon as all of it is known.
func (r *sessionResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m sessionModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	checkStagedBoot(m.StagedBoot, m.Stage, m.Operation, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || m.Rollout.IsNull() || !fullyKnown(ctx, m.Rollout) {
		return
	}
	rollout, err := rolloutOf(ctx, m.Rollout)
	if err != nil {
		return // the arguments have said it one by one
	}
	if err := bos.CheckRollout(rollout, m.Stage.ValueBool()); err != nil {
		wrongRollout(err, &resp.Diagnostics)
	}
}
