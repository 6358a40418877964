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

	LastAction        types.String   `tfsdk:"last_action"`
	EventStats        types.String   `tfsdk:"event_stats"`
	Effect            types.String   `tfsdk:"effect"`
	Hold              types.Object   `tfsdk:"hold"`
	WaitForCompletion types.Bool     `tfsdk:"wait_for_completion"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
}

// componentRecord is what BOS knows of a component.
type componentRecord struct {
	ID           types.String `tfsdk:"id"`
	Xname        types.String `tfsdk:"xname"`
	Tenant       types.String `tfsdk:"tenant"`
	Enabled      types.Bool   `tfsdk:"enabled"`
	DesiredState types.Object `tfsdk:"desired_state"`
	StagedState  types.Object `tfsdk:"staged_state"`
	RetryPolicy  types.Int64  `tfsdk:"retry_policy"`
	ActualState  types.Object `tfsdk:"actual_state"`
	Status       types.String `tfsdk:"status"`
	Phase        types.String `tfsdk:"phase"`
	Error        types.String `tfsdk:"error"`
	Session      types.String `tfsdk:"session"`
	Held         types.String `tfsdk:"held"`
}

// observed is the record as state shows it.
func observed(tenant, xname types.String, c bos.Component, held bos.Brake) componentRecord {
	retry := types.Int64Null()
	if c.RetryPolicy != nil {
		retry = types.Int64Value(int64(*c.RetryPolicy))
	}
	return componentRecord{
		ID: types.StringValue(c.ID), Tenant: tenant, Xname: xname, Enabled: types.BoolValue(c.Enabled), RetryPolicy: retry,
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
		Error: types.StringValue(c.Error), Session: types.StringValue(c.Session), Held: types.StringValue(heldText(held)),
	}
}

// observedResource is the record as the state of a resource shows it. What BOS
// did and counts is folded into a text each: of a thousand resources, every
// attribute is a thousand.
func observedResource(tenant, xname types.String, c bos.Component, held bos.Brake) componentModel {
	did := string(c.LastAction.Action)
	if at := c.LastAction.LastUpdated.String(); did != "" && at != "" {
		did += " at " + at
	}
	if c.LastAction.Failed {
		did += ", without effect"
	}
	counted := fmt.Sprintf("%d power on, %d graceful off, %d forceful off",
		c.EventStats.PowerOnAttempts, c.EventStats.PowerOffGracefulAttempts, c.EventStats.PowerOffForcefulAttempts)
	return componentModel{
		componentRecord: observed(tenant, xname, c, held), LastAction: types.StringValue(did), EventStats: types.StringValue(counted),
		Hold: types.ObjectNull(holdType.AttrTypes),
	}
}

func artifacts(a bos.BootArtifacts) types.Object {
	return types.ObjectValueMust(artifactsType.AttrTypes, map[string]attr.Value{
		"kernel": types.StringValue(a.Kernel), "kernel_parameters": types.StringValue(a.KernelParameters), "initrd": types.StringValue(a.Initrd),
	})
}

// foretell plans what the apply asks of BOS, where it asks for anything; else it
// stays what it was. It depends on nothing that is not known until then, for
// Terraform plans once more during the apply.
func (m *componentModel) foretell(d componentDecision, state *componentModel) {
	switch {
	case d.effect.is != absent:
		m.Effect = valueOf(d.effect, types.StringValue, types.StringNull, types.StringUnknown)
	case state != nil:
		m.Effect = state.Effect
	default:
		m.Effect = types.StringValue(askedNothing)
	}
}

// unknownBookkeeping marks what BOS may change as soon as it is asked to act.
func (m *componentModel) unknownBookkeeping() {
	m.ActualState = types.ObjectUnknown(actualType.AttrTypes)
	m.LastAction = types.StringUnknown()
	m.EventStats = types.StringUnknown()
	m.Status, m.Phase, m.Error, m.Session = types.StringUnknown(), types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	m.Held = types.StringUnknown()
}

func (m *componentModel) keepBookkeeping(state componentModel) {
	m.ActualState, m.LastAction, m.EventStats = state.ActualState, state.LastAction, state.EventStats
	m.Status, m.Phase, m.Error, m.Session, m.Held = state.Status, state.Phase, state.Error, state.Session, state.Held
}

// keepSettled takes over what BOS answered where the plan did not know.
func (m *componentModel) keepSettled(got componentModel) {
	object := func(planned, answered types.Object) types.Object {
		if planned.IsUnknown() {
			return answered
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
	m.ActualState, m.LastAction, m.EventStats = object(m.ActualState, got.ActualState), text(m.LastAction, got.LastAction), text(m.EventStats, got.EventStats)
	m.Status, m.Phase, m.Error, m.Session = text(m.Status, got.Status), text(m.Phase, got.Phase), text(m.Error, got.Error), text(m.Session, got.Session)
	m.Held = text(m.Held, got.Held)
}

// managed are the values that a configuration may manage.
func (m *componentModel) managed() managed {
	desired := stateOf(m.DesiredState)
	desired.session = field[string]{} // which an unknown one seems to have
	return managed{
		enabled: fieldOf(m.Enabled, m.Enabled.ValueBool()), retryPolicy: fieldOf(m.RetryPolicy, m.RetryPolicy.ValueInt64()),
		desired: desired, staged: stateOf(m.StagedState), hold: holdReason(m.Hold),
	}
}

// manage sets them. An object that the configuration writes out stays one, as
// Terraform wants it, also where nothing in it is known.
func (m *componentModel) manage(values managed, config componentModel) {
	m.Enabled = valueOf(values.enabled, types.BoolValue, types.BoolNull, types.BoolUnknown)
	m.RetryPolicy = valueOf(values.retryPolicy, types.Int64Value, types.Int64Null, types.Int64Unknown)
	m.DesiredState = objectOf(desiredType.AttrTypes, values.desired, unknownDesired, config.DesiredState)
	m.StagedState = objectOf(stagedType.AttrTypes, values.staged, unknownStaged, config.StagedState)
}

// observed is what state shows of a component; nil where there is no state.
func (m *componentModel) observed() *observedComponent {
	if m == nil {
		return nil
	}
	return &observedComponent{managed: m.managed(), session: m.Session.ValueString(), phase: m.Phase.ValueString(), held: m.Held.ValueString()}
}

// holdReason is the reason of a hold, absent without one.
func holdReason(o types.Object) field[string] {
	if o.IsUnknown() {
		return unknownText
	}
	reason := part[types.String](o, "reason")
	return fieldOf(reason, reason.ValueString())
}

// fieldOf says whether a value of the framework is there.
func fieldOf[T comparable](v attr.Value, value T) field[T] {
	switch {
	case v == nil || v.IsNull():
		return field[T]{}
	case v.IsUnknown():
		return field[T]{is: unknown}
	default:
		return given(value)
	}
}

func valueOf[T comparable, V any](f field[T], value func(T) V, null, notKnown func() V) V {
	switch f.is {
	case known:
		return value(f.value)
	case unknown:
		return notKnown()
	default:
		return null()
	}
}

// stateOf takes an object apart. What is in an unknown one is unknown.
func stateOf(o types.Object) managedState {
	artifacts, inside := part[types.Object](o, "boot_artifacts"), func(o types.Object, name string) field[string] {
		if o.IsUnknown() {
			return unknownText
		}
		text := part[types.String](o, name)
		return fieldOf(text, text.ValueString())
	}
	if o.IsUnknown() {
		artifacts = o
	}
	return managedState{
		kernel: inside(artifacts, "kernel"), kernelParameters: inside(artifacts, "kernel_parameters"), initrd: inside(artifacts, "initrd"),
		configuration: inside(o, "configuration"), session: inside(o, "session"),
	}
}

// part is an attribute of an object; null if it has none of that name.
func part[V attr.Value](o types.Object, name string) (v V) {
	if found, ok := o.Attributes()[name].(V); ok {
		v = found
	}
	return v
}

// objectOf puts a state together again. What is unknown as a whole becomes one
// unknown object, unless it is written out.
func objectOf(kind map[string]attr.Type, s, notKnown managedState, written types.Object) types.Object {
	isWritten := func(o types.Object) bool { return !o.IsNull() && !o.IsUnknown() }
	if s == notKnown && !isWritten(written) {
		return types.ObjectUnknown(kind)
	}
	text := func(f field[string]) attr.Value {
		return valueOf(f, types.StringValue, types.StringNull, types.StringUnknown)
	}
	artifacts := types.ObjectUnknown(artifactsType.AttrTypes)
	if isWritten(part[types.Object](written, "boot_artifacts")) || s.kernel != unknownText || s.kernelParameters != unknownText || s.initrd != unknownText {
		artifacts = types.ObjectValueMust(artifactsType.AttrTypes, map[string]attr.Value{
			"kernel": text(s.kernel), "kernel_parameters": text(s.kernelParameters), "initrd": text(s.initrd),
		})
	}
	values := map[string]attr.Value{"boot_artifacts": artifacts, "configuration": text(s.configuration)}
	if _, staged := kind["session"]; staged {
		values["session"] = text(s.session)
	}
	return types.ObjectValueMust(kind, values)
}
