package bos

import (
	"encoding/json"
	"strings"
)

// Phase says what BOS is doing with a component.
type Phase string

// The phases of a component (bos-contract section 5). PhaseNone is written as
// the empty string.
const (
	PhaseNone        Phase = ""
	PhasePoweringOn  Phase = "powering_on"
	PhasePoweringOff Phase = "powering_off"
	PhaseConfiguring Phase = "configuring"
)

// Action is the last thing BOS did to a component.
type Action string

// The actions that BOS records in last_action.
const (
	ActionNone               Action = ""
	ActionNewlyDiscovered    Action = "newly_discovered"
	ActionSessionSetup       Action = "session_setup"
	ActionApplyStaged        Action = "apply_staged"
	ActionPoweringOn         Action = "powering_on"
	ActionPowerOffGraceful   Action = "powering_off_gracefully"
	ActionPowerOffForceful   Action = "powering_off_forcefully"
	ActionActualStateCleanup Action = "actual_state_cleanup"
)

// Status words of a component. StatusOnHold and StatusFailed are also the two
// values that status_override takes.
const (
	StatusStable                   = "stable"
	StatusOnHold                   = "on_hold"
	StatusFailed                   = "failed"
	StatusConfiguring              = "configuring"
	StatusPowerOnPending           = "power_on_pending"
	StatusPowerOnCalled            = "power_on_called"
	StatusPowerOffPending          = "power_off_pending"
	StatusPowerOffGracefullyCalled = "power_off_gracefully_called"
	StatusPowerOffForcefullyCalled = "power_off_forcefully_called"
)

// StatusStaged is a word of outcomes only: a session has staged something on
// the node, and nobody has applied it.
const StatusStaged = "staged"

// Words of outcomes only, for nodes that a session was not done with: another session
// has it now, its component was deleted, or it was taken out of the session, or out of
// what it has staged, without another taking it.
const (
	StatusTakenOver = "taken_over"
	StatusDeleted   = "deleted"
	StatusReleased  = "released"
	// StatusExcluded: the session found that it can do nothing to it, as to configure a
	// node that is off. That is neither a success nor a failure.
	StatusExcluded = "excluded"
)

// StatusWords lists the status words of a component.
func StatusWords() []string {
	return []string{
		StatusStable, StatusOnHold, StatusFailed, StatusConfiguring, StatusPowerOnPending, StatusPowerOnCalled,
		StatusPowerOffPending, StatusPowerOffGracefullyCalled, StatusPowerOffForcefullyCalled,
	}
}

// OutcomeWords lists the status words of what became of a session's node.
func OutcomeWords() []string {
	return append(StatusWords(), StatusStaged, StatusTakenOver, StatusDeleted, StatusReleased, StatusExcluded)
}

// BootArtifacts is what a node boots. It is comparable: nodes with equal
// artifacts share one write to BSS.
type BootArtifacts struct {
	Kernel           string `json:"kernel"`
	KernelParameters string `json:"kernel_parameters"`
	Initrd           string `json:"initrd"`
}

// Empty reports whether there is nothing to boot.
func (a BootArtifacts) Empty() bool { return a.Kernel == "" }

// Matches compares what a node booted with what it shall boot: equal strings,
// absent being empty, without the tokens that each boot gets anew.
func (a BootArtifacts) Matches(desired BootArtifacts) bool {
	if a == desired {
		return true
	}
	return a.Kernel == desired.Kernel && a.Initrd == desired.Initrd &&
		dropTokens(a.KernelParameters) == dropTokens(desired.KernelParameters)
}

func dropTokens(params string) string {
	const join, referral = "spire_join_token=", "bss_referral_token="
	if !strings.Contains(params, join) && !strings.Contains(params, referral) {
		return params
	}
	kept := make([]string, 0, 16)
	for field := range strings.FieldsSeq(params) {
		if !strings.HasPrefix(field, join) && !strings.HasPrefix(field, referral) {
			kept = append(kept, field)
		}
	}
	return strings.Join(kept, " ")
}

// ActualState is what the node said it booted.
type ActualState struct {
	BootArtifacts BootArtifacts `json:"boot_artifacts"`
	BSSToken      string        `json:"bss_token"`
	LastUpdated   Time          `json:"last_updated,omitzero"`
}

// DesiredState is what the node shall run. In API v2 no kernel means that it shall be
// off (GoalOf).
type DesiredState struct {
	BootArtifacts BootArtifacts `json:"boot_artifacts"`
	Configuration string        `json:"configuration"`
	BSSToken      string        `json:"bss_token"`
	LastUpdated   Time          `json:"last_updated,omitzero"`
}

// StagedState waits for applystaged to become the desired state.
type StagedState struct {
	BootArtifacts BootArtifacts `json:"boot_artifacts,omitzero"`
	Configuration string        `json:"configuration,omitempty"`
	Session       string        `json:"session,omitempty"`
	LastUpdated   Time          `json:"last_updated,omitzero"`
	// Blank are the empty members that were written as such: the API shows these
	// and leaves other empty ones out.
	Blank StagedMembers `json:"-"`
}

// StagedMembers is a set of members of a staged state.
type StagedMembers uint8

// The members of a staged state.
const (
	StagedArtifacts StagedMembers = 1 << iota
	StagedConfiguration
	StagedSession
)

// empty is the members that have no value.
func (s StagedState) empty() StagedMembers {
	var members StagedMembers
	if s.BootArtifacts == (BootArtifacts{}) {
		members |= StagedArtifacts
	}
	if s.Configuration == "" {
		members |= StagedConfiguration
	}
	if s.Session == "" {
		members |= StagedSession
	}
	return members
}

// Written is the state with members noted as written: those that are empty are
// shown from now on.
func (s StagedState) Written(members StagedMembers) StagedState {
	s.Blank = (s.Blank | members) & s.empty()
	return s
}

// NothingStaged is a staged state that was emptied: it shows empty artifacts and
// no configuration.
func NothingStaged(at Time) StagedState {
	return StagedState{LastUpdated: at}.Written(StagedArtifacts | StagedConfiguration)
}

// MarshalJSON writes the members that have a value or were written as empty.
func (s StagedState) MarshalJSON() ([]byte, error) {
	view := struct {
		BootArtifacts *BootArtifacts `json:"boot_artifacts,omitempty"`
		Configuration *string        `json:"configuration,omitempty"`
		Session       *string        `json:"session,omitempty"`
		LastUpdated   Time           `json:"last_updated,omitzero"`
	}{LastUpdated: s.LastUpdated}
	hidden := s.empty() &^ s.Blank
	if hidden&StagedArtifacts == 0 {
		view.BootArtifacts = &s.BootArtifacts
	}
	if hidden&StagedConfiguration == 0 {
		view.Configuration = &s.Configuration
	}
	if hidden&StagedSession == 0 {
		view.Session = &s.Session
	}
	return json.Marshal(view)
}

// LastAction is the last thing BOS did, when, and whether it had no effect.
type LastAction struct {
	Action      Action `json:"action,omitempty"`
	LastUpdated Time   `json:"last_updated,omitzero"`
	Failed      bool   `json:"failed"`
}

// EventStats counts the attempts of each power action since the desired state
// was last set or reached.
type EventStats struct {
	PowerOnAttempts          int `json:"power_on_attempts"`
	PowerOffGracefulAttempts int `json:"power_off_graceful_attempts"`
	PowerOffForcefulAttempts int `json:"power_off_forceful_attempts"`
}

// ComponentStatus is the phase and the override as stored; Status is derived
// by DeriveStatus on the way out and never stored.
type ComponentStatus struct {
	Phase          Phase  `json:"phase"`
	Status         string `json:"status,omitempty"`
	StatusOverride string `json:"status_override"`
}

// Component is BOS' record of one node, as the v2 API shows it.
type Component struct {
	ID           string          `json:"id"`
	ActualState  ActualState     `json:"actual_state"`
	DesiredState DesiredState    `json:"desired_state"`
	StagedState  StagedState     `json:"staged_state"`
	LastAction   LastAction      `json:"last_action"`
	EventStats   EventStats      `json:"event_stats"`
	Status       ComponentStatus `json:"status"`
	Enabled      bool            `json:"enabled"`
	Error        string          `json:"error"`
	Session      string          `json:"session"`
	RetryPolicy  *int            `json:"retry_policy,omitempty"`
}

// DeriveStatus computes the status word from phase, override and last action
// by the table of bos-contract section 5.
func (c Component) DeriveStatus() string {
	if c.Status.StatusOverride != "" {
		return c.Status.StatusOverride
	}
	switch c.Status.Phase {
	case PhasePoweringOn:
		if c.LastAction.Action == ActionPoweringOn && !c.LastAction.Failed {
			return StatusPowerOnCalled
		}
		return StatusPowerOnPending
	case PhasePoweringOff:
		switch c.LastAction.Action {
		case ActionPowerOffGraceful:
			return StatusPowerOffGracefullyCalled
		case ActionPowerOffForceful:
			return StatusPowerOffForcefullyCalled
		default:
			return StatusPowerOffPending
		}
	case PhaseConfiguring:
		return StatusConfiguring
	case PhaseNone:
		return StatusStable
	default:
		return StatusStable
	}
}

// View is the component as the API answers it, with the derived status.
func (c Component) View() Component {
	c.Status.Status = c.DeriveStatus()
	return c
}

// Record is a component with what the service keeps to itself.
type Record struct {
	Component
	// Revision is that of the last write to this record, of all writes to the
	// store; a write names the revision it was computed from and loses against
	// any that came between.
	Revision int64
	// Goal is what is to be reached for it while it is enabled.
	Goal Goal
	Work Work
	// Tenant is that of the session which the component names, empty for none: sessions
	// of two tenants may share a name.
	Tenant string
	// Held is the hold that somebody has put on the node: sessions leave it out, and
	// nothing is done to it, whatever enables it.
	Held Brake
}

// Key is that of the session which the component names.
func (r *Record) Key() SessionKey { return SessionKey{r.Tenant, r.Session} }

// Repeats reports whether a write said of a node nothing but once more what it booted:
// nodes do so every few hours. One in work that has booted for it has said something else
// before, as what it ran is forgotten when it is powered off.
func (r Record) Repeats(before Record) bool {
	before.ActualState.LastUpdated, before.Revision = r.ActualState.LastUpdated, r.Revision
	return r == before
}
