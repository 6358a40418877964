package decide

import (
	"cmp"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The reasons that the history has for what becomes of staged boot parameters.
const (
	ReasonStagedBootWritten Reason = "staged_boot_parameters_written"
	ReasonStagedBootRefused Reason = "staged_boot_parameters_refused"
	// ReasonStagedBooted: the node was rebooted from outside and runs what was staged.
	ReasonStagedBooted Reason = "staged_state_booted_from_outside"
	// ReasonStagedBootBack: nothing is staged any more, and the boot service has the
	// desired boot parameters again. ReasonStagedBootLeft: there are none to put back.
	ReasonStagedBootBack Reason = "staged_boot_parameters_put_back"
	ReasonStagedBootLeft Reason = "staged_boot_parameters_left"
)

// StagedPolicy is what deciding on staged boot parameters goes by.
type StagedPolicy struct {
	// Open says that the session that staged them is not over.
	Open bool
	// Configures and ClearStage are the site's.
	Configures, ClearStage bool
}

// StagedBoot says what is to be done about the boot parameters of a component that is
// not in work, and for which a session wants the boot service to have what it staged. It
// never touches power: it has no other effect than a write of boot parameters.
func StagedBoot(r bos.Record, p StagedPolicy, now time.Time) Decision {
	b := &r.Work.StagedBoot
	if r.Enabled || b.Session == "" || r.Held.On() {
		return Decision{Next: r}
	}
	staged, desired := r.StagedState.BootArtifacts, r.DesiredState.BootArtifacts
	switch waits := p.Open && r.StagedBootWaits(); {
	case waits && r.StagedBooted():
		r.TakeStagedBoot(p.Configures, p.ClearStage, bos.At(now))
		return Decision{Next: r, Why: ReasonStagedBooted}
	case waits && r.StagedBootWritten():
		return Decision{Next: r}
	case waits:
		b.Called, b.Has, b.Token = true, "", ""
		return Decision{Next: r, Effect: bos.Effect{Kind: bos.EffectWriteBoot, Artifacts: staged}}
	case !b.Called:
		*b = bos.StagedBoot{}
		return Decision{Next: r}
	case desired.Empty():
		*b = bos.StagedBoot{}
		return Decision{Next: r, Why: ReasonStagedBootLeft}
	case b.Has == bos.PreparedBoot(desired):
		*b = bos.StagedBoot{}
		return Decision{Next: r, Why: ReasonStagedBootBack}
	default:
		b.Has, b.Token = "", ""
		return Decision{Next: r, Effect: bos.Effect{Kind: bos.EffectWriteBoot, Artifacts: desired}}
	}
}

// SettleStagedBoot is the record after such a write was answered.
func SettleStagedBoot(r bos.Record, artifacts bos.BootArtifacts, token string, res bos.CallResult, now time.Time) bos.Record {
	b := &r.Work.StagedBoot
	if res.Outcome != bos.CallNotAttempted {
		b.Has, b.Token = "", "" // the call may have taken the place of what was there
	}
	if res.Outcome != bos.CallDone {
		if !res.Withheld() {
			b.Detail = cmp.Or(res.Detail, bos.CauseUpstreamOutage.Sentence())
		}
		return r
	}
	b.Has, b.Detail = bos.PreparedBoot(artifacts), ""
	if r.StagedState.BootArtifacts == artifacts {
		b.Token, b.Same = token, Matches(r.ActualState.BootArtifacts, artifacts)
	}
	if r.DesiredState.BootArtifacts == artifacts {
		r.DesiredState.BSSToken, r.DesiredState.LastUpdated = token, bos.At(now)
	}
	return r
}
