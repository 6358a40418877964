package provider

import (
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// presence is how much is known of a value. The zero is absent: nobody gives it.
type presence int

const (
	absent presence = iota
	unknown
	known
)

// field is a value that may be absent, or not known yet.
type field[T comparable] struct {
	is    presence
	value T
}

func given[T comparable](value T) field[T] { return field[T]{known, value} }

// has reports whether the value is known and this one.
func (f field[T]) has(value T) bool { return f.is == known && f.value == value }

// over is the value where one is given, else the one below.
func (f field[T]) over(below field[T]) field[T] {
	if f.is == absent {
		return below
	}
	return f
}

// mayChange reports whether what is given may be something else than what is there.
func (f field[T]) mayChange(there field[T]) bool {
	return f.is != absent && f != there || f.is == unknown
}

// settled is the value, or the answer where it was not known.
func (f field[T]) settled(answer field[T]) field[T] {
	if f.is == unknown {
		return answer
	}
	return f
}

// sent is the value as it travels; nil for one that is not known.
func (f field[T]) sent() *T {
	if f.is != known {
		return nil
	}
	return &f.value
}

// managedState is a desired or staged state. Only a staged one has a session.
type managedState struct {
	kernel, kernelParameters, initrd, configuration, session field[string]
}

func (s managedState) over(below managedState) managedState {
	return managedState{
		kernel: s.kernel.over(below.kernel), kernelParameters: s.kernelParameters.over(below.kernelParameters), initrd: s.initrd.over(below.initrd),
		configuration: s.configuration.over(below.configuration), session: s.session.over(below.session),
	}
}

func (s managedState) mayChange(there managedState) bool {
	return s.kernel.mayChange(there.kernel) || s.kernelParameters.mayChange(there.kernelParameters) || s.initrd.mayChange(there.initrd) ||
		s.configuration.mayChange(there.configuration) || s.session.mayChange(there.session)
}

func (s managedState) settled(answer managedState) managedState {
	return managedState{
		kernel: s.kernel.settled(answer.kernel), kernelParameters: s.kernelParameters.settled(answer.kernelParameters), initrd: s.initrd.settled(answer.initrd),
		configuration: s.configuration.settled(answer.configuration), session: s.session.settled(answer.session),
	}
}

func (s managedState) artifacts() *bos.ArtifactsPatch {
	p := bos.ArtifactsPatch{Kernel: s.kernel.sent(), KernelParameters: s.kernelParameters.sent(), Initrd: s.initrd.sent()}
	if p == (bos.ArtifactsPatch{}) {
		return nil
	}
	return &p
}

// managed is what of a component a configuration may manage.
type managed struct {
	enabled         field[bool]
	retryPolicy     field[int64]
	desired, staged managedState
	// hold is the reason of the hold.
	hold field[string]
}

// settled takes over BOS' answer where the plan did not know.
func (m managed) settled(answer managed) managed {
	return managed{
		enabled: m.enabled.settled(answer.enabled), retryPolicy: m.retryPolicy.settled(answer.retryPolicy),
		desired: m.desired.settled(answer.desired), staged: m.staged.settled(answer.staged), hold: m.hold.settled(answer.hold),
	}
}

// askedBefore is what Terraform remembers of a component beside its state.
type askedBefore struct {
	// enabled is what the last apply asked for; absent if it managed no enabled.
	enabled field[bool]
	// adopted is an import since which nothing was applied: what the configuration
	// says of enabled counts as asked before.
	adopted bool
	// holdShared says that others ask for the hold as well.
	holdShared bool
	// heldSince is since when the hold is on that was put on here; empty if that is
	// not known.
	heldSince string
}

// observedComponent is the component as state shows it after a look at BOS.
type observedComponent struct {
	managed

	// session set the desired state; phase is what BOS is doing with the node.
	session, phase string
	// held is the hold that BOS has, whoever put it on, empty for none.
	held string
}

// componentDecision is what a configuration makes of a component.
type componentDecision struct {
	plan  managed
	patch bos.ComponentPatch
	hold  holdStep
	// changes says that there is something to apply, or may be.
	changes  bool
	warnings []planWarning
	// effect is what is asked of BOS; absent if enabled is not sent.
	effect field[string]
}

// planWarning is what a plan says loudly. The summary names no node: Terraform
// shows one of many warnings with the same summary, and how many more there are.
// The plan itself names each node, with its effect.
type planWarning struct{ attribute, summary, detail string }

// decideComponent decides what a configuration makes of a component: what is
// planned, what is sent and what is said. There is nothing observed of one that
// is going to be adopted. The plan and the apply come to the same by asking the
// same, but for values that were unknown.
//
// Of enabled: true is sent when the configuration asks for it anew, or has another
// desired state; that BOS clears it when the node is done is its answer. False is
// sent when the configuration says it anew, along with a desired state, which
// BOS would act on otherwise, and when somebody enabled the node without a session.
// A session that did is left to finish. Neither is ever turned into the other.
func decideComponent(xname string, config managed, asked askedBefore, observed *observedComponent) componentDecision {
	there := observedComponent{managed: managed{
		enabled: field[bool]{is: unknown}, retryPolicy: field[int64]{is: unknown}, desired: unknownDesired, staged: unknownStaged,
	}}
	if observed != nil {
		there = *observed
	}
	d := componentDecision{plan: managed{
		enabled: there.enabled, retryPolicy: config.retryPolicy.over(there.retryPolicy),
		desired: config.desired.over(there.desired), staged: config.staged.over(there.staged), hold: config.hold,
	}, hold: decideHold(config.hold, there.hold, asked.holdShared)}
	if config.desired.mayChange(there.desired) {
		d.patch.DesiredState = &bos.DesiredPatch{Configuration: config.desired.configuration.sent(), BootArtifacts: config.desired.artifacts()}
	}
	if config.staged.mayChange(there.staged) {
		d.patch.StagedState = &bos.StagedPatch{Configuration: config.staged.configuration.sent(), Session: config.staged.session.sent(), BootArtifacts: config.staged.artifacts()}
	}
	if config.retryPolicy.mayChange(there.retryPolicy) {
		if n := config.retryPolicy.sent(); n != nil {
			retries := int(*n)
			d.patch.RetryPolicy = &retries
		}
	}
	if config.sendsEnabled(asked, observed, d.patch.DesiredState != nil) {
		d.patch.Enabled, d.plan.enabled = config.enabled.sent(), config.enabled
	} else if config.enabled.is == unknown {
		d.plan.enabled = config.enabled
	}
	// That enabled is no longer managed changes what Terraform remembers.
	released := config.enabled.is == absent && asked.enabled.is == known
	d.changes = !d.patch.Empty() || !d.hold.nothing() || released || config.enabled.is == unknown || config.retryPolicy.is == unknown
	d.warnings = append(warningsOf(xname, config, asked, observed, d), holdWarnings(xname, d.hold, observed)...)
	d.effect = effectOf(config, d)
	return d
}

// What state shows of what was asked of BOS.
const (
	askedToAct   = "asked BOS to act on the node"
	askedToStop  = "asked BOS to stop acting on the node"
	askedNothing = "asked nothing of BOS"
)

// effectOf is what is asked of BOS, in the words of a plan: another text than
// effectInState, so that it shows as a change also where the component is replaced,
// for which Terraform drops all warnings and hides an enabled that stays.
func effectOf(config managed, d componentDecision) field[string] {
	switch sends := d.patch.Enabled; {
	case config.enabled.is == unknown, sends != nil && *sends && config.desired.kernel.is == unknown:
		return unknownText
	case sends == nil:
		return field[string]{}
	case *sends && config.hold.is != absent:
		return given("asks BOS to act on the node once its hold is lifted: " + intention(d.plan.desired))
	case *sends:
		return given("asks BOS to act on the node: " + intention(d.plan.desired))
	default:
		return given("asks BOS to stop acting on the node")
	}
}

// effectInState is what state shows of it, by the enabled that was asked for.
func effectInState(asked field[bool]) string {
	switch {
	case asked.has(true):
		return askedToAct
	case asked.has(false):
		return askedToStop
	default:
		return askedNothing
	}
}

var (
	unknownText    = field[string]{is: unknown}
	unknownDesired = managedState{kernel: unknownText, kernelParameters: unknownText, initrd: unknownText, configuration: unknownText}
	unknownStaged  = managedState{kernel: unknownText, kernelParameters: unknownText, initrd: unknownText, configuration: unknownText, session: unknownText}
)

// sendsEnabled reports whether enabled is sent.
func (m managed) sendsEnabled(asked askedBefore, observed *observedComponent, withDesired bool) bool {
	switch {
	case m.enabled.is != known:
		return false
	case observed == nil || withDesired:
		return true
	case !asked.adopted && m.enabled != asked.enabled:
		return true
	default:
		return m.enabled.has(false) && observed.enabled.has(true) && observed.session == ""
	}
}

// warningsOf says what BOS will do with the node because of the decision, or may
// do, or will stop doing.
func warningsOf(xname string, config managed, asked askedBefore, observed *observedComponent, d componentDecision) (warnings []planWarning) {
	say := func(attribute, summary, detail string) {
		warnings = append(warnings, planWarning{attribute, summary, xname + ": " + detail})
	}
	sends := d.patch.Enabled
	switch {
	case sends != nil && *sends && config.hold.is != absent:
		say("enabled", "BOS will act on nodes once their hold is lifted", "enabled = true asks BOS to bring it to its desired state, and its hold keeps "+
			"that waiting: "+intention(d.plan.desired)+".")
	case sends != nil && *sends:
		say("enabled", "BOS will act on nodes", "enabled = true asks BOS to bring it to its desired state: "+intention(d.plan.desired)+". The effect of each such "+
			"component is in the plan.")
	case config.enabled.is == unknown:
		say("enabled", "BOS may act on nodes",
			"enabled is not known yet. If it turns out to be true, BOS brings the node to its desired state during the apply: "+intention(d.plan.desired)+".")
	case sends != nil && observed != nil && observed.phase != "":
		say("enabled", "BOS will stop acting on nodes",
			fmt.Sprintf("it is %s now%s. enabled = false leaves it as it stands at that moment, which may be off or "+
				"half booted.", observed.phase, forSession(observed.session)))
	case config.enabled.has(true) && asked.adopted && observed != nil && observed.enabled.has(false):
		say("enabled", "BOS is not asked to act on imported nodes",
			"the component was imported, and an import asks nothing of BOS, so enabled = true stands for what was asked before it. To have the node booted "+
				"run a bos_session over it, or change desired_state; to have no such warning leave enabled out.")
	}
	if config.enabled.is == absent && d.patch.DesiredState != nil && observed != nil && observed.enabled.has(true) {
		say("desired_state", "BOS may act on nodes",
			"it is enabled and enabled is not managed here. If BOS still acts on it, it brings the node to the changed "+
				"desired state: "+intention(d.plan.desired)+". To have it left as it stands, set enabled = false.")
	}
	if observed != nil && observed.session != "" && d.patch.DesiredState != nil {
		say("desired_state", "Desired states were set by a session",
			fmt.Sprintf("the desired state that BOS has now was set by session %s. Applying replaces it by the configured one and takes the node out of that "+
				"session. To keep what the session set, change desired_state to it or leave it out.", observed.session))
	}
	return warnings
}

func forSession(name string) string {
	if name == "" {
		return ""
	}
	return " for session " + name
}

// intention is what BOS does with a node to bring it to a desired state.
func intention(desired managedState) string {
	switch {
	case desired.kernel.is != known:
		return "what that is depends on its record; it may be powered on, restarted or powered off"
	case desired.kernel.value == "":
		return "it has no kernel, so the node is powered off"
	default:
		return fmt.Sprintf("kernel %s; if it runs something else it is restarted, if it is off it is powered on", desired.kernel.value)
	}
}

// enabledInState is what state shows of enabled after a look at the record, given
// what the configuration asked for. True stays: BOS clears it when the node is
// done. False becomes true only if nobody's session enabled the node.
func enabledInState(asked field[bool], record bos.Component) bool {
	switch {
	case asked.has(true):
		return true
	case asked.has(false):
		return record.Enabled && record.Session == ""
	default:
		return record.Enabled
	}
}
