package bos

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	past = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now  = time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)
)

func componentPatch(t interface {
	Helper()
	Fatal(...any)
}, text string,
) ComponentPatch {
	t.Helper()
	var p ComponentPatch
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// used is a record in which everything is set.
func used() Record {
	policy := 5
	a := BootArtifacts{Kernel: "k0", KernelParameters: "p0", Initrd: "i0"}
	return Record{Revision: 7, Goal: GoalBoot, Work: Work{Prepared: Prepared{Boot: PreparedBoot(a)}, Attempt: Attempt{Prepared: Prepared{Configuration: PreparedConfiguration("c0")}}, Flight: Flight{Kind: EffectPowerOn}, BackOff: BackOff{Setbacks: 2}}, Component: Component{
		ID: "x1", Session: "s0", Error: "e0", RetryPolicy: &policy,
		ActualState:  ActualState{BootArtifacts: a, BSSToken: "t0", LastUpdated: At(past)},
		DesiredState: DesiredState{BootArtifacts: a, Configuration: "c0", BSSToken: "t0", LastUpdated: At(past)},
		StagedState:  StagedState{BootArtifacts: a, Configuration: "c0", Session: "s0", LastUpdated: At(past)},
		LastAction:   LastAction{Action: ActionPoweringOn, LastUpdated: At(past), Failed: true},
		EventStats:   EventStats{1, 2, 3},
		Status:       ComponentStatus{Phase: PhasePoweringOn, StatusOverride: StatusFailed},
	}}
}

func TestWhatAWriteBringsAlong(t *testing.T) {
	at := At(now)
	booted := &BootArtifacts{Kernel: "k1", KernelParameters: "p1", Initrd: "i1"}
	for name, c := range map[string]struct {
		patch  string
		booted *BootArtifacts
		change func(*Record)
	}{
		"a member of an object leaves its neighbours": {`{"actual_state":{"boot_artifacts":{"initrd":"i"}}}`, nil, func(r *Record) {
			r.ActualState.BootArtifacts.Initrd, r.ActualState.LastUpdated = "i", at
		}},
		"a known token fills the artifacts": {`{"actual_state":{"bss_token":"t"}}`, booted, func(r *Record) {
			r.ActualState = ActualState{*booted, "t", at}
		}},
		"a known token wins over given artifacts": {`{"actual_state":{"bss_token":"t","boot_artifacts":{"kernel":"k"}}}`, booted, func(r *Record) {
			r.ActualState = ActualState{*booted, "t", at}
		}},
		"an unknown token alone is no touch": {`{"actual_state":{"bss_token":"t"}}`, nil, func(r *Record) {
			r.ActualState.BSSToken = "t"
		}},
		"an unknown token with artifacts is a touch": {`{"actual_state":{"bss_token":"t","boot_artifacts":{"kernel":"k"}}}`, nil, func(r *Record) {
			r.ActualState.BSSToken, r.ActualState.BootArtifacts.Kernel, r.ActualState.LastUpdated = "t", "k", at
		}},
		"desired artifacts start anew and take the node from its session": {`{"desired_state":{"boot_artifacts":{"kernel":"k"}}}`, nil, func(r *Record) {
			r.DesiredState.BootArtifacts.Kernel, r.DesiredState.LastUpdated = "k", at
			r.Session, r.EventStats, r.Work.Prepared = "", EventStats{}, Prepared{}
		}},
		"the same desired artifacts need no new boot parameters": {`{"desired_state":{"boot_artifacts":{"kernel":"k0"}},"session":"s0"}`, nil, func(r *Record) {
			r.DesiredState.LastUpdated, r.EventStats = at, EventStats{}
		}},
		"a desired configuration starts anew over given counters": {`{"desired_state":{"configuration":""},"session":"s1","event_stats":{"power_on_attempts":9}}`, nil, func(r *Record) {
			r.DesiredState.Configuration, r.DesiredState.LastUpdated, r.Session, r.EventStats = "", at, "s1", EventStats{}
			r.Work.Attempt.Prepared = Prepared{}
		}},
		"a desired token alone is no touch, and takes the node from its session": {`{"desired_state":{"bss_token":"t"}}`, nil, func(r *Record) {
			r.DesiredState.BSSToken, r.Session = "t", ""
		}},
		"an empty desired state sets nothing and ends the session": {`{"desired_state":{}}`, nil, func(r *Record) {
			r.DesiredState.LastUpdated, r.Session = at, ""
		}},
		"counters": {`{"event_stats":{"power_off_forceful_attempts":0}}`, nil, func(r *Record) {
			r.EventStats.PowerOffForcefulAttempts = 0
		}},
		"staged state": {`{"staged_state":{"session":"","configuration":"c","boot_artifacts":{"kernel":""}}}`, nil, func(r *Record) {
			r.StagedState.Session, r.StagedState.Configuration, r.StagedState.BootArtifacts.Kernel, r.StagedState.LastUpdated = "", "c", "", at
			r.StagedState.Blank = StagedSession
		}},
		"last action": {`{"last_action":{"failed":false}}`, nil, func(r *Record) {
			r.LastAction.Failed, r.LastAction.LastUpdated = false, at
		}},
		"enabling holds, over a given override, and forgets": {`{"enabled":true,"status":{"status_override":"","phase":"configuring"}}`, nil, func(r *Record) {
			r.Enabled, r.Status.StatusOverride, r.Status.Phase, r.Work = true, StatusOnHold, PhaseConfiguring, Work{Flight: Flight{Kind: EffectPowerOn}}
		}},
		"disabling holds nothing": {`{"enabled":false}`, nil, func(r *Record) { r.Enabled = false }},
		"plain members": {`{"error":"","session":"","retry_policy":0}`, nil, func(r *Record) {
			r.Error, r.Session, r.RetryPolicy = "", "", new(int)
		}},
		"an id is no change": {`{"id":"x2"}`, nil, func(*Record) {}},
	} {
		t.Run(name, func(t *testing.T) {
			got, want := used(), used()
			c.change(&want)
			componentPatch(t, c.patch).Apply(&got, c.booted, now)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReplacingForgetsAllButWhatIsInFlight(t *testing.T) {
	r := used()
	componentPatch(t, `{"id":"other","enabled":true,"desired_state":{"boot_artifacts":{"kernel":"k"}}}`).Replace(&r, nil, now)
	want := Record{Revision: 7, Goal: GoalBoot, Work: Work{Flight: Flight{Kind: EffectPowerOn}}, Component: Component{
		ID: "x1", Enabled: true, Status: ComponentStatus{StatusOverride: StatusOnHold},
		DesiredState: DesiredState{BootArtifacts: BootArtifacts{Kernel: "k"}, LastUpdated: At(now)},
	}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
}

func TestAPatchDoesNotShareItsNumberWithTheRecord(t *testing.T) {
	p := componentPatch(t, `{"retry_policy":1}`)
	var a, b Record
	p.Apply(&a, nil, now)
	p.Apply(&b, nil, now)
	*a.RetryPolicy = 9
	if *b.RetryPolicy != 1 || *p.RetryPolicy != 1 {
		t.Error("two records share one retry policy")
	}
}

func TestWhenAReportIsRefused(t *testing.T) {
	report := `{"actual_state":{}}`
	held := func(action Action) Component {
		return Component{Enabled: true, LastAction: LastAction{Action: action}, Status: ComponentStatus{StatusOverride: StatusOnHold}}
	}
	disabled := held(ActionSessionSetup)
	disabled.Enabled = false
	stable := held(ActionSessionSetup)
	stable.Status = ComponentStatus{}
	for name, c := range map[string]struct {
		patch   string
		on      Component
		refused bool
	}{
		"held after setup":         {report, held(ActionSessionSetup), true},
		"being powered off":        {report, held(ActionPowerOffGraceful), true},
		"just powered on":          {report, held(ActionPoweringOn), false},
		"disabled":                 {report, disabled, false},
		"stable":                   {report, stable, false},
		"never acted on":           {report, held(ActionNone), false},
		"no report":                {`{"error":""}`, held(ActionSessionSetup), false},
		"desired state, no report": {`{"desired_state":{}}`, held(ActionSessionSetup), false},
	} {
		t.Run(name, func(t *testing.T) {
			err := componentPatch(t, c.patch).CheckReport(c.on)
			if errors.Is(err, ErrReportRefused) != c.refused || (err != nil) != c.refused {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestComponentLimits(t *testing.T) {
	long := func(n int) string { return `"` + strings.Repeat("ä", n) + `"` }
	for field, most := range map[string]int{
		"id": 127, "error": 65536, "status.status_override": 65536, "actual_state.bss_token": 65535, "desired_state.bss_token": 65535,
		"desired_state.configuration": 127, "staged_state.configuration": 127,
		"actual_state.boot_artifacts.kernel": 4095, "desired_state.boot_artifacts.initrd": 4095, "actual_state.boot_artifacts.kernel_parameters": 4096,
	} {
		if err := componentPatch(t, nested(field, long(most))).Validate(); err != nil {
			t.Error(err)
		}
		wantInvalid(t, componentPatch(t, nested(field, long(most+1))).Validate(), field)
	}
	for _, field := range []string{"retry_policy", "event_stats.power_on_attempts", "event_stats.power_off_graceful_attempts", "event_stats.power_off_forceful_attempts"} {
		for value, valid := range map[string]bool{"0": true, "1048576": true, "-1": false, "1048577": false} {
			err := componentPatch(t, nested(field, value)).Validate()
			if valid && err != nil {
				t.Error(err)
			}
			if !valid {
				wantInvalid(t, err, field)
			}
		}
	}
	for _, field := range []string{"session", "staged_state.session"} {
		if err := componentPatch(t, nested(field, `""`)).Validate(); err != nil {
			t.Error(err)
		}
		wantInvalid(t, componentPatch(t, nested(field, `"-"`)).Validate(), field)
	}
	wantInvalid(t, componentPatch(t, `{"id":""}`).Validate(), "id")
	wantInvalid(t, componentPatch(t, `{}`).Validate(), "")
	wantInvalid(t, componentPatch(t, `{"last_action":{"action":""}}`).Validate(), "last_action.action")
	wantInvalid(t, componentPatch(t, `{"status":{"phase":"on"}}`).Validate(), "status.phase")
}

// nested is an object with one value at a path such as a.b.c.
func nested(path, value string) string {
	for _, name := range reversed(strings.Split(path, ".")) {
		value = `{"` + name + `":` + value + `}`
	}
	return value
}

func reversed(parts []string) []string {
	var back []string
	for _, p := range parts {
		back = append([]string{p}, back...)
	}
	return back
}

func TestRulesThatHoldForEveryWrite(t *testing.T) {
	text := rapid.Ptr(rapid.SampledFrom([]string{"", "v", "k0"}), true)
	flag := rapid.Ptr(rapid.Bool(), true)
	artifacts := rapid.Ptr(rapid.Custom(func(t *rapid.T) ArtifactsPatch {
		return ArtifactsPatch{text.Draw(t, "kernel"), text.Draw(t, "parameters"), text.Draw(t, "initrd")}
	}), true)
	rapid.Check(t, func(t *rapid.T) {
		p := ComponentPatch{Enabled: flag.Draw(t, "enabled"), Session: text.Draw(t, "session"), Error: text.Draw(t, "error")}
		if rapid.Bool().Draw(t, "desired") {
			p.DesiredState = &DesiredPatch{artifacts.Draw(t, "artifacts"), text.Draw(t, "configuration"), text.Draw(t, "token")}
		}
		if rapid.Bool().Draw(t, "actual") {
			p.ActualState = &ActualPatch{artifacts.Draw(t, "artifacts"), text.Draw(t, "token")}
		}
		if rapid.Bool().Draw(t, "status") {
			p.Status = &StatusPatch{StatusOverride: text.Draw(t, "override")}
		}
		booted := rapid.SampledFrom([]*BootArtifacts{nil, {Kernel: "booted"}}).Draw(t, "booted")
		before, r := used(), used()
		p.Apply(&r, booted, now)
		armed := p.Enabled != nil && *p.Enabled
		switch {
		case r.ID != before.ID || r.Revision != before.Revision || r.Work.Flight.Kind != before.Work.Flight.Kind:
			t.Fatal("a write changed what is not its own")
		case armed && (r.DeriveStatus() != StatusOnHold || r.Work != Work{Flight: Flight{Kind: before.Work.Flight.Kind}}):
			t.Fatal("armed and not held afresh")
		case r.BootPrepared() && r.DesiredState.BootArtifacts != before.DesiredState.BootArtifacts:
			t.Fatal("boot parameters of another desired state count as written")
		case p.DesiredState != nil && *p.DesiredState != (DesiredPatch{}) && p.Session == nil && r.Session != "":
			t.Fatal("a desired state without a session left the old one")
		case booted != nil && p.Token() != "" && r.ActualState.BootArtifacts != *booted:
			t.Fatal("a known token did not tell what was booted")
		case p.ActualState == nil && r.ActualState != before.ActualState, p.DesiredState == nil && r.DesiredState != before.DesiredState:
			t.Fatal("a state changed that was not named")
		}
		again := r
		p.Apply(&again, booted, now)
		if diff := cmp.Diff(r, again); diff != "" {
			t.Fatal("writing the same twice is not writing it once", diff)
		}
	})
}

func TestAComponentThatIsWrittenAnewStaysWithTheSessionThatItNames(t *testing.T) {
	same, other, yes := "s", "other", true
	for _, c := range []struct {
		session *string
		want    SessionKey
	}{{&same, SessionKey{"blue", "s"}}, {&other, SessionKey{"", "other"}}, {nil, SessionKey{}}} {
		r := Record{Component: Component{ID: "x1", Session: "s"}, Tenant: "blue"}
		ComponentPatch{Enabled: &yes, DesiredState: &DesiredPatch{}, Session: c.session}.Replace(&r, nil, time.Time{})
		if r.Key() != c.want {
			t.Errorf("it is of %v, want %v", r.Key(), c.want)
		}
	}
}
