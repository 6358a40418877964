package bos

// StagedBoot is how far the boot service has what is staged on a component, for a
// session that asked for that: what reboots the node from outside then boots it. The zero
// value is nothing. While the component is in work, the boot service is its session's.
type StagedBoot struct {
	// Session and Tenant are the session that staged it. They are stored before anything is
	// written anywhere.
	Session string `json:"session,omitempty"`
	Tenant  string `json:"tenant,omitempty"`
	// Called says that the boot service may have something staged, so that the desired
	// artifacts are to be put back when it is staged no more. It is stored before the call.
	Called bool `json:"called,omitempty"`
	// Has identifies the artifacts that the boot service was given last for this, as
	// PreparedBoot does; empty where that is not known.
	Has string `json:"has,omitempty"`
	// Token is that of the staged artifacts: what the node reports that has booted them.
	Token string `json:"token,omitempty"`
	// Same says that the node ran the staged artifacts when they were written: where
	// there is no token, what it reports then tells of no boot.
	Same bool `json:"same,omitempty"`
	// Detail is why the boot service did not take the last write.
	Detail string `json:"detail,omitempty"`
}

// Key is that of the session.
func (b StagedBoot) Key() SessionKey { return SessionKey{b.Tenant, b.Session} }

// Rearmed is what is remembered when the component is armed: its session may give the
// boot service something else.
func (b StagedBoot) Rearmed() StagedBoot {
	return StagedBoot{Session: b.Session, Tenant: b.Tenant, Called: b.Called}
}

// For is the same for another session, which has staged something in place of the last.
func (b StagedBoot) For(session SessionKey) StagedBoot {
	b.Session, b.Tenant, b.Detail = session.Name, session.Tenant, ""
	return b
}

// StagedBootWaits reports whether the boot service is to have what is staged on the
// component.
func (r *Record) StagedBootWaits() bool {
	b := &r.Work.StagedBoot
	return b.Session != "" && r.StageWaits(b.Session) && !r.StagedState.BootArtifacts.Empty()
}

// StagedBootWritten reports whether it has it.
func (r *Record) StagedBootWritten() bool {
	return !r.Enabled && r.StagedBootWaits() && r.Work.StagedBoot.Has == PreparedBoot(r.StagedState.BootArtifacts)
}

// StagedBooted reports whether the node says that it has booted what is staged, by
// itself: the boot service had it, and nobody has powered the node for it.
func (r *Record) StagedBooted() bool {
	b := &r.Work.StagedBoot
	switch {
	case !r.StagedBootWritten():
		return false
	case b.Token != "":
		return r.ActualState.BSSToken == b.Token && r.ActualState.BootArtifacts.Matches(r.StagedState.BootArtifacts)
	default:
		return !b.Same && r.ActualState.BootArtifacts.Matches(r.StagedState.BootArtifacts)
	}
}

// TakeStagedBoot makes what the node has booted by itself its desired state, as if its
// staged state had been applied and it was done: it belongs to the session that staged it,
// which counts it as succeeded. With configure, its configuration is still to be applied;
// its power is never touched for that. clearStage empties what was staged.
func (r *Record) TakeStagedBoot(configure, clearStage bool, at Time) {
	staged, b := r.StagedState, r.Work.StagedBoot
	r.Session, r.Tenant = b.Session, b.Tenant
	r.DesiredState = DesiredState{BootArtifacts: staged.BootArtifacts, Configuration: staged.Configuration, BSSToken: b.Token, LastUpdated: at}
	r.LastAction = LastAction{Action: ActionApplyStaged, LastUpdated: at}
	r.EventStats, r.Status, r.Goal, r.Enabled = EventStats{}, ComponentStatus{}, GoalBoot, false
	r.SetError("")
	r.Work = Work{Applied: staged.Session, Left: r.Work.Left}
	if clearStage {
		r.StagedState, r.Work.Applied = NothingStaged(at), ""
	}
	if configure && staged.Configuration != "" {
		r.Goal, r.Enabled, r.Status.StatusOverride = GoalConfigure, true, StatusOnHold
	}
}

// stagedArtifacts are those that the boot service is to have.
func (r *Record) stagedArtifacts() BootArtifacts {
	if !r.StagedBootWaits() {
		return BootArtifacts{}
	}
	return r.StagedState.BootArtifacts
}
