package decide

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// prepared is a node that is off, with boot parameters and configuration stored
// for what it shall run, and the decision to power it on.
func prepared(t *testing.T, p bos.Policy) Decision {
	t.Helper()
	r := bos.Record{Goal: bos.GoalBoot, Component: bos.Component{
		ID: "x1000c0s0b0n0", Enabled: true, Session: "s",
		DesiredState: bos.DesiredState{BootArtifacts: bos.BootArtifacts{Kernel: "a", Initrd: "i"}, Configuration: "c"},
		LastAction:   bos.LastAction{Action: bos.ActionSessionSetup},
	}}
	r = SettleBoot(r, r.DesiredState.BootArtifacts, "t", bos.CallResult{}, noon)
	r = SettleConfigure(r, bos.ConfigurationTarget{Name: "c", Clear: true}, bos.CallResult{}, noon)
	d := Decide(r, offAt(noon), p, noon)
	if d.Effect.Kind != bos.EffectPowerOn {
		t.Fatalf("the node is not powered on: %+v", d)
	}
	return d
}

func offAt(at time.Time) Observation {
	return Observation{Power: bos.PowerReading{State: bos.PowerStateOff, Asked: at}}
}

// otherImage is a client that wants another kernel booted.
func otherImage(r bos.Record) bos.Record {
	kernel := "b"
	bos.ComponentPatch{DesiredState: &bos.DesiredPatch{BootArtifacts: &bos.ArtifactsPatch{Kernel: &kernel}}}.Apply(&r, nil, noon)
	return r
}

// otherConfiguration is one that wants another configuration.
func otherConfiguration(r bos.Record) bos.Record {
	name := "d"
	bos.ComponentPatch{DesiredState: &bos.DesiredPatch{Configuration: &name}}.Apply(&r, nil, noon)
	return r
}

func TestAPowerOnThatIsPutOffIsPreparedAnewIfSomethingElseIsDesiredMeanwhile(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	p.Configures = true
	for name, c := range map[string]struct {
		patch func(bos.Record) bos.Record
		want  bos.EffectKind
	}{
		"nothing changed":     {func(r bos.Record) bos.Record { return r }, bos.EffectPowerOn},
		"another image":       {otherImage, bos.EffectWriteBoot},
		"other configuration": {otherConfiguration, bos.EffectConfigure},
	} {
		for how, away := range map[string]func(bos.Record) (bos.Record, Observation){
			"turned away": func(r bos.Record) (bos.Record, Observation) {
				return Settle(r, bos.Effect{Kind: bos.EffectPowerOn}, bos.CallResult{Outcome: bos.CallBusy}, noon), Observation{}
			},
			"given up later": func(r bos.Record) (bos.Record, Observation) {
				r = Settle(r, bos.Effect{Kind: bos.EffectPowerOn}, bos.CallResult{}, noon)
				o := offAt(noon.Add(time.Second))
				o.Power.Undone = bos.CallResult{Outcome: bos.CallBusy}
				return Decide(r, o, p, noon.Add(time.Second)).Next, o
			},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				r, _ := away(c.patch(prepared(t, p).Next))
				at := noon.Add(time.Minute)
				if d := Decide(r, offAt(at), p, at); d.Effect.Kind != c.want {
					t.Errorf("effect %q (%s), want %q", d.Effect.Kind, d.Why, c.want)
				}
			})
		}
	}
}

func TestAPowerOnThatDidNotShowIsNotSentAgainForAnotherImage(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	r := Settle(prepared(t, p).Next, bos.Effect{Kind: bos.EffectPowerOn}, bos.CallResult{}, noon)
	late := noon.Add(p.MaxPowerOnWait/2 + time.Second)
	if d := Decide(r, offAt(late), p, late); d.Effect.Kind != bos.EffectPowerOn {
		t.Fatalf("it is not sent again at all: %+v", d)
	}
	if d := Decide(otherImage(r), offAt(late), p, late); d.Effect.Kind != bos.EffectNone {
		t.Errorf("%s is sent again with the boot parameters of another image", d.Effect.Kind)
	}
}

func TestAWriteOfWhatIsNoLongerDesiredIsKnownToBeInThePlaceOfWhatIs(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	p.Configures = true
	before := prepared(t, p)
	r := before.Next
	r.Work = bos.Work{Prepared: r.Work.Attempt.Prepared}
	r.LastAction = bos.LastAction{Action: bos.ActionSessionSetup}
	for _, outcome := range []bos.CallOutcome{bos.CallDone, bos.CallUnknown} {
		boot := SettleBoot(r, bos.BootArtifacts{Kernel: "b", Initrd: "i"}, "t2", bos.CallResult{Outcome: outcome}, noon)
		if d := Decide(boot, offAt(noon), p, noon); d.Effect.Kind != bos.EffectWriteBoot {
			t.Errorf("another image was written (%d): effect %q (%s)", outcome, d.Effect.Kind, d.Why)
		}
		conf := SettleConfigure(r, bos.ConfigurationTarget{Name: "d", Clear: true}, bos.CallResult{Outcome: outcome}, noon)
		if d := Decide(conf, offAt(noon), p, noon); d.Effect.Kind != bos.EffectConfigure {
			t.Errorf("another configuration was set (%d): effect %q (%s)", outcome, d.Effect.Kind, d.Why)
		}
	}
	if boot := SettleBoot(r, bos.BootArtifacts{Kernel: "b"}, "", bos.CallResult{Outcome: bos.CallNotAttempted}, noon); !boot.BootPrepared() {
		t.Error("a write that was never sent undid what was there")
	}
}
