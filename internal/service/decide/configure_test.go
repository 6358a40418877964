package decide

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func configuring() bos.Policy {
	p := bos.DefaultOptions().Policy()
	p.Configures = true
	return p
}

// booted is a node that reported the right image a minute after its power-on.
func booted(configuration string) bos.Record {
	image := bos.BootArtifacts{Kernel: "k", Initrd: "i"}
	r := bos.Record{Goal: bos.GoalBoot, Component: bos.Component{
		ID: "x1000c0s0b0n0", Enabled: true, Session: "s",
		ActualState:  bos.ActualState{BootArtifacts: image},
		DesiredState: bos.DesiredState{BootArtifacts: image, Configuration: configuration},
		LastAction:   bos.LastAction{Action: bos.ActionPoweringOn},
		Status:       bos.ComponentStatus{Phase: bos.PhasePoweringOn},
		EventStats:   bos.EventStats{PowerOnAttempts: 1},
	}}
	calledFor(&r, bos.ActionPoweringOn, noon.Add(-time.Minute))
	return r
}

func on(configuration bos.ConfigurationReading) Observation {
	return Observation{Power: bos.PowerReading{State: bos.PowerStateOn, Asked: noon}, Configuration: configuration}
}

func TestABootedNodeIsDoneWhenItsConfigurationIs(t *testing.T) {
	fresh := noon.Add(-time.Second)
	for name, c := range map[string]struct {
		wanted     string
		reading    bos.ConfigurationReading
		wantStatus string
		wantEffect bos.EffectKind
	}{
		"applied":                            {"c", bos.ConfigurationReading{Desired: "c", Status: "configured", Asked: fresh}, bos.StatusStable, ""},
		"under way":                          {"c", bos.ConfigurationReading{Desired: "c", Status: "pending", Asked: fresh}, bos.StatusConfiguring, ""},
		"failed":                             {"c", bos.ConfigurationReading{Desired: "c", Status: "failed", Asked: fresh}, bos.StatusFailed, ""},
		"a word nobody knows":                {"c", bos.ConfigurationReading{Desired: "c", Status: "odd", Asked: fresh}, bos.StatusFailed, ""},
		"another one is set":                 {"c", bos.ConfigurationReading{Desired: "old", Status: "configured", Asked: fresh}, bos.StatusConfiguring, bos.EffectConfigure},
		"none is wanted and none is set":     {"", bos.ConfigurationReading{Asked: fresh, Status: "unconfigured"}, bos.StatusStable, ""},
		"none is wanted and one is set":      {"", bos.ConfigurationReading{Desired: "old", Status: "configured", Asked: fresh}, bos.StatusConfiguring, bos.EffectConfigure},
		"none is wanted and CFS has no node": {"", bos.ConfigurationReading{Missing: true, Asked: fresh}, bos.StatusStable, ""},
		"CFS has no such node":               {"c", bos.ConfigurationReading{Missing: true, Asked: fresh}, bos.StatusOnHold, ""},
		"CFS does not answer":                {"c", bos.ConfigurationReading{Symptom: bos.SymptomSilent, Asked: fresh}, bos.StatusOnHold, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := Decide(booted(c.wanted), on(c.reading), configuring(), noon)
			if got := d.Next.DeriveStatus(); got != c.wantStatus || d.Effect.Kind != c.wantEffect {
				t.Errorf("status %s with effect %q, want %s with %q", got, d.Effect.Kind, c.wantStatus, c.wantEffect)
			}
			if over := c.wantStatus == bos.StatusStable || c.wantStatus == bos.StatusFailed; over == d.Next.Enabled {
				t.Errorf("enabled is %t at status %s", d.Next.Enabled, c.wantStatus)
			}
		})
	}
}

func TestAConfigurationServiceThatAcknowledgedThatNothingIsWantedIsNotAskedAgain(t *testing.T) {
	ready := func(wanted string, res bos.CallResult) bos.Record {
		r := booted(wanted)
		r.ActualState, r.Work = bos.ActualState{}, bos.Work{Prepared: bos.Prepared{Boot: bos.PreparedBoot(r.DesiredState.BootArtifacts)}}
		off := Observation{Power: bos.PowerReading{State: bos.PowerStateOff, Asked: noon}}
		d := Decide(r, off, configuring(), noon)
		d = Decide(SettleConfigure(d.Next, d.Effect.Configuration, res, noon), off, configuring(), noon)
		if d.Effect.Kind != bos.EffectPowerOn {
			t.Fatalf("%q: effect %q, want the power-on", wanted, d.Effect.Kind)
		}
		r = d.Next
		r.Work.Flight, r.ActualState.BootArtifacts = bos.Flight{}, r.DesiredState.BootArtifacts
		return r
	}
	for _, c := range []struct {
		name, wanted string
		res          bos.CallResult
		asks         bool
	}{
		{"acknowledged", "", bos.CallResult{}, false},
		{"refused", "", bos.CallResult{Outcome: bos.CallRefused}, true},
		{"one is wanted", "c", bos.CallResult{}, true},
	} {
		d := Decide(ready(c.wanted, c.res), on(bos.ConfigurationReading{}), configuring(), noon)
		if d.Next.Enabled != c.asks || d.ProbeConfiguration.IsZero() == c.asks {
			t.Errorf("%s: enabled %t, next probe %s", c.name, d.Next.Enabled, d.ProbeConfiguration)
		}
	}
	changed := ready("", bos.CallResult{})
	changed.DesiredState.Configuration = "c"
	if d := Decide(changed, on(bos.ConfigurationReading{}), configuring(), noon); !d.ProbeConfiguration.Equal(noon) {
		t.Error("one that is wanted since the power-on is not probed")
	}
}

func TestAConfigurationReadBeforeThePowerOnSaysNothingOfThisBoot(t *testing.T) {
	stale := bos.ConfigurationReading{Desired: "c", Status: "configured", Asked: noon.Add(-2 * time.Minute)}
	for _, reading := range []bos.ConfigurationReading{stale, {}} {
		d := Decide(booted("c"), on(reading), configuring(), noon)
		if !d.Next.Enabled || !d.ProbeConfiguration.Equal(noon) {
			t.Errorf("%+v: enabled %t, next probe %s; want a probe now", reading, d.Next.Enabled, d.ProbeConfiguration)
		}
	}
}

func TestBeforePowerOnTheConfigurationIsSetDisabledAndCleared(t *testing.T) {
	r := booted("c")
	r.ActualState = bos.ActualState{}
	r.LastAction.Action = bos.ActionSessionSetup
	r.EventStats = bos.EventStats{}
	r.Work = bos.Work{Prepared: bos.Prepared{Boot: bos.PreparedBoot(r.DesiredState.BootArtifacts)}}
	off := Observation{Power: bos.PowerReading{State: bos.PowerStateOff, Asked: noon}}
	d := Decide(r, off, configuring(), noon)
	want := bos.Effect{Kind: bos.EffectConfigure, Configuration: bos.ConfigurationTarget{Name: "c", Session: "s", Clear: true}}
	if d.Effect != want {
		t.Fatalf("effect %+v, want %+v", d.Effect, want)
	}
	settled := SettleConfigure(d.Next, d.Effect.Configuration, bos.CallResult{}, noon)
	if d = Decide(settled, off, configuring(), noon); d.Effect.Kind != bos.EffectPowerOn {
		t.Errorf("then effect %q, want the power-on", d.Effect.Kind)
	}
	if d.Next.ConfigurationPrepared() {
		t.Error("a power-on leaves the next one without a cleared configuration")
	}
}

func TestAnOutageOfTheConfigurationServiceCostsNoAttemptAndFailsNobody(t *testing.T) {
	r := booted("c")
	silent := bos.ConfigurationReading{Symptom: bos.SymptomSilent, Detail: "CFS: connection refused"}
	p := configuring()
	now := noon
	for range 100 {
		now = now.Add(time.Minute)
		silent.Asked = now
		d := Decide(r, Observation{Power: bos.PowerReading{State: bos.PowerStateOn, Asked: now}, Configuration: silent, ConfigurationElapsed: time.Minute}, p, now)
		r = d.Next
	}
	if !r.Enabled || r.DeriveStatus() != bos.StatusOnHold || !strings.Contains(r.Error, "connection refused") {
		t.Errorf("status %s with error %q after the outage, want it on hold with the reason", r.DeriveStatus(), r.Error)
	}
	d := Decide(r, Observation{Power: bos.PowerReading{State: bos.PowerStateOn, Asked: now}, Configuration: bos.ConfigurationReading{Desired: "c", Status: "configured", Asked: now}}, p, now)
	if d.Next.DeriveStatus() != bos.StatusStable || d.Next.Error != "" {
		t.Errorf("status %s with error %q once it answers, want it done", d.Next.DeriveStatus(), d.Next.Error)
	}
	before := bos.Record{}
	before.Enabled = true
	held := SettleConfigure(before, bos.ConfigurationTarget{Clear: true}, bos.CallResult{Outcome: bos.CallNotAttempted}, noon)
	if held.EventStats.PowerOnAttempts != 0 || held.ConfigurationPrepared() {
		t.Errorf("an outage at power-on left %+v", held)
	}
}

func TestANodeThatTheConfigurationServiceNeverKnowsFailsWithThatCause(t *testing.T) {
	r, p, now := booted("c"), configuring(), noon
	for range int(p.MaxUnreachable/time.Minute) + 1 {
		now = now.Add(time.Minute)
		d := Decide(r, Observation{
			Power:         bos.PowerReading{State: bos.PowerStateOn, Asked: now},
			Configuration: bos.ConfigurationReading{Missing: true, Asked: now}, ConfigurationElapsed: time.Minute,
		}, p, now)
		r = d.Next
	}
	if r.DeriveStatus() != bos.StatusFailed || r.Work.Cause != bos.CauseUnknownToConfiguration {
		t.Errorf("status %s with cause %q", r.DeriveStatus(), r.Work.Cause)
	}
}

func TestAWantedConfigurationWithoutAConfigurationServiceFailsAndSaysWhatToDo(t *testing.T) {
	d := Decide(booted("c"), on(bos.ConfigurationReading{}), bos.DefaultOptions().Policy(), noon)
	if d.Next.DeriveStatus() != bos.StatusFailed || !strings.Contains(d.Next.Error, "configuration.cfs") {
		t.Errorf("status %s with error %q", d.Next.DeriveStatus(), d.Next.Error)
	}
}

func TestOnlyOldActualStatesOfIdleComponentsAreForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		r.ActualState.LastUpdated = bos.At(noon.Add(-time.Duration(rapid.IntRange(0, 200).Draw(t, "age")) * time.Minute))
		if rapid.Bool().Draw(t, "never") {
			r.ActualState.LastUpdated = bos.Time{}
		}
		before := noon.Add(-time.Hour)
		expired := ActualExpired(r, before)
		recent := !r.ActualState.LastUpdated.IsZero() && !r.ActualState.LastUpdated.Before(before)
		if expired && (r.Enabled || recent || r.ActualState.BootArtifacts.Empty()) {
			t.Fatal("what is in work, recent or empty is not old")
		}
		if !expired && !r.Enabled && !recent && !r.ActualState.BootArtifacts.Empty() {
			t.Fatal("an old state is kept")
		}
		if forgotten := ForgetActual(r, noon); ActualExpired(forgotten, noon.Add(time.Hour)) || forgotten.LastAction.Action != bos.ActionActualStateCleanup {
			t.Fatal("a state is forgotten once")
		}
	})
}

// forever is a service that was never away, under a clock that never stepped.
const forever = time.Duration(math.MaxInt64)

func TestLifetimesAreTheOptionsAndZeroKeepsForEver(t *testing.T) {
	o := bos.DefaultOptions()
	if got := Lifetimes(o, noon, forever); got.Sessions != 7*24*time.Hour || !got.Actual.Equal(noon.Add(-4*time.Hour)) {
		t.Errorf("defaults %+v", got)
	}
	o.CleanupCompletedSessionTTL, o.ComponentActualStateTTL = "0", "nonsense"
	if got := Lifetimes(o, noon, forever); got != (Lifetime{}) {
		t.Errorf("%+v, want nothing cleaned", got)
	}
}

func TestNothingIsOldThatNodesHadNoTimeToConfirmOrThatAClockSaysWhichHasJustStepped(t *testing.T) {
	o := bos.DefaultOptions()
	for heard, want := range map[time.Duration]Lifetime{
		0:                            {},
		trusted - 1:                  {},
		trusted:                      {Sessions: 7 * 24 * time.Hour},
		4*time.Hour - 1:              {Sessions: 7 * 24 * time.Hour},
		4 * time.Hour:                {Sessions: 7 * 24 * time.Hour, Actual: noon.Add(-4 * time.Hour)},
		time.Duration(math.MaxInt64): {Sessions: 7 * 24 * time.Hour, Actual: noon.Add(-4 * time.Hour)},
	} {
		if got := Lifetimes(o, noon, heard); got != want {
			t.Errorf("after %s: %+v, want %+v", heard, got, want)
		}
	}
}

func TestANodeThatBootsHasAMinuteAtLeastOnceItsReportCanBeTakenAgain(t *testing.T) {
	r := unconfigured()
	r.ActualState = bos.ActualState{}
	calledFor(&r, bos.ActionPoweringOn, noon)
	p := bos.DefaultOptions().Policy()
	for heard, want := range map[time.Duration]time.Duration{
		0: p.MaxBootWait, p.MaxBootWait - time.Hour: p.MaxBootWait, p.MaxBootWait - time.Second: p.MaxBootWait - time.Second + reportGrace,
	} {
		for at, why := range map[time.Duration]Reason{want - time.Second: ReasonBootWait, want: ReasonWriteBoot} {
			now := noon.Add(at)
			o := Observation{Power: bos.PowerReading{State: bos.PowerStateOn, Asked: now}, Hearing: noon.Add(heard)}
			if d := Decide(r, o, p, now); d.Why != why {
				t.Errorf("reports are taken since %s: %s at %s, want %s", heard, d.Why, at, why)
			}
		}
	}
}

// unconfigured is a node that has reported its boot and has a configuration to get.
func unconfigured() bos.Record {
	return bos.Record{Goal: bos.GoalBoot, Component: bos.Component{
		ID: "x1000c0s0b0n0", Enabled: true,
		ActualState:  bos.ActualState{BootArtifacts: bos.BootArtifacts{Kernel: "k"}, LastUpdated: bos.At(noon)},
		DesiredState: bos.DesiredState{BootArtifacts: bos.BootArtifacts{Kernel: "k"}, Configuration: "c"},
	}}
}

func TestAConfigurationUnderWayIsAskedAboutEverMoreRarely(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	p.Configures = true
	r := unconfigured()
	for after, want := range map[time.Duration]time.Duration{
		0: 2 * time.Second, 4 * time.Second: 4 * time.Second, time.Hour: p.Polling,
	} {
		now := noon.Add(after)
		o := Observation{Power: bos.PowerReading{State: bos.PowerStateOn, Asked: now}, Configuration: bos.ConfigurationReading{Desired: "c", Status: bos.ConfigurationPending, Asked: now}, Wall: now}
		if got := Decide(r, o, p, now).ProbeConfiguration.Sub(now); got != want {
			t.Errorf("%s after the report the next question comes after %s, want %s", after, got, want)
		}
	}
}

func TestAConfigurationIsAskedAboutWhenOtherNodesHadIt(t *testing.T) {
	p := configuring()
	r := booted("c")
	for due, want := range map[time.Duration]time.Duration{
		3 * time.Second: 3 * time.Second, // not before
		-time.Second:    500 * time.Millisecond,
		0:               minConfigurationProbe,
		time.Hour:       p.Polling, // however long others took
		-time.Hour:      p.Polling,
	} {
		o := on(bos.ConfigurationReading{Desired: "c", Status: bos.ConfigurationPending, Asked: noon})
		o.ConfigurationDue = noon.Add(due)
		if got := Decide(r, o, p, noon).ProbeConfiguration.Sub(noon); got != want {
			t.Errorf("due in %s: the next question comes after %s, want %s", due, got, want)
		}
	}
}

func TestAConfigurationThatNobodyHasEnabledIsEnabledOnceTheBootHasHadItsTime(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	p.Configures = true
	r := unconfigured()
	calledFor(&r, bos.ActionPoweringOn, noon)
	for after, want := range map[time.Duration]bos.EffectKind{time.Minute: bos.EffectNone, p.MaxBootWait: bos.EffectConfigure} {
		now := noon.Add(after)
		idle := bos.ConfigurationReading{Desired: "c", Status: bos.ConfigurationPending, Idle: true, Asked: now}
		d := Decide(r, Observation{Power: bos.PowerReading{State: bos.PowerStateOn, Asked: now}, Configuration: idle}, p, now)
		if d.Effect.Kind != want || want != bos.EffectNone && !d.Effect.Configuration.Enabled {
			t.Errorf("%s after the power-on: %+v, want %q", after, d.Effect, want)
		}
	}
}

func TestANodeThatWaitsForTheConfigurationServiceIsNotWrittenWithEveryProbe(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	p.Configures = true
	r := unconfigured()
	r.Session, r.Status.Phase = "s", bos.PhaseConfiguring
	calledFor(&r, bos.ActionPoweringOn, noon)
	r.ActualState.LastUpdated = bos.Time{}
	on := func(now time.Time) Observation {
		return Observation{Power: bos.PowerReading{ID: r.ID, State: bos.PowerStateOn, Asked: now}}
	}
	now, writes := noon, 0
	take := func(o Observation) Decision {
		d := Decide(r, o, p, now)
		if d.Next != r {
			writes++
		}
		r = d.Next
		return d
	}
	for range 20 {
		now = now.Add(p.Polling)
		o := on(now)
		take(o) // the power is known before the configuration service has not answered
		o.Configuration = bos.ConfigurationReading{ID: r.ID, Symptom: bos.SymptomSilent, Detail: "no answer", Asked: now}
		take(o)
	}
	if writes != 1 || r.Status.StatusOverride != bos.StatusOnHold || r.Error != "waiting for the configuration service: no answer" {
		t.Errorf("%d writes; %+v, %s", writes, r.Status, r.Error)
	}

	now = now.Add(p.Polling)
	held := r
	o := on(now)
	o.Configuration = bos.ConfigurationReading{ID: r.ID, Desired: "c", Status: bos.ConfigurationDone, Asked: now}
	if d := take(o); d.Why != ReasonDone || r.DeriveStatus() != bos.StatusStable || r.Error != "" {
		t.Errorf("when it answers: %+v", d)
	}
	r = held
	o = on(now)
	o.Power.State = bos.PowerStateOff
	if d := take(o); r.Status.StatusOverride != "" || r.Work.Waiting.For != bos.WaitNone || d.Effect.Kind != bos.EffectWriteBoot {
		t.Errorf("when it loses its power: %+v", d)
	}
}

func TestAnOutageIsProbedEverMoreRarely(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	last := time.Duration(0)
	for _, unknown := range []time.Duration{0, 10 * time.Second, 30 * time.Second, time.Hour} {
		o := Observation{
			Power:   bos.PowerReading{ID: "x1000c0s0b0n0", Symptom: bos.SymptomSilent, Asked: noon},
			Verdict: verdicts[ExtentUpstream][bos.SymptomSilent], Unknown: unknown,
		}
		d := Decide(poweredOn(), o, p, noon)
		if wait := d.Probe.Sub(noon); wait <= last || wait > p.Polling {
			t.Errorf("after %s the next probe comes in %s, the one before in %s", unknown, wait, last)
		} else {
			last = wait
		}
	}
}
