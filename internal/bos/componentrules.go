package bos

import (
	"errors"
	"slices"
	"time"
)

// ComponentPatch is a write to a component as a client sends it: a nil member
// was not given. The times and the status word are not among the members,
// because only the service writes them.
type ComponentPatch struct {
	ID           *string          `json:"id,omitempty"`
	ActualState  *ActualPatch     `json:"actual_state,omitempty"`
	DesiredState *DesiredPatch    `json:"desired_state,omitempty"`
	StagedState  *StagedPatch     `json:"staged_state,omitempty"`
	LastAction   *LastActionPatch `json:"last_action,omitempty"`
	EventStats   *EventStatsPatch `json:"event_stats,omitempty"`
	Status       *StatusPatch     `json:"status,omitempty"`
	Enabled      *bool            `json:"enabled,omitempty"`
	Error        *string          `json:"error,omitempty"`
	Session      *string          `json:"session,omitempty"`
	RetryPolicy  *int             `json:"retry_policy,omitempty"`
}

// ArtifactsPatch changes boot artifacts.
type ArtifactsPatch struct {
	Kernel           *string `json:"kernel,omitempty"`
	KernelParameters *string `json:"kernel_parameters,omitempty"`
	Initrd           *string `json:"initrd,omitempty"`
}

// ActualPatch changes an actual state; a node's report holds the token only.
type ActualPatch struct {
	BootArtifacts *ArtifactsPatch `json:"boot_artifacts,omitempty"`
	BSSToken      *string         `json:"bss_token,omitempty"`
}

// DesiredPatch changes a desired state.
type DesiredPatch struct {
	BootArtifacts *ArtifactsPatch `json:"boot_artifacts,omitempty"`
	Configuration *string         `json:"configuration,omitempty"`
	BSSToken      *string         `json:"bss_token,omitempty"`
}

// StagedPatch changes a staged state.
type StagedPatch struct {
	BootArtifacts *ArtifactsPatch `json:"boot_artifacts,omitempty"`
	Configuration *string         `json:"configuration,omitempty"`
	Session       *string         `json:"session,omitempty"`
}

// given is the members that the patch has.
func (s StagedPatch) given() StagedMembers {
	var members StagedMembers
	if s.BootArtifacts != nil {
		members |= StagedArtifacts
	}
	if s.Configuration != nil {
		members |= StagedConfiguration
	}
	if s.Session != nil {
		members |= StagedSession
	}
	return members
}

// LastActionPatch changes the last action.
type LastActionPatch struct {
	Action *Action `json:"action,omitempty"`
	Failed *bool   `json:"failed,omitempty"`
}

// EventStatsPatch changes the attempt counters.
type EventStatsPatch struct {
	PowerOnAttempts          *int `json:"power_on_attempts,omitempty"`
	PowerOffGracefulAttempts *int `json:"power_off_graceful_attempts,omitempty"`
	PowerOffForcefulAttempts *int `json:"power_off_forceful_attempts,omitempty"`
}

// StatusPatch changes phase and override.
type StatusPatch struct {
	Phase          *Phase  `json:"phase,omitempty"`
	StatusOverride *string `json:"status_override,omitempty"`
}

// ErrReportRefused is the answer to a write of actual_state that comes while
// BOS is moving the node: a late report of the old boot must not hide that the
// node is to be rebooted.
var ErrReportRefused = errors.New("the component is enabled and not stable, and its last action is not powering_on; report again after BOS has powered it on, or disable the component first")

// maxToken bounds a BSS token, in characters.
const maxToken = 65535

var (
	componentPhases  = []Phase{PhaseNone, PhasePoweringOn, PhasePoweringOff, PhaseConfiguring}
	componentActions = []Action{
		ActionActualStateCleanup, ActionApplyStaged, ActionNewlyDiscovered, ActionPowerOffForceful,
		ActionPowerOffGraceful, ActionPoweringOn, ActionSessionSetup,
	}
)

// Phases lists the phases of a component, PhaseNone first.
func Phases() []Phase { return slices.Clone(componentPhases) }

// OnlyReports reports whether the patch writes nothing but what a node runs.
func (p ComponentPatch) OnlyReports() bool {
	return p.ActualState != nil && p == ComponentPatch{ID: p.ID, ActualState: p.ActualState}
}

// Empty reports whether the patch has no member at all.
func (p ComponentPatch) Empty() bool { return p == ComponentPatch{} }

// Token is the BSS token of a report, empty if there is none. What it stands
// for is looked up by the caller and given to Apply.
func (p ComponentPatch) Token() string {
	if p.ActualState == nil || p.ActualState.BSSToken == nil {
		return ""
	}
	return *p.ActualState.BSSToken
}

// Validate checks every member against the limits of the contract. The error
// is an *Invalid that names the first offending member.
func (p ComponentPatch) Validate() error {
	if p.Empty() {
		return Invalidf("", "the component has no members; name what to write")
	}
	if p.ID != nil && !ValidComponentID(*p.ID) {
		return Invalidf("id", "%q cannot be a component's id; use 1 to %d characters", clip(*p.ID), MaxComponentID)
	}
	if err := first(p.checkTexts(), p.checkLines(), p.checkSessions(), p.checkNumbers()); err != nil {
		return err
	}
	if a := p.LastAction; a != nil && a.Action != nil && !slices.Contains(componentActions, *a.Action) {
		return Invalidf("last_action.action", "%q is no action of BOS; use one of %q", clip(string(*a.Action)), componentActions)
	}
	if s := p.Status; s != nil && s.Phase != nil && !slices.Contains(componentPhases, *s.Phase) {
		return Invalidf("status.phase", "%q is no phase; use one of %q", clip(string(*s.Phase)), componentPhases)
	}
	return nil
}

// first is the first error that is one.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

type textRule struct {
	field string
	value *string
	limit int
}

func (p ComponentPatch) checkTexts() error {
	rules := []textRule{{"error", p.Error, MaxError}}
	if s := p.ActualState; s != nil {
		rules = append(rules, textRule{"actual_state.bss_token", s.BSSToken, maxToken})
		rules = append(rules, s.BootArtifacts.rules("actual_state")...)
	}
	if s := p.DesiredState; s != nil {
		rules = append(rules,
			textRule{"desired_state.bss_token", s.BSSToken, maxToken},
			textRule{"desired_state.configuration", s.Configuration, maxConfiguration})
		rules = append(rules, s.BootArtifacts.rules("desired_state")...)
	}
	if s := p.StagedState; s != nil {
		rules = append(rules, textRule{"staged_state.configuration", s.Configuration, maxConfiguration})
		rules = append(rules, s.BootArtifacts.rules("staged_state")...)
	}
	if s := p.Status; s != nil {
		rules = append(rules, textRule{"status.status_override", s.StatusOverride, MaxError})
	}
	for _, rule := range rules {
		if rule.value == nil {
			continue
		}
		if err := checkLength(rule.field, *rule.value, rule.limit); err != nil {
			return err
		}
	}
	return nil
}

// checkLines refuses kernel parameters and paths that a boot script cannot carry, and
// parameters with which the kernel would drop the end of its command line. What a node
// reports is taken as it is.
func (p ComponentPatch) checkLines() error {
	wished := make(map[string]*ArtifactsPatch)
	if s := p.DesiredState; s != nil {
		wished["desired_state"] = s.BootArtifacts
	}
	if s := p.StagedState; s != nil {
		wished["staged_state"] = s.BootArtifacts
	}
	for _, state := range []string{"desired_state", "staged_state"} {
		for _, rule := range wished[state].rules(state) {
			if rule.value == nil {
				continue
			}
			if err := first(checkLine("this boot artifact", *rule.value), CheckIPXEWords(*rule.value)); err != nil {
				return Invalidf(rule.field, "%s", err)
			}
		}
		if a := wished[state]; a != nil && a.KernelParameters != nil {
			if err := CheckBootLine(*a.KernelParameters); err != nil {
				return Invalidf(state+".boot_artifacts.kernel_parameters", "%s", err)
			}
		}
	}
	return nil
}

func (a *ArtifactsPatch) rules(state string) []textRule {
	if a == nil {
		return nil
	}
	return []textRule{
		{state + ".boot_artifacts.kernel", a.Kernel, maxBootPath},
		{state + ".boot_artifacts.kernel_parameters", a.KernelParameters, maxKernelParameters},
		{state + ".boot_artifacts.initrd", a.Initrd, maxBootPath},
	}
}

func (p ComponentPatch) checkSessions() error {
	sessions := []textRule{{field: "session", value: p.Session}}
	if p.StagedState != nil {
		sessions = append(sessions, textRule{field: "staged_state.session", value: p.StagedState.Session})
	}
	for _, s := range sessions {
		if s.value != nil && *s.value != "" && !ValidName(*s.value) {
			return Invalidf(s.field, "%q cannot name a session; use %s, or nothing", clip(*s.value), NameRule)
		}
	}
	return nil
}

func (p ComponentPatch) checkNumbers() error {
	if err := checkRange("retry_policy", p.RetryPolicy, 0, MaxRetryPolicy); err != nil {
		return err
	}
	e := p.EventStats
	if e == nil {
		return nil
	}
	return first(
		checkRange("event_stats.power_on_attempts", e.PowerOnAttempts, 0, MaxRetryPolicy),
		checkRange("event_stats.power_off_graceful_attempts", e.PowerOffGracefulAttempts, 0, MaxRetryPolicy),
		checkRange("event_stats.power_off_forceful_attempts", e.PowerOffForcefulAttempts, 0, MaxRetryPolicy),
	)
}

// CheckReport is ErrReportRefused where the patch writes the actual state of a
// component that BOS is moving: enabled, not stable, and not just powered on. A
// component that was never acted on counts as disabled. The rule holds for
// writes to one component; bulk writes are not held up.
func (p ComponentPatch) CheckReport(c Component) error {
	switch {
	case p.ActualState == nil, !c.Enabled, c.LastAction.Action == ActionNone:
		return nil
	case c.LastAction.Action == ActionPoweringOn, c.DeriveStatus() == StatusStable:
		return nil
	default:
		return ErrReportRefused
	}
}

// Apply merges the patch into the record, member by member, with everything
// that each write brings along (bos-contract section 5). booted is what the
// patch's Token stands for, nil if that is not known. The id and the revision
// are left alone.
func (p ComponentPatch) Apply(r *Record, booted *BootArtifacts, now time.Time) {
	stamp, of, batch, left := At(now), r.Key(), r.Work.Batch, r.leaves()
	was := r.Enabled
	p.applyActual(r, booted, stamp)
	p.applyDesired(r, stamp)
	if s := p.StagedState; s != nil {
		s.BootArtifacts.apply(&r.StagedState.BootArtifacts)
		set(&r.StagedState.Configuration, s.Configuration)
		set(&r.StagedState.Session, s.Session)
		r.StagedState = r.StagedState.Written(s.given())
		r.Work.Applied = ""
		r.StagedState.LastUpdated = stamp
	}
	if a := p.LastAction; a != nil {
		set(&r.LastAction.Action, a.Action)
		set(&r.LastAction.Failed, a.Failed)
		r.LastAction.LastUpdated = stamp
	}
	if s := p.Status; s != nil {
		set(&r.Status.Phase, s.Phase)
		set(&r.Status.StatusOverride, s.StatusOverride)
	}
	if p.Error != nil {
		r.SetError(*p.Error)
	}
	if p.RetryPolicy != nil {
		n := *p.RetryPolicy
		r.RetryPolicy = &n
	}
	set(&r.Enabled, p.Enabled)
	// What names no boot artifacts says nothing of the power of a node that is configured.
	wanted := p.DesiredState != nil && (p.DesiredState.BootArtifacts != nil || r.Goal != GoalConfigure)
	if armed := p.Enabled != nil && *p.Enabled; armed || wanted {
		r.Goal = GoalOf(r.DesiredState)
	}
	if p.Enabled != nil && *p.Enabled {
		r.Status.StatusOverride = StatusOnHold
		if p.Error == nil {
			r.EndWait()
		}
		r.Work = r.Work.Rearmed()
		if r.Key() == of {
			r.Work.Batch = batch // whose turn has not come waits for it again
		}
	}
	if armed := p.Enabled != nil && *p.Enabled; armed || was && (!r.Enabled || r.Key() != of) {
		r.Work.Left, r.Work.Drain.Ours = left, false // the drain is that of the work until now
	}
}

// Replace makes the record what the patch says and forgets everything that the
// patch does not name; the id, the revision and what is in flight stay.
func (p ComponentPatch) Replace(r *Record, booted *BootArtifacts, now time.Time) {
	of, batch, left := r.Key(), r.Work.Batch, r.leaves()
	r.Component, r.Goal, r.Tenant = Component{ID: r.ID}, GoalNone, ""
	staged := r.Work.StagedBoot.Rearmed() // the boot service may have it yet
	r.Work = r.Work.InFlightOnly()
	r.Work.StagedBoot = staged
	p.Apply(r, booted, now)
	r.Work.Left = left
	if r.Session == of.Name {
		r.Tenant, r.Work.Batch = of.Tenant, batch
	}
}

// applyActual: a token that BOS knows tells what was booted, whatever else the
// report says. One that it does not know is noted and says nothing about when
// the state was seen.
func (p ComponentPatch) applyActual(r *Record, booted *BootArtifacts, stamp Time) {
	s := p.ActualState
	if s == nil {
		return
	}
	s.BootArtifacts.apply(&r.ActualState.BootArtifacts)
	set(&r.ActualState.BSSToken, s.BSSToken)
	known := booted != nil && p.Token() != ""
	if known {
		r.ActualState.BootArtifacts = *booted
	}
	if known || s.BSSToken == nil || s.BootArtifacts != nil {
		r.ActualState.LastUpdated = stamp
	}
}

func (p ComponentPatch) applyDesired(r *Record, stamp Time) {
	if p.Session != nil && *p.Session != r.Session {
		r.Session, r.Tenant = *p.Session, ""
	}
	defer p.applyEventStats(r)
	s := p.DesiredState
	if s == nil {
		return
	}
	before, configured := r.DesiredState.BootArtifacts, r.DesiredState.Configuration
	s.BootArtifacts.apply(&r.DesiredState.BootArtifacts)
	set(&r.DesiredState.Configuration, s.Configuration)
	set(&r.DesiredState.BSSToken, s.BSSToken)
	tokenOnly := s.BSSToken != nil && s.BootArtifacts == nil && s.Configuration == nil
	if !tokenOnly {
		r.DesiredState.LastUpdated = stamp
	}
	// Who writes a desired state, also one without members, takes the component
	// out of its session.
	if p.Session == nil {
		r.Session, r.Tenant = "", ""
	}
	if before != r.DesiredState.BootArtifacts {
		// BSS holds the parameters of what was desired before, or those of
		// a write under way.
		r.Work.Prepared.Boot, r.Work.Attempt.Prepared.Boot = "", ""
	}
	if configured != r.DesiredState.Configuration {
		r.Work.Prepared.Configuration, r.Work.Attempt.Prepared.Configuration = "", ""
	}
}

// applyEventStats: setting what a node shall run starts its attempts anew, over
// any counters that were given.
func (p ComponentPatch) applyEventStats(r *Record) {
	if s := p.DesiredState; s != nil && (s.BootArtifacts != nil || s.Configuration != nil) {
		r.EventStats = EventStats{}
		return
	}
	if e := p.EventStats; e != nil {
		set(&r.EventStats.PowerOnAttempts, e.PowerOnAttempts)
		set(&r.EventStats.PowerOffGracefulAttempts, e.PowerOffGracefulAttempts)
		set(&r.EventStats.PowerOffForcefulAttempts, e.PowerOffForcefulAttempts)
	}
}

func (a *ArtifactsPatch) apply(to *BootArtifacts) {
	if a == nil {
		return
	}
	set(&to.Kernel, a.Kernel)
	set(&to.KernelParameters, a.KernelParameters)
	set(&to.Initrd, a.Initrd)
}
