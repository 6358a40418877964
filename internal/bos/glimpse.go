package bos

import (
	"slices"
	"time"
)

// NodeState is how far a node is, in one word: what people see of phase, status and
// whether it is in work.
type NodeState int

// The states, in the order in which a node passes them. Their numbers are what the
// stream writes, with a legend.
const (
	// StateIdle: nothing is wanted of it.
	StateIdle NodeState = iota
	// StatePending: it is in work, and nothing has been sent for it.
	StatePending
	StatePoweringOff
	// StatePoweringOn: its boot parameters are written, or its power-on is about to be.
	StatePoweringOn
	// StateBooting: its power-on was sent, and it has not reported.
	StateBooting
	StateConfiguring
	// StateDone: it is as its session wants it.
	StateDone
	StateFailed
	// StateStaged: its session has staged something on it that nobody has applied.
	StateStaged
	// StateLeft: its session has it no more, and was not done with it.
	StateLeft
)

// stateTexts are the name of each state and what it means.
var stateTexts = [...][2]string{
	StateIdle:        {"idle", "nothing is wanted of it"},
	StatePending:     {"pending", "nothing has been sent for it yet"},
	StatePoweringOff: {"powering_off", "it is powered off"},
	StatePoweringOn:  {"powering_on", "its power-on is prepared"},
	StateBooting:     {"booting", "it was powered on and has not reported its boot"},
	StateConfiguring: {"configuring", "it runs its image and is being configured"},
	StateDone:        {"done", "it is as its session wants it"},
	StateFailed:      {"failed", "it was given up"},
	StateStaged:      {"staged", "something is staged on it that nobody has applied"},
	StateLeft:        {"left", "its session has it no more and was not done with it"},
}

// NodeStates lists all states in their order.
func NodeStates() []NodeState {
	all := make([]NodeState, len(stateTexts))
	for i := range all {
		all[i] = NodeState(i)
	}
	return all
}

// String is the name of the state.
func (s NodeState) String() string { return stateTexts[s][0] }

// Sentence says what the state means, for people.
func (s NodeState) Sentence() string { return stateTexts[s][1] }

// NodeStateNamed is the state of a name.
func NodeStateNamed(name string) (NodeState, bool) {
	i := slices.IndexFunc(stateTexts[:], func(texts [2]string) bool { return texts[0] == name })
	return NodeState(max(i, 0)), i >= 0
}

// Over reports whether a session has nothing more to do to a node in this state.
func (s NodeState) Over() bool { return s == StateDone || s == StateFailed || s == StateLeft }

// Underway reports whether something has been sent for a node that is not over.
func (s NodeState) Underway() bool { return s >= StatePoweringOff && s <= StateConfiguring }

// StateOf is the state of a node by its status word and phase; in work says whether it is
// enabled, and owned whether a session has it.
func StateOf(status string, phase Phase, inWork, owned bool, wait WaitReason) NodeState {
	switch status {
	case StatusFailed:
		return StateFailed
	case StatusStaged:
		return StateStaged
	case StatusTakenOver, StatusDeleted, StatusReleased, StatusExcluded:
		return StateLeft
	}
	switch {
	case !inWork && owned:
		return StateDone
	case !inWork:
		return StateIdle
	}
	switch status {
	case StatusPowerOffGracefullyCalled, StatusPowerOffForcefullyCalled:
		return StatePoweringOff
	case StatusPowerOnCalled:
		return StateBooting
	case StatusConfiguring:
		return StateConfiguring
	case StatusPowerOnPending:
		if wait.AtGate() {
			return StatePending
		}
		return StatePoweringOn
	case StatusOnHold:
		return stateOfPhase(phase)
	default:
		return StatePending
	}
}

// stateOfPhase is the state of a node of which only the phase is known.
func stateOfPhase(phase Phase) NodeState {
	switch phase {
	case PhasePoweringOff:
		return StatePoweringOff
	case PhasePoweringOn:
		return StatePoweringOn
	case PhaseConfiguring:
		return StateConfiguring
	case PhaseNone:
		return StatePending
	default:
		return StatePending
	}
}

// Glimpse is what is shown of a node among thousands of others.
type Glimpse struct {
	ID       string
	Revision int64
	State    NodeState
	// Since is when its status changed last, zero if that is not known.
	Since time.Time
	// Session is that which the component names.
	Session SessionKey
	Wait    WaitReason
	Cause   Cause
	// Attempts are those of the power action of its phase.
	Attempts int
	Held     bool
	// Began is when its session first sent something for it, zero if it has not.
	Began time.Time
}

// Tried is how often the power action of its phase was tried.
func (c *Component) Tried() int {
	if c.Status.Phase == PhasePoweringOff {
		return c.EventStats.PowerOffGracefulAttempts + c.EventStats.PowerOffForcefulAttempts
	}
	return c.EventStats.PowerOnAttempts
}

// State is how far the component is.
func (r *Record) State() NodeState {
	wait := r.Work.Waiting.For
	if wait == WaitNone && r.Work.Queued() {
		wait = WaitRollout
	}
	return StateOf(r.DeriveStatus(), r.Status.Phase, r.Enabled, r.Session != "", wait)
}

// Sent reports whether a status word says that something was sent for a node.
func Sent(status string) bool {
	switch status {
	case StatusPowerOnCalled, StatusPowerOffGracefullyCalled, StatusPowerOffForcefullyCalled, StatusConfiguring:
		return true
	default:
		return false
	}
}
