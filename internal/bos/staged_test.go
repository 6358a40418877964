package bos

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func staged() Record {
	return Record{Component: Component{
		ID:           "x1",
		ActualState:  ActualState{BSSToken: "old", BootArtifacts: BootArtifacts{Kernel: "before"}},
		DesiredState: DesiredState{BSSToken: "old", BootArtifacts: BootArtifacts{Kernel: "before"}},
		StagedState:  StagedState{Session: "s", Configuration: "c", BootArtifacts: BootArtifacts{Kernel: "k", KernelParameters: "p", Initrd: "i"}},
		Error:        "of earlier", Session: "other", EventStats: EventStats{PowerOnAttempts: 2},
		Status: ComponentStatus{Phase: PhasePoweringOn, StatusOverride: StatusFailed},
	}, Work: Work{Flight: Flight{Kind: EffectPowerOn}, Prepared: Prepared{Boot: "p"}, BackOff: BackOff{Setbacks: 3}}}
}

func TestAStagedStateBecomesTheDesiredOne(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := At(now)
	for _, op := range []Operation{OperationBoot, OperationReboot} {
		r := staged()
		if !ApplyStaged(&r, &Session{Name: "s", Operation: op}, false, now) {
			t.Fatalf("%s: %s", op, r.Error)
		}
		want := staged()
		want.DesiredState = DesiredState{BootArtifacts: want.StagedState.BootArtifacts, Configuration: "c", LastUpdated: at}
		want.Session, want.Error, want.Enabled, want.EventStats = "s", "", true, EventStats{}
		want.Status = ComponentStatus{StatusOverride: StatusOnHold}
		want.LastAction = LastAction{Action: ActionApplyStaged, LastUpdated: at}
		want.Goal, want.Work = GoalBoot, Work{Flight: Flight{Kind: EffectPowerOn}, Applied: "s"}
		if op == OperationReboot {
			want.Work.EndedBoot = want.ActualState.BSSToken
			want.ActualState = ActualState{LastUpdated: at}
		}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("%s: %s", op, diff)
		}
		if r.StageWaits("s") || !staged().StageWaits("s") {
			t.Error("what was applied waits, or what was not does not")
		}
	}
}

func TestClearStageEmptiesWhatWasAppliedAlsoWhenItFailed(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, s := range []*Session{nil, {Name: "s", Operation: OperationBoot}} {
		r := staged()
		if applied := ApplyStaged(&r, s, true, now); applied != (s != nil) {
			t.Errorf("applied %t", applied)
		}
		if r.StagedState != NothingStaged(At(now)) || r.Session != "s" || r.Work.Applied != "" {
			t.Errorf("%+v", r)
		}
	}
}

func TestWhatIsStagedMustFitTheOperation(t *testing.T) {
	full := BootArtifacts{Kernel: "k", KernelParameters: "p", Initrd: "i"}
	for name, c := range map[string]struct {
		op        Operation
		artifacts BootArtifacts
		fits      bool
	}{
		"shutdown with nothing":      {OperationShutdown, BootArtifacts{}, true},
		"shutdown with a kernel":     {OperationShutdown, BootArtifacts{Kernel: "k"}, false},
		"shutdown with parameters":   {OperationShutdown, BootArtifacts{KernelParameters: "p"}, false},
		"boot with everything":       {OperationBoot, full, true},
		"boot without a kernel":      {OperationBoot, BootArtifacts{KernelParameters: "p", Initrd: "i"}, false},
		"boot without parameters":    {OperationBoot, BootArtifacts{Kernel: "k", Initrd: "i"}, false},
		"reboot without an initrd":   {OperationReboot, BootArtifacts{Kernel: "k", KernelParameters: "p"}, false},
		"reboot with everything":     {OperationReboot, full, true},
		"reboot with nothing at all": {OperationReboot, BootArtifacts{}, false},
	} {
		r := staged()
		r.Enabled, r.Status.StatusOverride, r.StagedState.BootArtifacts = true, StatusOnHold, c.artifacts
		if got := ApplyStaged(&r, &Session{Name: "s", Operation: c.op}, false, time.Now()); got != c.fits {
			t.Errorf("%s: applied %t", name, got)
		}
		if c.fits {
			continue
		}
		if r.Enabled || !strings.Contains(r.Error, string(c.op)) || r.Session != "s" || r.LastAction.Action != ActionApplyStaged ||
			r.Work.Cause != CauseStaged || r.DesiredState.BootArtifacts.Kernel != "before" || r.DeriveStatus() != StatusFailed {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestStagingAgainWaitsAgain(t *testing.T) {
	r := staged()
	ApplyStaged(&r, &Session{Name: "s", Operation: OperationBoot}, false, time.Now())
	name := "s"
	ComponentPatch{StagedState: &StagedPatch{Session: &name}}.Apply(&r, nil, time.Now())
	if !r.StageWaits("s") {
		t.Error("what was staged again does not wait")
	}
}
