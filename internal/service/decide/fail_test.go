package decide

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// failing is a node that meets the same trouble until it is given up.
type failing struct {
	// path is the function that gives it up.
	path   string
	record func(*bos.Record)
	// on says whether it starts with power; changes whether an accepted
	// action changes it.
	on, changes bool
	// result answers an effect; nil answers it as done.
	result func(bos.EffectKind) bos.CallResult
	// reading and verdict replace a good reading of the power.
	reading bos.PowerReading
	verdict Verdict
	// configuration is what the configuration service says.
	configuration bos.ConfigurationReading
	configures    bool
	// observed is what else is known of the node.
	observed func(bos.Record, *Observation, time.Time)
	cause    bos.Cause
	text     string
	// managed says that there is a workload manager, which says workload; checked that
	// there is a health check, which says health.
	managed, checked bool
	workload         bos.WorkloadReading
	health           bos.HealthReading
}

func refusing(kind bos.EffectKind, cause bos.Cause, detail string) func(bos.EffectKind) bos.CallResult {
	return func(k bos.EffectKind) bos.CallResult {
		if k == kind {
			return bos.CallResult{Outcome: bos.CallRefused, Cause: cause, Detail: detail}
		}
		return bos.CallResult{}
	}
}

func unconfirmed(k bos.EffectKind) bos.CallResult {
	if k == bos.EffectPowerOn {
		return bos.CallResult{Outcome: bos.CallUnknown}
	}
	return bos.CallResult{}
}

func silence(symptom bos.Symptom, cause bos.Cause) bos.PowerReading {
	return bos.PowerReading{Symptom: symptom, Cause: cause, Detail: "it said so"}
}

func boots(other string) func(*bos.Record) {
	return func(r *bos.Record) {
		r.DesiredState.Configuration = "c"
		r.ActualState.BootArtifacts = r.DesiredState.BootArtifacts
		if other != "" {
			r.ActualState.BootArtifacts.Kernel = other
		}
	}
}

var failures = map[string]failing{
	"a rollout gives no more time":       {path: "within", on: true, observed: func(_ bos.Record, o *Observation, _ time.Time) { o.Gate.Deadline = noon.Add(time.Minute) }, cause: bos.CauseHealthyDeadline, text: "within the healthy_deadline"},
	"a power-on is ignored":              {path: "beforeActing", cause: bos.CauseResetIgnored, text: "still off max_power_on_wait_time"},
	"a power-on is refused":              {path: "beforeActing", result: refusing(bos.EffectPowerOn, bos.CauseResetRefused, "no AC"), cause: bos.CauseResetRefused, text: "no AC"},
	"a power-on is refused wordlessly":   {path: "beforeActing", result: refusing(bos.EffectPowerOn, "", ""), cause: bos.CauseResetRefused, text: "refused the reset"},
	"the credentials are wrong":          {path: "beforeActing", result: refusing(bos.EffectPowerOn, bos.CauseBMCAuth, "401"), cause: bos.CauseBMCAuth, text: "401"},
	"a power-on is never answered":       {path: "beforeActing", result: unconfirmed, cause: bos.CauseResetUnconfirmed, text: "nobody said what became of it"},
	"the BMC is busy for ever":           {path: "beforeActing", result: busy(""), cause: bos.CauseBMCError, text: "has not taken a power-on for max_unreachable_time (10m0s): its BMC answers with errors; reset the BMC or read its log (last answer: come back later)"},
	"the BMC is busy for ever, if on":    {path: "beforeActing", on: true, result: busy(""), cause: bos.CauseBMCError, text: "has not taken a forced power-off"},
	"the BMC cannot power on":            {path: "beforeActing", result: unsupporting, cause: bos.CauseResetRefused, text: "offers no On"},
	"BSS refuses":                        {path: "beforeActing", result: refusing(bos.EffectWriteBoot, "", ""), cause: bos.CauseBootParameters, text: "BSS refused"},
	"a boot never reports":               {path: "beforeActing", changes: true, cause: bos.CauseBootTimeout, text: "no report of a boot"},
	"a boot fetches no script":           {path: "beforeActing", changes: true, observed: fetched(0, 0), cause: bos.CauseNoBootScript, text: "no request of it for its boot script"},
	"a boot cannot load its image":       {path: "beforeActing", changes: true, observed: fetched(4, 3), cause: bos.CauseImageNotLoaded, text: "(kernel k, initrd i)"},
	"a boot restarts":                    {path: "beforeActing", changes: true, observed: fetched(3, 0), cause: bos.CauseBootRestarts, text: "(it was given the script 3 times)"},
	"a boot is loaded and hangs":         {path: "beforeActing", changes: true, observed: fetched(1, 0), cause: bos.CauseNoReport, text: "nothing was heard of it since"},
	"a boot is loaded at last, hangs":    {path: "beforeActing", changes: true, observed: loadedLate, cause: bos.CauseNoReport, text: "nothing was heard of it since"},
	"a boot loses its power":             {path: "beforeActing", changes: true, observed: goesOff, cause: bos.CausePowerLost, text: "off again after power-on 3"},
	"the wrong image boots":              {path: "beforeActing", on: true, record: ranOther, cause: bos.CauseWrongImage, text: "runs kernel other instead of k"},
	"a power-off is ignored":             {path: "beforeActing", on: true, cause: bos.CausePowerOffTimeout, text: "still on max_power_off_wait_time"},
	"no attempts are allowed":            {path: "beforeActing", record: func(r *bos.Record) { none := 0; r.RetryPolicy = &none }, cause: bos.CauseRetriesExhausted, text: "all 0 power-on attempts"},
	"CFS refuses it before the boot":     {path: "beforeActing", configures: true, record: boots("x"), result: refusing(bos.EffectConfigure, "", "no such configuration"), cause: bos.CauseConfiguration, text: "no such configuration"},
	"the BMC is silent":                  {path: "hold", reading: silence(bos.SymptomSilent, ""), verdict: verdicts[ExtentBMC][bos.SymptomSilent], cause: bos.CauseBMCUnreachable, text: "gave up on x1000c0s0b0"},
	"the chassis is silent":              {path: "hold", reading: silence(bos.SymptomSilent, ""), verdict: verdicts[ExtentChassis][bos.SymptomSilent], cause: bos.CauseChassisUnreachable, text: "gave up"},
	"the BMC answers with errors":        {path: "hold", reading: silence(bos.SymptomRefusing, ""), verdict: verdicts[ExtentBMC][bos.SymptomRefusing], cause: bos.CauseBMCError, text: "it said so"},
	"the BMC rejects the user":           {path: "hold", reading: silence(bos.SymptomRefusing, bos.CauseBMCAuth), verdict: verdicts[ExtentBMC][bos.SymptomRefusing], cause: bos.CauseBMCAuth, text: "rejects the credentials"},
	"the power state is outdated":        {path: "hold", reading: silence(bos.SymptomStale, ""), verdict: verdicts[ExtentBMC][bos.SymptomStale], cause: bos.CausePowerStale, text: "outdated"},
	"its power is neither on nor off":    {path: "hold", reading: silence(bos.SymptomChanging, ""), cause: bos.CausePowerUndetermined, text: "neither on nor off, so it is not reset"},
	"power control does not know it":     {path: "hold", reading: silence(bos.SymptomNone, ""), cause: bos.CauseUnknownToPower, text: "not which system of its BMC"},
	"it goes off for ever":               {path: "waitForOff", record: boots(""), reading: bos.PowerReading{State: bos.PowerStatePoweringOff}, cause: bos.CausePowerUndetermined, text: "that it is powering off"},
	"there is no configuration service":  {path: "configure", on: true, record: boots(""), cause: bos.CauseConfiguration, text: "no configuration service"},
	"its configuration fails":            {path: "configure", on: true, configures: true, record: boots(""), configuration: bos.ConfigurationReading{Desired: "c", Status: "failed"}, cause: bos.CauseConfiguration, text: "cfs configuration failed"},
	"CFS does not know it":               {path: "holdConfiguration", on: true, configures: true, record: boots(""), configuration: bos.ConfigurationReading{Missing: true}, cause: bos.CauseUnknownToConfiguration, text: "does not know it"},
	"jobs do not end":                    {path: "notIdle", on: true, managed: true, workload: bos.WorkloadReading{State: bos.WorkloadDrained, Mark: "bos:s", Jobs: true, Detail: "MIXED+DRAIN"}, cause: bos.CauseStillBusy, text: "jobs still ran on it"},
	"the manager has no such node":       {path: "drainFirst", on: true, managed: true, workload: bos.WorkloadReading{State: bos.WorkloadAbsent}, cause: bos.CauseUnmanaged, text: "the workload manager does not know it"},
	"the manager does not answer":        {path: "drainFirst", on: true, managed: true, workload: bos.WorkloadReading{Detail: "no route"}, cause: bos.CauseWorkloadManager, text: "no route"},
	"a drain is not seen":                {path: "drainInTime", on: true, managed: true, workload: bos.WorkloadReading{State: bos.WorkloadDrained, Mark: "bos:another"}, cause: bos.CauseWorkloadManager, text: "it is not drained for its session"},
	"the manager does not take it back":  {path: "takeBack", on: true, managed: true, record: plain, workload: bos.WorkloadReading{State: bos.WorkloadDrained, Mark: "bos:s", Detail: "DOWN+DRAIN"}, cause: bos.CauseNotTakenBack, text: "DOWN+DRAIN"},
	"it is never healthy":                {path: "waitForHealth", on: true, checked: true, record: plain, health: bos.HealthReading{Verdict: bos.Unhealthy, Detail: "lustre is not mounted"}, cause: bos.CauseUnhealthy, text: "lustre is not mounted"},
	"nobody knows whether it is healthy": {path: "waitForHealth", on: true, checked: true, record: plain, health: bos.HealthReading{Detail: "exit status 3"}, cause: bos.CauseUnhealthy, text: "exit status 3"},
	"CFS refuses it while it runs":       {path: "setConfiguration", on: true, configures: true, record: boots(""), configuration: bos.ConfigurationReading{Desired: "old"}, result: refusing(bos.EffectConfigure, "", "no such configuration"), cause: bos.CauseConfiguration, text: "no such configuration"},
}

// plain is a node that runs what it shall and has no configuration.
func plain(r *bos.Record) { r.ActualState.BootArtifacts = r.DesiredState.BootArtifacts }

// ranOther is a node that was powered on for the last time and has reported
// another kernel.
func ranOther(r *bos.Record) {
	r.ActualState.BootArtifacts.Kernel = "other"
	calledFor(r, bos.ActionPoweringOn, noon.Add(-time.Second))
	r.EventStats.PowerOnAttempts = 3
}

// fetched is a node that keeps fetching its boot script.
func fetched(times, again int) func(bos.Record, *Observation, time.Time) {
	return func(r bos.Record, o *Observation, now time.Time) {
		o.Scripted = true
		if times > 0 {
			o.Trail = bos.Trail{Token: r.DesiredState.BSSToken, Fetched: times, Again: again, Last: now.Add(-time.Minute)}
		}
	}
}

// loadedLate is a node that could not load its image for a while.
func loadedLate(r bos.Record, o *Observation, now time.Time) {
	fetched(2, 1)(r, o, now)
	o.Trail.Last = r.Work.Attempt.At.Add(time.Minute)
}

// goesOff is a node that is on for a few seconds, and then off.
func goesOff(r bos.Record, o *Observation, _ time.Time) {
	if !r.Work.Called(bos.EffectPowerOn) {
		return
	}
	o.SeenOn = r.Work.Attempt.At.Add(10 * time.Second)
	if o.Power.Asked.After(o.SeenOn) {
		o.Power.State = bos.PowerStateOff
	}
}

// untilGivenUp lets a node meet its trouble, at the times it asks for.
func (f failing) untilGivenUp(t *testing.T) bos.Record {
	t.Helper()
	p := bos.DefaultOptions().Policy()
	p.Configures = f.configures
	p.Workload = bos.WorkloadPolicy{On: f.managed, Deadline: time.Hour, ReturnDeadline: time.Hour, NotIdle: bos.NotIdleFail, Unmanaged: bos.UnmanagedFail}
	p.Health = bos.HealthPolicy{On: f.checked, Deadline: time.Hour}
	r := bos.Record{Goal: bos.GoalBoot, Component: bos.Component{
		ID: "x1000c0s0b0n0", Enabled: true, Session: "s",
		DesiredState: bos.DesiredState{BootArtifacts: bos.BootArtifacts{Kernel: "k", Initrd: "i"}},
		LastAction:   bos.LastAction{Action: bos.ActionSessionSetup}, Status: bos.ComponentStatus{StatusOverride: bos.StatusOnHold},
	}}
	if f.record != nil {
		f.record(&r)
	}
	now, on := noon, f.on
	for range 1000 {
		o := Observation{Power: f.reading, Verdict: f.verdict, Elapsed: 15 * time.Second, ConfigurationElapsed: 15 * time.Second, Configuration: f.configuration}
		if f.reading == (bos.PowerReading{}) {
			o.Power.State = map[bool]bos.PowerState{true: bos.PowerStateOn, false: bos.PowerStateOff}[on]
		}
		o.Power.Asked, o.Configuration.Asked = now, now
		o.Workload, o.Health = f.workload, f.health
		o.Workload.Asked, o.Workload.Answered, o.Health.Asked, o.Health.Answered = now, now, now, now
		if f.observed != nil {
			f.observed(r, &o, now)
		}
		d := Decide(r, o, p, now)
		r = d.Next
		if !r.Enabled {
			return r
		}
		res := bos.CallResult{}
		if f.result != nil {
			res = f.result(d.Effect.Kind)
		}
		switch d.Effect.Kind {
		case bos.EffectNone:
		case bos.EffectWriteBoot:
			r = SettleBoot(r, d.Effect.Artifacts, "t", res, now)
		case bos.EffectConfigure:
			r = SettleConfigure(r, d.Effect.Configuration, res, now)
		case bos.EffectDrain, bos.EffectReword, bos.EffectReturn:
			r = SettleWorkload(r, d.Effect, res, now)
		default:
			r = Settle(r, d.Effect, res, now)
			if res.Outcome == bos.CallDone && f.changes {
				on = d.Effect.Kind == bos.EffectPowerOn
			}
		}
		now = now.Add(time.Second)
		if d.Probe.After(now) {
			now = d.Probe
		}
	}
	t.Fatalf("never given up: %+v", r)
	return r
}

func TestEveryWayToFailNamesItsCause(t *testing.T) {
	known := make(map[bos.Cause]bool)
	for _, c := range bos.Causes() {
		known[c] = true
	}
	for name, f := range failures {
		t.Run(name, func(t *testing.T) {
			r := f.untilGivenUp(t)
			if r.Status.StatusOverride != bos.StatusFailed || r.Work.Cause != f.cause || !known[r.Work.Cause] {
				t.Errorf("status %q, cause %q; want it failed with %q", r.DeriveStatus(), r.Work.Cause, f.cause)
			}
			if !strings.Contains(r.Error, f.text) {
				t.Errorf("error %q, want it to say %q", r.Error, f.text)
			}
		})
	}
}

// TestEveryCallOfFailIsAmongTheFailures reads the package: whoever adds a way to
// fail adds a failure.
func TestEveryCallOfFailIsAmongTheFailures(t *testing.T) {
	covered := make(map[string]int)
	for _, f := range failures {
		covered[f.path]++
	}
	calls := make(map[string]int)
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				ast.Inspect(fn, func(n ast.Node) bool {
					if call, ok := n.(*ast.CallExpr); ok {
						if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "fail" {
							calls[fn.Name.Name]++
						}
					}
					return true
				})
			}
		}
	}
	if len(calls) == 0 {
		t.Fatal("no call of fail was found")
	}
	for name, n := range calls {
		if covered[name] < n {
			t.Errorf("%s gives a node up in %d places, %d of them among the failures", name, n, covered[name])
		}
	}
}

// busy is a BMC that asks to come back later, whatever power action it is given.
func busy(cause bos.Cause) func(bos.EffectKind) bos.CallResult {
	return func(k bos.EffectKind) bos.CallResult {
		if k.PowerOp() == "" {
			return bos.CallResult{}
		}
		return bos.CallResult{Outcome: bos.CallBusy, Cause: cmp.Or(cause, bos.CauseBMCError), Detail: "come back later"}
	}
}

func unsupporting(k bos.EffectKind) bos.CallResult {
	if k == bos.EffectPowerOn {
		return bos.CallResult{Outcome: bos.CallUnsupported, Detail: "it offers no On"}
	}
	return bos.CallResult{}
}
