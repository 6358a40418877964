package decide

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// poweredOn is a node whose first power-on was accepted 10 s ago.
func poweredOn() bos.Record {
	image := bos.BootArtifacts{Kernel: "k", Initrd: "i"}
	return bos.Record{Goal: bos.GoalBoot, Component: bos.Component{
		ID: "x1000c0s0b0n0", Enabled: true, Session: "s",
		DesiredState: bos.DesiredState{BootArtifacts: image},
		LastAction:   bos.LastAction{Action: bos.ActionPoweringOn},
		EventStats:   bos.EventStats{PowerOnAttempts: 1},
		Status:       bos.ComponentStatus{Phase: bos.PhasePoweringOn},
	}, Work: bos.Work{Attempt: bos.Attempt{Kind: bos.EffectPowerOn, At: noon.Add(-10 * time.Second), Prepared: bos.Prepared{Boot: bos.PreparedBoot(image)}}}}
}

func undone(state bos.PowerState, outcome bos.CallOutcome) Observation {
	return Observation{Power: bos.PowerReading{
		ID: "x1000c0s0b0n0", State: state, Asked: noon,
		Undone: bos.CallResult{Outcome: outcome, Cause: bos.CauseLocked, Detail: "locked"},
	}}
}

func TestAnActionThatTheUpstreamGaveUpFailsWithItsCause(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	d := Decide(poweredOn(), undone(bos.PowerStateOff, bos.CallRefused), p, noon)
	r := d.Next
	if d.Effect.Kind != bos.EffectNone || !r.LastAction.Failed || r.Error != "locked" || r.Work.Cause != bos.CauseLocked ||
		r.EventStats.PowerOnAttempts != 1 || !d.Probe.After(noon) {
		t.Fatalf("decided %+v", d)
	}
	// It is told again with the next reading, and then it is no news.
	later := d.Probe
	again := undone(bos.PowerStateOff, bos.CallRefused)
	again.Power.Asked = later
	if d = Decide(r, again, p, later); d.Effect.Kind != bos.EffectWriteBoot || d.Next.EventStats != r.EventStats {
		t.Errorf("decided %+v", d)
	}
}

func TestAnActionGivenUpBecauseTheNodeIsBusyCostsNoAttempt(t *testing.T) {
	d := Decide(poweredOn(), undone(bos.PowerStateOff, bos.CallBusy), bos.DefaultOptions().Policy(), noon)
	if r := d.Next; r.EventStats.PowerOnAttempts != 0 || !r.LastAction.Failed || !r.BootPrepared() || r.Work.Waiting.For == bos.WaitNone {
		t.Errorf("decided %+v", d)
	}
}

func TestAnActionThatShowsWasNotGivenUp(t *testing.T) {
	d := Decide(poweredOn(), undone(bos.PowerStateOn, bos.CallRefused), bos.DefaultOptions().Policy(), noon)
	if r := d.Next; d.Why != ReasonBootWait || r.LastAction.Failed || r.Error != "" {
		t.Errorf("decided %+v", d)
	}
}
