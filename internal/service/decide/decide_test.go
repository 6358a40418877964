package decide

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// kinds are the power actions by what last_action calls them.
var kinds = map[bos.Action]bos.EffectKind{
	bos.ActionPoweringOn: bos.EffectPowerOn, bos.ActionPowerOffGraceful: bos.EffectPowerOffGraceful, bos.ActionPowerOffForceful: bos.EffectPowerOffForceful,
}

// calledFor is a power action of a time as people and decisions see it.
func calledFor(r *bos.Record, action bos.Action, at time.Time) {
	r.LastAction = bos.LastAction{Action: action}
	r.Work.Attempt = bos.Attempt{Kind: kinds[action], At: at, Prepared: r.Work.Attempt.Prepared}
}

func drawRecord(t *rapid.T) bos.Record {
	artifacts := rapid.SampledFrom([]bos.BootArtifacts{{}, {Kernel: "k", Initrd: "i"}, {Kernel: "other", Initrd: "i"}})
	r := bos.Record{Goal: bos.GoalBoot, Component: bos.Component{
		ID: "x1000c0s0b0n0", Enabled: rapid.Bool().Draw(t, "enabled"), Session: "s",
		ActualState:  bos.ActualState{BootArtifacts: artifacts.Draw(t, "actual")},
		DesiredState: bos.DesiredState{BootArtifacts: artifacts.Draw(t, "desired")},
		LastAction: bos.LastAction{
			Action: rapid.SampledFrom([]bos.Action{bos.ActionSessionSetup, bos.ActionPoweringOn, bos.ActionPowerOffGraceful, bos.ActionPowerOffForceful}).Draw(t, "action"),
		},
		EventStats: bos.EventStats{
			PowerOnAttempts: rapid.IntRange(0, 4).Draw(t, "on"), PowerOffGracefulAttempts: rapid.IntRange(0, 4).Draw(t, "graceful"),
			PowerOffForcefulAttempts: rapid.IntRange(0, 4).Draw(t, "forceful"),
		},
		Status: bos.ComponentStatus{
			Phase:          rapid.SampledFrom([]bos.Phase{bos.PhaseNone, bos.PhasePoweringOn, bos.PhasePoweringOff, bos.PhaseConfiguring}).Draw(t, "phase"),
			StatusOverride: rapid.SampledFrom([]string{"", bos.StatusOnHold, bos.StatusFailed}).Draw(t, "override"),
		},
	}}
	r.DesiredState.Configuration = rapid.SampledFrom([]string{"", "c"}).Draw(t, "configuration")
	r.Goal = rapid.SampledFrom([]bos.Goal{bos.GoalOf(r.DesiredState), bos.GoalConfigure}).Draw(t, "goal")
	r.Work.Prepared, r.Work.Attempt.Prepared = drawPrepared(t, r), drawPrepared(t, r)
	r.Work.NoGraceful = rapid.Bool().Draw(t, "no graceful")
	r.Work.Flight.Kind = rapid.SampledFrom([]bos.EffectKind{bos.EffectNone, bos.EffectPowerOn, bos.EffectPowerOffForceful}).Draw(t, "in flight")
	r.Work.Flight.Unanswered = rapid.Bool().Draw(t, "unanswered")
	switch r.Work.Flight.Kind { // it was counted before it flew
	case bos.EffectPowerOn:
		r.EventStats.PowerOnAttempts = max(r.EventStats.PowerOnAttempts, 1)
	case bos.EffectPowerOffForceful:
		r.EventStats.PowerOffForcefulAttempts = max(r.EventStats.PowerOffForcefulAttempts, 1)
	default:
	}
	if rapid.Bool().Draw(t, "acted") {
		calledFor(&r, r.LastAction.Action, noon.Add(-time.Duration(rapid.IntRange(0, 4000).Draw(t, "action age"))*time.Second))
		failed := rapid.Bool().Draw(t, "failed")
		r.Work.Attempt.Failed, r.LastAction.Failed = failed, failed
	}
	return r
}

// drawPrepared is what may have been prepared: what is desired, another thing, or
// nothing that is known.
func drawPrepared(t *rapid.T, r bos.Record) bos.Prepared {
	other := bos.BootArtifacts{Kernel: "other"}
	return bos.Prepared{
		Boot:          rapid.SampledFrom([]string{"", bos.PreparedBoot(r.DesiredState.BootArtifacts), bos.PreparedBoot(other)}).Draw(t, "boot prepared"),
		Configuration: rapid.SampledFrom([]string{"", bos.PreparedConfiguration(""), bos.PreparedConfiguration("c")}).Draw(t, "configuration prepared"),
	}
}

func drawObservation(t *rapid.T) Observation {
	o := Observation{Power: bos.PowerReading{
		State: rapid.SampledFrom([]bos.PowerState{
			bos.PowerStateUnknown, bos.PowerStateOn, bos.PowerStateOff, bos.PowerStatePoweringOn, bos.PowerStatePoweringOff,
		}).Draw(t, "power"),
		Asked: noon.Add(-time.Duration(rapid.IntRange(0, 120).Draw(t, "reading age")) * time.Second),
	}}
	if o.Power.State == bos.PowerStateUnknown {
		o.Power.Symptom = rapid.SampledFrom([]bos.Symptom{bos.SymptomNone, bos.SymptomSilent, bos.SymptomRefusing}).Draw(t, "symptom")
		o.Verdict = Verdict{ExtentBMC, rapid.Bool().Draw(t, "clock runs"), bos.CauseBMCUnreachable}
		o.Elapsed = time.Duration(rapid.IntRange(0, 1200).Draw(t, "elapsed")) * time.Second
	}
	o.Power.Undone.Outcome = rapid.SampledFrom([]bos.CallOutcome{
		bos.CallDone, bos.CallDone, bos.CallRefused, bos.CallBusy, bos.CallUnsupported, bos.CallUnknown,
	}).Draw(t, "undone")
	o.Configuration = bos.ConfigurationReading{
		Desired: rapid.SampledFrom([]string{"", "c", "old"}).Draw(t, "cfs desired"),
		Status:  rapid.SampledFrom([]bos.ConfigurationStatus{"configured", "pending", "failed"}).Draw(t, "cfs status"),
		Missing: rapid.Bool().Draw(t, "cfs missing"), Symptom: rapid.SampledFrom([]bos.Symptom{bos.SymptomNone, bos.SymptomSilent}).Draw(t, "cfs symptom"),
		Asked: noon.Add(-time.Duration(rapid.IntRange(0, 120).Draw(t, "cfs age")) * time.Second),
	}
	o.ConfigurationElapsed = time.Duration(rapid.IntRange(0, 1200).Draw(t, "cfs elapsed")) * time.Second
	return o
}

func TestDecideKeepsItsPromisesForEveryRecordAndObservation(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	rapid.Check(t, func(t *rapid.T) {
		r, o := drawRecord(t), drawObservation(t)
		p.Configures = rapid.Bool().Draw(t, "configures")
		d := Decide(r, o, p, noon)
		op := d.Effect.Kind.PowerOp()
		switch {
		case op != "" && o.Power.State == bos.PowerStateUnknown:
			t.Fatal("a power action on an unknown power state")
		case op != "" && !r.Enabled:
			t.Fatal("a power action on a disabled component")
		case op != "" && op != bos.PowerOn && !d.Next.BootPrepared() && !r.DesiredState.BootArtifacts.Empty() && d.Why != ReasonPowerOffForceAgain:
			t.Fatal("a node is powered off that could not be booted again")
		case op == bos.PowerOn && d.Next.Work.Attempt.Prepared.Boot != bos.PreparedBoot(r.DesiredState.BootArtifacts):
			t.Fatal("a power-on that boots something else than what is desired")
		case op == bos.PowerOn && p.Configures && d.Next.Work.Attempt.Prepared.Configuration != bos.PreparedConfiguration(r.DesiredState.Configuration):
			t.Fatal("a power-on before the configuration is cleared")
		case op == bos.PowerOn && o.Power.State != bos.PowerStateOff:
			t.Fatal("a power-on of a node that is not off")
		case op != "" && d.Next.Work.Flight.Kind != d.Effect.Kind:
			t.Fatal("an action that is not recorded as started")
		case op != "" && attempts(d.Next)+d.Next.Work.Misses.Lost != attempts(r)+r.Work.Misses.Lost+1 && d.Next.Status.Phase == r.Status.Phase:
			t.Fatal("an attempt that is not counted")
		case d.Next.EventStats.PowerOnAttempts > max(p.DefaultRetryPolicy, r.EventStats.PowerOnAttempts):
			t.Fatal("more attempts than the retry policy allows")
		case d.Next.Status.StatusOverride == bos.StatusFailed && r.Status.StatusOverride != bos.StatusFailed && (d.Next.Work.Cause == bos.CauseNone || d.Next.Error == ""):
			t.Fatal("a failure without a cause")
		case d.Next.Enabled && d.Effect.Kind == bos.EffectNone && d.Probe.IsZero() && d.Wake.IsZero():
			t.Fatal("an enabled component that nothing would ever wake")
		}
	})
}

func TestANodeThatCannotBeBootedAgainIsNotPoweredOff(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	desired := bos.BootArtifacts{Kernel: "new"}
	r := bos.Record{Goal: bos.GoalBoot, Component: bos.Component{
		ID: "x1000c0s0b0n0", Enabled: true, ActualState: bos.ActualState{BootArtifacts: bos.BootArtifacts{Kernel: "old"}},
		DesiredState: bos.DesiredState{BootArtifacts: desired}, Status: bos.ComponentStatus{StatusOverride: bos.StatusOnHold},
	}}
	refused := bos.CallResult{ID: r.ID, Outcome: bos.CallRefused, Cause: bos.CauseBootParameters, Detail: "BSS refuses it"}
	now := noon
	for range 100 {
		d := Decide(r, Observation{Power: bos.PowerReading{State: bos.PowerStateOn, Asked: now}}, p, now)
		if d.Effect.Kind.PowerOp() != "" {
			t.Fatalf("%s although BSS has refused every write", d.Effect.Kind)
		}
		r = d.Next
		if d.Effect.Kind == bos.EffectWriteBoot {
			r = SettleBoot(r, desired, "", refused, now)
		}
		if !r.Enabled {
			break
		}
		now = now.Add(time.Minute)
	}
	if r.Enabled || r.Work.Cause != bos.CauseBootParameters || r.Error != refused.Detail {
		t.Errorf("enabled %t, cause %q, error %q; want it failed with what BSS said", r.Enabled, r.Work.Cause, r.Error)
	}
}

func attempts(r bos.Record) int {
	return r.EventStats.PowerOnAttempts + r.EventStats.PowerOffGracefulAttempts + r.EventStats.PowerOffForcefulAttempts
}

func TestAnActionThatNeverReachedItsTargetCostsNoAttempt(t *testing.T) {
	for _, outcome := range []bos.CallOutcome{bos.CallNotAttempted, bos.CallBusy, bos.CallUnsupported} {
		r := bos.Record{Goal: bos.GoalBoot, Component: bos.Component{
			Enabled: true, EventStats: bos.EventStats{PowerOffGracefulAttempts: 1}, LastAction: bos.LastAction{Action: bos.ActionPowerOffGraceful},
		}, Work: bos.Work{Flight: bos.Flight{Kind: bos.EffectPowerOffGraceful}, Attempt: bos.Attempt{Kind: bos.EffectPowerOffGraceful, At: noon}}}
		got := Settle(r, bos.Effect{Kind: bos.EffectPowerOffGraceful}, bos.CallResult{Outcome: outcome}, noon)
		if got.EventStats.PowerOffGracefulAttempts != 0 || got.Work.Flight.Kind != bos.EffectNone {
			t.Errorf("outcome %d: %+v", outcome, got.EventStats)
		}
	}
}

func TestANodeThatMatchesItsDesiredStateIsLeftAlone(t *testing.T) {
	a := bos.BootArtifacts{Kernel: "k", KernelParameters: "quiet spire_join_token=${SPIRE_JOIN_TOKEN}"}
	if told := (bos.BootArtifacts{Kernel: "k", KernelParameters: "quiet spire_join_token=1 bss_referral_token=2"}); !Matches(told, a) {
		t.Error("a token that its boot service put on its line makes it another boot")
	}
	booted := bos.BootArtifacts{Kernel: "k", KernelParameters: "quiet spire_join_token=0815"}
	r := bos.Record{Goal: bos.GoalBoot, Component: bos.Component{
		Enabled: true, ActualState: bos.ActualState{BootArtifacts: booted}, DesiredState: bos.DesiredState{BootArtifacts: a},
		Status: bos.ComponentStatus{StatusOverride: bos.StatusOnHold},
	}}
	d := Decide(r, Observation{Power: bos.PowerReading{State: bos.PowerStateOn, Asked: noon}}, bos.DefaultOptions().Policy(), noon)
	if d.Effect.Kind != bos.EffectNone || d.Next.Enabled || d.Next.DeriveStatus() != bos.StatusStable {
		t.Errorf("decision %+v, want it done without an action", d)
	}
}

func TestWhatAClientWritesIntoLastActionChangesNoDecision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, o, p := drawRecord(t), drawObservation(t), bos.DefaultOptions().Policy()
		p.Configures = rapid.Bool().Draw(t, "configures")
		want := Decide(r, o, p, noon)
		r.LastAction.Action = rapid.SampledFrom([]bos.Action{
			bos.ActionNone, bos.ActionSessionSetup, bos.ActionPoweringOn, bos.ActionPowerOffGraceful, bos.ActionPowerOffForceful,
		}).Draw(t, "written action")
		r.LastAction.Failed = rapid.Bool().Draw(t, "written failed")
		got := Decide(r, o, p, noon)
		got.Next.LastAction = want.Next.LastAction
		if got != want {
			t.Fatalf("with last_action %+v it decides\n%+v, want\n%+v", r.LastAction, got, want)
		}
	})
}
