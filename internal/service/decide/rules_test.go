package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestTheStatusDecisionRuleByRule goes through the seven rules of the status
// decision in the order in which they apply.
func TestTheStatusDecisionRuleByRule(t *testing.T) {
	image, other := bos.BootArtifacts{Kernel: "k", KernelParameters: "p", Initrd: "i"}, bos.BootArtifacts{Kernel: "other", Initrd: "i"}
	withToken := image
	withToken.KernelParameters = "p spire_join_token=1234"
	p := bos.DefaultOptions().Policy()
	long := noon.Add(-2 * p.MaxBootWait)
	for name, c := range map[string]struct {
		power bos.PowerState
		// change is made to an enabled node on hold that desires the image,
		// whose boot parameters are stored.
		change func(r *bos.Record)
		status string
		phase  bos.Phase
		effect bos.EffectKind
		says   string
	}{
		"rule 1: unknown power holds the node and nothing is done to it": {
			bos.PowerStateUnknown, nil, bos.StatusOnHold, bos.PhaseNone, "", "waiting for",
		},
		"rule 2: a failed node is disabled and stays failed": {
			bos.PowerStateOff, func(r *bos.Record) { r.Status.StatusOverride, r.Error = bos.StatusFailed, "why" }, bos.StatusFailed, bos.PhaseNone, "", "why",
		},
		"rule 3: off, and off is desired": {
			bos.PowerStateOff, func(r *bos.Record) { r.Goal, r.DesiredState.BootArtifacts = bos.GoalOff, bos.BootArtifacts{} }, bos.StatusStable, bos.PhaseNone, "", "",
		},
		"rule 3: off, and on is desired": {
			bos.PowerStateOff, nil, bos.StatusPowerOnCalled, bos.PhasePoweringOn, bos.EffectPowerOn, "",
		},
		"rule 3: off, and powered on a moment ago": {
			bos.PowerStateOff, acted(bos.ActionPoweringOn, noon.Add(-p.MaxPowerOnWait/4)), bos.StatusPowerOnCalled, bos.PhasePoweringOn, "", "",
		},
		"rule 3: off, and powered on without effect": {
			bos.PowerStateOff, acted(bos.ActionPoweringOn, noon.Add(-2*p.MaxPowerOnWait)), bos.StatusPowerOnCalled, bos.PhasePoweringOn, bos.EffectPowerOn, "",
		},
		"rule 4: on, and off is desired": {
			bos.PowerStateOn, func(r *bos.Record) { r.Goal, r.DesiredState.BootArtifacts = bos.GoalOff, bos.BootArtifacts{} }, bos.StatusPowerOffGracefullyCalled, bos.PhasePoweringOff, bos.EffectPowerOffGraceful, "",
		},
		"rule 5: on, and it runs what is desired": {
			bos.PowerStateOn, func(r *bos.Record) { r.ActualState.BootArtifacts = image }, bos.StatusStable, bos.PhaseNone, "", "",
		},
		"rule 5: on, and only the join token differs": {
			bos.PowerStateOn, func(r *bos.Record) { r.ActualState.BootArtifacts = withToken }, bos.StatusStable, bos.PhaseNone, "", "",
		},
		"rule 6: on, and still booting": {
			bos.PowerStateOn, acted(bos.ActionPoweringOn, noon.Add(-p.MaxBootWait/2)), bos.StatusPowerOnCalled, bos.PhasePoweringOn, "", "",
		},
		"rule 7: on, and its boot took too long": {
			bos.PowerStateOn, acted(bos.ActionPoweringOn, long), bos.StatusPowerOffGracefullyCalled, bos.PhasePoweringOff, bos.EffectPowerOffGraceful, "",
		},
		"rule 7: on, and it runs something else": {
			bos.PowerStateOn, func(r *bos.Record) { r.ActualState.BootArtifacts = other }, bos.StatusPowerOffGracefullyCalled, bos.PhasePoweringOff, bos.EffectPowerOffGraceful, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := bos.Record{Goal: bos.GoalBoot, Component: bos.Component{
				ID: "x1000c0s0b0n0", Enabled: true, Session: "s", DesiredState: bos.DesiredState{BootArtifacts: image},
				LastAction: bos.LastAction{Action: bos.ActionSessionSetup}, Status: bos.ComponentStatus{StatusOverride: bos.StatusOnHold},
			}}
			r.Work.Prepared = bos.Prepared{Boot: bos.PreparedBoot(r.DesiredState.BootArtifacts)}
			if c.change != nil {
				c.change(&r)
			}
			o := Observation{Power: bos.PowerReading{State: c.power, Asked: noon}}
			if c.power == bos.PowerStateUnknown {
				o.Power.Symptom, o.Verdict = bos.SymptomSilent, Verdict{ExtentBMC, true, bos.CauseBMCUnreachable}
			}
			d := Decide(r, o, p, noon)
			if got := d.Next.DeriveStatus(); got != c.status || d.Next.Status.Phase != c.phase || d.Effect.Kind != c.effect || !strings.Contains(d.Next.Error, c.says) {
				t.Errorf("status %s in phase %q with effect %q and error %q", got, d.Next.Status.Phase, d.Effect.Kind, d.Next.Error)
			}
			if over := c.status == bos.StatusStable || c.status == bos.StatusFailed; d.Next.Enabled == over {
				t.Errorf("enabled is %t at status %s", d.Next.Enabled, c.status)
			}
		})
	}
}

// acted has an action behind the node.
func acted(action bos.Action, at time.Time) func(*bos.Record) {
	return func(r *bos.Record) {
		calledFor(r, action, at)
		r.Status.StatusOverride = ""
		if action == bos.ActionPoweringOn {
			r.Status.Phase, r.EventStats.PowerOnAttempts = bos.PhasePoweringOn, 1
		}
	}
}
