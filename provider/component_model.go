package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// componentModel is a component as a resource.
type componentModel struct {
	componentRecord

	LastAction    types.String   `tfsdk:"last_action"`
	EventStats    types.String   `tfsdk:"event_stats"`
	WaitForStable types.Bool     `tfsdk:"wait_for_stable"`
	Timeouts      timeouts.Value `tfsdk:"timeouts"`
}

// componentRecord is what BOS knows of a component.
type componentRecord struct {
	ID           types.String `tfsdk:"id"`
	Xname        types.String `tfsdk:"xname"`
	Enabled      types.Bool   `tfsdk:"enabled"`
	DesiredState types.Object `tfsdk:"desired_state"`
	StagedState  types.Object `tfsdk:"staged_state"`
	RetryPolicy  types.Int64  `tfsdk:"retry_policy"`
	ActualState  types.Object `tfsdk:"actual_state"`
	Status       types.String `tfsdk:"status"`
	Phase        types.String `tfsdk:"phase"`
	Error        types.String `tfsdk:"error"`
	Session      types.String `tfsdk:"session"`
}

// observed is the record as state shows it.
func observed(xname types.String, c bos.Component) componentRecord {
	retry := types.Int64Null()
	if c.RetryPolicy != nil {
		retry = types.Int64Value(int64(*c.RetryPolicy))
	}
	return componentRecord{
		ID: types.StringValue(c.ID), Xname: xname, Enabled: types.BoolValue(c.Enabled), RetryPolicy: retry,
		DesiredState: types.ObjectValueMust(desiredType.AttrTypes, map[string]attr.Value{
			"boot_artifacts": artifacts(c.DesiredState.BootArtifacts), "configuration": types.StringValue(c.DesiredState.Configuration),
		}),
		StagedState: types.ObjectValueMust(stagedType.AttrTypes, map[string]attr.Value{
			"boot_artifacts": artifacts(c.StagedState.BootArtifacts), "configuration": types.StringValue(c.StagedState.Configuration),
			"session": types.StringValue(c.StagedState.Session),
		}),
		ActualState: types.ObjectValueMust(actualType.AttrTypes, map[string]attr.Value{
			"boot_artifacts": artifacts(c.ActualState.BootArtifacts),
		}),
		Status: types.StringValue(c.Status.Status), Phase: types.StringValue(string(c.Status.Phase)),
		Error: types.StringValue(c.Error), Session: types.StringValue(c.Session),
	}
}

// observedResource is the record as the state of a resource shows it. What BOS
// did and counts is folded into a text each: of a thousand resources, every
// attribute is a thousand.
func observedResource(xname types.String, c bos.Component) componentModel {
	did := string(c.LastAction.Action)
	if at := c.LastAction.LastUpdated.String(); did != "" && at != "" {
		did += " at " + at
	}
	if c.LastAction.Failed {
		did += ", without effect"
	}
	counted := fmt.Sprintf("%d power on, %d graceful off, %d forceful off",
		c.EventStats.PowerOnAttempts, c.EventStats.PowerOffGracefulAttempts, c.EventStats.PowerOffForcefulAttempts)
	return componentModel{componentRecord: observed(xname, c), LastAction: types.StringValue(did), EventStats: types.StringValue(counted)}
}

func artifacts(a bos.BootArtifacts) types.Object {
	return types.ObjectValueMust(artifactsType.AttrTypes, map[string]attr.Value{
		"kernel": types.StringValue(a.Kernel), "kernel_parameters": types.StringValue(a.KernelParameters), "initrd": types.StringValue(a.Initrd),
	})
}

// unknownBookkeeping marks what BOS may change as soon as it is asked to act.
func (m *componentModel) unknownBookkeeping() {
	m.ActualState = types.ObjectUnknown(actualType.AttrTypes)
	m.LastAction = types.StringUnknown()
	m.EventStats = types.StringUnknown()
	m.Status, m.Phase, m.Error, m.Session = types.StringUnknown(), types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
}

func (m *componentModel) keepBookkeeping(state componentModel) {
	m.ActualState, m.LastAction, m.EventStats = state.ActualState, state.LastAction, state.EventStats
	m.Status, m.Phase, m.Error, m.Session = state.Status, state.Phase, state.Error, state.Session
}

// merge is the configured value laid over what was there before: the parts of
// an object that are not configured come from before. Where before has nothing,
// they come from otherwise.
func merge(config, before attr.Value, otherwise func(attr.Value) attr.Value) attr.Value {
	if config.IsNull() {
		if before == nil {
			return otherwise(config)
		}
		return before
	}
	object, ok := config.(types.Object)
	if !ok || config.IsUnknown() {
		return config
	}
	var was map[string]attr.Value
	if o, ok := before.(types.Object); ok {
		was = o.Attributes()
	}
	merged := make(map[string]attr.Value, len(object.Attributes()))
	for name, value := range object.Attributes() {
		merged[name] = merge(value, was[name], otherwise)
	}
	return types.ObjectValueMust(object.AttributeTypes(nil), merged) //nolint:staticcheck // the types of an object need no context
}

// unknownOf is the unknown value of a value's kind.
func unknownOf(v attr.Value) attr.Value {
	switch v := v.(type) {
	case types.Object:
		return types.ObjectUnknown(v.AttributeTypes(nil)) //nolint:staticcheck // the types of an object need no context
	case types.Int64:
		return types.Int64Unknown()
	case types.Bool:
		return types.BoolUnknown()
	default:
		return types.StringUnknown()
	}
}

// settle replaces what is unknown in planned by what BOS answered.
func settle(planned, answered attr.Value) attr.Value {
	if planned.IsUnknown() {
		return answered
	}
	object, ok := planned.(types.Object)
	if !ok || planned.IsNull() {
		return planned
	}
	got, ok := answered.(types.Object)
	if !ok {
		return planned
	}
	settled := make(map[string]attr.Value, len(object.Attributes()))
	for name, value := range object.Attributes() {
		settled[name] = settle(value, got.Attributes()[name])
	}
	return types.ObjectValueMust(object.AttributeTypes(nil), settled) //nolint:staticcheck // the types of an object need no context
}

// settleAll replaces everything unknown in the plan by what BOS answered.
func (m *componentModel) settleAll(got componentModel) {
	object := func(planned, answered types.Object) types.Object {
		if o, ok := settle(planned, answered).(types.Object); ok {
			return o
		}
		return planned
	}
	text := func(planned, answered types.String) types.String {
		if planned.IsUnknown() {
			return answered
		}
		return planned
	}
	m.ID = got.ID
	if m.Enabled.IsUnknown() {
		m.Enabled = got.Enabled
	}
	if m.RetryPolicy.IsUnknown() {
		m.RetryPolicy = got.RetryPolicy
	}
	m.DesiredState, m.StagedState = object(m.DesiredState, got.DesiredState), object(m.StagedState, got.StagedState)
	m.ActualState, m.LastAction, m.EventStats = object(m.ActualState, got.ActualState), text(m.LastAction, got.LastAction), text(m.EventStats, got.EventStats)
	m.Status, m.Phase, m.Error, m.Session = text(m.Status, got.Status), text(m.Phase, got.Phase), text(m.Error, got.Error), text(m.Session, got.Session)
}

// patch is what of the configuration has to be sent: what differs from the
// state, and enabled along with a desired state that does.
func (m componentModel) patch(state *componentModel) bos.ComponentPatch {
	var p bos.ComponentPatch
	before := componentModel{}
	if state != nil {
		before = *state
	}
	if d := m.DesiredState; differs(d, before.DesiredState) {
		p.DesiredState = &bos.DesiredPatch{Configuration: given(d, "configuration"), BootArtifacts: artifactsPatch(d)}
	}
	if s := m.StagedState; differs(s, before.StagedState) {
		p.StagedState = &bos.StagedPatch{Configuration: given(s, "configuration"), Session: given(s, "session"), BootArtifacts: artifactsPatch(s)}
	}
	if n := m.RetryPolicy; !n.IsNull() && !n.Equal(before.RetryPolicy) {
		retry := int(n.ValueInt64())
		p.RetryPolicy = &retry
	}
	if e := m.Enabled; !e.IsNull() && (state == nil || !e.Equal(before.Enabled) || p.DesiredState != nil) {
		enabled := e.ValueBool()
		p.Enabled = &enabled
	}
	return p
}

// differs reports whether something configured is not yet so.
func differs(config, before attr.Value) bool {
	if config == nil || config.IsNull() {
		return false
	}
	object, ok := config.(types.Object)
	if !ok || config.IsUnknown() {
		return before == nil || !config.Equal(before)
	}
	var was map[string]attr.Value
	if o, ok := before.(types.Object); ok {
		was = o.Attributes()
	}
	for name, value := range object.Attributes() {
		if differs(value, was[name]) {
			return true
		}
	}
	return false
}

func given(o types.Object, name string) *string {
	if text, ok := o.Attributes()[name].(types.String); ok && !text.IsNull() && !text.IsUnknown() {
		value := text.ValueString()
		return &value
	}
	return nil
}

func artifactsPatch(state types.Object) *bos.ArtifactsPatch {
	a, ok := state.Attributes()["boot_artifacts"].(types.Object)
	if !ok || a.IsNull() || a.IsUnknown() {
		return nil
	}
	return &bos.ArtifactsPatch{Kernel: given(a, "kernel"), KernelParameters: given(a, "kernel_parameters"), Initrd: given(a, "initrd")}
}
