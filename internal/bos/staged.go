package bos

import (
	"fmt"
	"time"
)

// MaxStagedXnames bounds the nodes of one POST /v2/applystaged.
const MaxStagedXnames = 32768

// StagedOutcome is the answer of POST /v2/applystaged: each node once, in the
// order of the request.
type StagedOutcome struct {
	Succeeded []string `json:"succeeded"`
	Failed    []string `json:"failed"`
	// Ignored are nodes that have nothing staged, that BOS does not know, or
	// that are not the tenant's.
	Ignored []string `json:"ignored"`
}

// StageWaits reports whether the session has staged something on the component
// that waits to be applied. What was applied stays in the staged state where
// the option clear_stage is off, and waits for nothing more.
func (r Record) StageWaits(session string) bool {
	return r.StagedState.Session == session && r.Work.Applied != session
}

// ApplyStaged makes the staged state of a component its desired one, for the
// session that staged it; nil is a session without a record. It reports whether
// it did. What cannot be applied disables the component with the reason in its
// error. In both cases the component belongs to that session afterwards, and
// clear empties what was staged (bos-contract section 4, applystaged).
func ApplyStaged(r *Record, s *Session, clear bool, now time.Time) (applied bool) {
	at := At(now)
	staged, work := r.StagedState, r.Rearmed()
	r.Session, r.Tenant = staged.Session, ""
	if s != nil {
		r.Tenant = TenantOf(s.Tenant)
	}
	r.LastAction = LastAction{Action: ActionApplyStaged, LastUpdated: at}
	r.Work = work
	r.Work.Applied = staged.Session
	defer func() {
		if clear {
			r.StagedState = NothingStaged(at)
			r.Work.Applied = ""
		}
	}()
	if text := staged.misfit(s); text != "" {
		r.SetError(text)
		r.Enabled = false
		r.Status.StatusOverride = StatusFailed
		r.Work.Cause = CauseStaged
		return false
	}
	r.SetError("")
	r.DesiredState = DesiredState{BootArtifacts: staged.BootArtifacts, Configuration: staged.Configuration, LastUpdated: at}
	r.Goal = s.Operation.Goal()
	if s.Operation == OperationReboot {
		r.EndBoot(now)
	}
	r.Enabled = true
	r.EventStats = EventStats{}
	r.Status = ComponentStatus{StatusOverride: StatusOnHold}
	return true
}

// misfit says why a staged state cannot be applied for a session, empty if it
// can. A shutdown has staged no artifacts, everything else all of them.
func (s StagedState) misfit(session *Session) string {
	a := s.BootArtifacts
	switch {
	case session == nil:
		return fmt.Sprintf("the session %q, which staged a state for this node, no longer exists; stage it again with a new session", s.Session)
	case session.Operation == OperationShutdown:
		if a != (BootArtifacts{}) {
			return fmt.Sprintf("session %q is a shutdown and boot artifacts are staged for this node; stage it again with a new session", s.Session)
		}
	case a.Kernel == "" || a.KernelParameters == "" || a.Initrd == "":
		return fmt.Sprintf("session %q is a %s and kernel, kernel parameters or initrd are missing in what is staged for this node; stage it again with a new session", s.Session, session.Operation)
	}
	return ""
}
