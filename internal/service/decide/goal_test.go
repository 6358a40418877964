package decide

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestANodeThatIsConfiguredIsNeverTouchedOtherwise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, o, p := drawRecord(t), drawObservation(t), bos.DefaultOptions().Policy()
		r.Goal = bos.GoalConfigure
		p.Configures = rapid.Bool().Draw(t, "configures")
		d := Decide(r, o, p, noon)
		// Of a power action under way before it is undone at most.
		if d.Effect.Kind != bos.EffectNone && d.Effect.Kind != bos.EffectConfigure {
			t.Fatalf("%s is done to a node that is to be configured: %+v", d.Effect.Kind, d)
		}
		if d.Effect.Kind == bos.EffectConfigure && (o.Power.State == bos.PowerStateOff || !o.known() || !d.Effect.Configuration.Enabled || d.Effect.Configuration.Clear) {
			t.Fatalf("with power %q it is configured by %+v", o.Power.State, d.Effect)
		}
		if d.Why == ReasonDone && o.Power.State != bos.PowerStateOn && o.Power.State != bos.PowerStatePoweringOn {
			t.Fatalf("it counts as configured with power %q", o.Power.State)
		}
	})
}

// configured is a node that runs something and is to be configured by a session.
func configured() bos.Record {
	running := bos.BootArtifacts{Kernel: "k", KernelParameters: "p", Initrd: "i"}
	r := bos.Record{Component: bos.Component{
		ID: "x1000c0s0b0n0", ActualState: bos.ActualState{BootArtifacts: running, BSSToken: "t"},
		DesiredState: bos.DesiredState{BootArtifacts: running, BSSToken: "t", Configuration: "old"},
	}}
	return arm(r, bos.Session{Name: "s", Operation: bos.OperationConfigure}, bos.DesiredState{Configuration: "new"}, noon)
}

func TestAConfigureSessionSetsTheConfigurationOfARunningNodeAndWaitsForIt(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	p.Configures = true
	r := configured()
	if r.Goal != bos.GoalConfigure || r.DesiredState.Configuration != "new" || r.DesiredState.BootArtifacts != r.ActualState.BootArtifacts || !r.Enabled {
		t.Fatalf("armed as %+v", r)
	}
	at := func(c bos.ConfigurationReading) Observation {
		c.Asked = noon
		return Observation{Power: bos.PowerReading{ID: r.ID, State: bos.PowerStateOn, Asked: noon}, Configuration: c}
	}
	d := Decide(r, at(bos.ConfigurationReading{Desired: "old", Status: bos.ConfigurationDone}), p, noon)
	if want := (bos.ConfigurationTarget{Name: "new", Session: "s", Enabled: true}); d.Effect != (bos.Effect{Kind: bos.EffectConfigure, Configuration: want}) {
		t.Fatalf("the effect is %+v", d.Effect)
	}
	r = SettleConfigure(d.Next, d.Effect.Configuration, bos.CallResult{}, noon)
	d = Decide(r, at(bos.ConfigurationReading{Desired: "new", Status: bos.ConfigurationPending}), p, noon)
	if d.Effect.Kind != bos.EffectNone || d.Why != ReasonConfiguring || d.Next.DeriveStatus() != bos.StatusConfiguring {
		t.Errorf("while it is applied: %+v", d)
	}
	d = Decide(d.Next, at(bos.ConfigurationReading{Desired: "new", Status: bos.ConfigurationDone}), p, noon)
	if d.Why != ReasonDone || d.Next.DeriveStatus() != bos.StatusStable || d.Next.ActualState.BootArtifacts != r.ActualState.BootArtifacts {
		t.Errorf("once it is applied: %+v", d)
	}
}

func TestANodeThatIsOffIsLeftOutOfAConfigureSessionWithTheReason(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	p.Configures = true
	d := Decide(configured(), offAt(noon), p, noon)
	if d.Effect.Kind != bos.EffectNone || d.Next.Enabled || d.Next.DeriveStatus() == bos.StatusFailed || !d.Next.Excluded() || d.Why != ReasonExcluded || d.Next.Work.Cause != bos.CausePoweredOff || d.Next.Error == "" {
		t.Errorf("decided %+v", d)
	}
}

func TestWhatNobodyWantedAnythingOfIsLeftAlone(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	for _, state := range []bos.PowerState{bos.PowerStateOn, bos.PowerStateOff} {
		r := bos.Record{Component: bos.Component{ID: "x1000c0s0b0n0", Enabled: true}}
		if d := Decide(r, Observation{Power: bos.PowerReading{State: state, Asked: noon}}, p, noon); d.Effect.Kind != bos.EffectNone {
			t.Errorf("%s: %+v", state, d)
		}
	}
}

func TestTheGoalOfWhatV2WritesIsThatOfItsKernel(t *testing.T) {
	kernel, none, yes, config := "k", "", true, "c"
	var r bos.Record
	for _, step := range []struct {
		patch bos.ComponentPatch
		want  bos.Goal
	}{
		{bos.ComponentPatch{Error: &none}, bos.GoalNone},
		{bos.ComponentPatch{Enabled: &yes}, bos.GoalOff},
		{bos.ComponentPatch{DesiredState: &bos.DesiredPatch{BootArtifacts: &bos.ArtifactsPatch{Kernel: &kernel}}}, bos.GoalBoot},
		{bos.ComponentPatch{DesiredState: &bos.DesiredPatch{Configuration: &config}}, bos.GoalBoot},
		{bos.ComponentPatch{DesiredState: &bos.DesiredPatch{BootArtifacts: &bos.ArtifactsPatch{Kernel: &none}}}, bos.GoalOff},
	} {
		if step.patch.Apply(&r, nil, noon); r.Goal != step.want {
			t.Errorf("after %+v the goal is %q, want %q", step.patch, r.Goal, step.want)
		}
	}
	r.Goal = bos.GoalConfigure
	for _, patch := range []bos.ComponentPatch{{Error: &none}, {DesiredState: &bos.DesiredPatch{Configuration: &config}}, {DesiredState: &bos.DesiredPatch{BSSToken: &none}}} {
		if patch.Apply(&r, nil, noon); r.Goal != bos.GoalConfigure {
			t.Errorf("a write that names no boot artifacts made the goal of a node that is configured %q, so that its power is touched", r.Goal)
		}
	}
	if (bos.ComponentPatch{}).Replace(&r, nil, noon); r.Goal != bos.GoalNone {
		t.Errorf("a component that is written anew keeps the goal %q", r.Goal)
	}
}

func TestANodeThatIsGoingOffIsNotDone(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	r := booted("")
	r.Work.Attempt = bos.Attempt{}
	going := Observation{Power: bos.PowerReading{ID: r.ID, State: bos.PowerStatePoweringOff, Asked: noon}}
	d := Decide(r, going, p, noon)
	if d.Why == ReasonDone || d.Effect.Kind != bos.EffectNone || !d.Next.Enabled || d.Probe.IsZero() || d.Next.Work.Waiting.For != bos.WaitPoweringOff {
		t.Fatalf("while it goes off: %+v", d)
	}
	later := noon.Add(time.Second)
	if d = Decide(d.Next, offAt(later), p, later); d.Next.Status.Phase != bos.PhasePoweringOn || d.Effect.Kind != bos.EffectWriteBoot {
		t.Errorf("once it is off: %+v", d)
	}
	if d = Decide(r, Observation{Power: bos.PowerReading{ID: r.ID, State: bos.PowerStateOn, Asked: noon}}, p, noon); d.Why != ReasonDone {
		t.Errorf("if it stays on: %+v", d)
	}
}

// TestAReportFromBeforeTheResetDoesNotEndAReboot: it was on its way for long, and the
// node is to run the same image as before.
func TestAReportFromBeforeTheResetDoesNotEndAReboot(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	image := bos.BootArtifacts{Kernel: "k", Initrd: "i"}
	running := bos.Record{Component: bos.Component{
		ID: "x1000c0s0b0n0", ActualState: bos.ActualState{BootArtifacts: image, BSSToken: "before"},
		DesiredState: bos.DesiredState{BootArtifacts: image, BSSToken: "before"},
	}}
	said := func(r bos.Record, token string) bos.Record {
		bos.ComponentPatch{ActualState: &bos.ActualPatch{BSSToken: &token}}.Apply(&r, &image, noon)
		return r
	}
	for name, operation := range map[string]bos.Operation{"reboot": bos.OperationReboot, "boot": bos.OperationBoot} {
		t.Run(name, func(t *testing.T) {
			r, on := running, bos.PowerStateOn
			if operation == bos.OperationBoot {
				r.ActualState.BootArtifacts.Kernel = "other"
			}
			r, now := arm(r, bos.Session{Name: "s", Operation: operation}, bos.DesiredState{BootArtifacts: image}, noon), noon
			probe := func(state bos.PowerState) Decision {
				now = now.Add(time.Second)
				d := Decide(r, Observation{Power: bos.PowerReading{ID: r.ID, State: state, Asked: now}}, p, now)
				switch r = d.Next; d.Effect.Kind {
				case bos.EffectNone:
				case bos.EffectWriteBoot:
					r = SettleBoot(r, d.Effect.Artifacts, "after", bos.CallResult{}, now)
				default:
					r = Settle(r, d.Effect, bos.CallResult{}, now)
				}
				return d
			}
			if operation == bos.OperationReboot {
				r = said(r, "before") // while it is still on
			}
			probe(on)
			if d := probe(on); d.Why != ReasonPowerOff {
				t.Fatalf("at first: %+v", d)
			}
			probe(bos.PowerStateOff)
			if d := probe(bos.PowerStateOff); d.Why != ReasonPowerOn && d.Why != ReasonPowerOnWait {
				t.Fatalf("once it is off: %+v", d)
			}
			r = said(r, "before")
			if d := probe(on); d.Why != ReasonBootWait {
				t.Fatalf("a report of before ended the boot: %+v", d)
			}
			r = said(r, "after")
			if d := probe(on); d.Why != ReasonDone {
				t.Errorf("its own report: %+v", d)
			}
		})
	}
}
