package engine_test

import (
	"cmp"
	"errors"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// booting is a node that was powered on at a time, as it is stored, in an engine
// that has seen it on since.
func booting(id string, at time.Time, arrivals *engine.Arrivals) (*engine.Engine, bos.Record) {
	r := armed(id)
	r.Status = bos.ComponentStatus{Phase: bos.PhasePoweringOn}
	r.LastAction = bos.LastAction{Action: bos.ActionPoweringOn, LastUpdated: bos.At(at)}
	r.EventStats.PowerOnAttempts = 1
	r.Work = bos.Work{ActionAt: at, FlightAt: at, InFlight: bos.EffectPowerOn, Consumed: bos.Prepared{Boot: bos.PreparedBoot(r.DesiredState.BootArtifacts)}}
	e := engine.New(engine.Settings{NoInventory: true})
	session := bos.SessionRecord{Session: bos.Session{Name: "s", Tenant: bos.TenantRef("red"), Status: bos.SessionStatus{Status: bos.SessionRunning}}}
	e.Step(at, engine.Inputs{Records: []bos.Record{r}, Sessions: []bos.SessionRecord{session}})
	seen := at.Add(time.Second)
	out := e.Step(seen, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOn, seen)}})
	arrivals.Follow(out)
	for _, stored := range out.Commit.Components {
		r = stored
		r.Revision++
	}
	return e, r
}

func report(r bos.Record, booted bos.BootArtifacts, now time.Time) bos.Record {
	token := "t"
	bos.ComponentPatch{ActualState: &bos.ActualPatch{BSSToken: &token}}.Apply(&r, &booted, now)
	return r
}

func TestANodeThatArrivesIsDecidedOnAsTheEngineWouldHave(t *testing.T) {
	const id = "x1000c0s0b0n0"
	var arrivals engine.Arrivals
	e, stored := booting(id, start, &arrivals)
	now := start.Add(time.Minute / 4)
	reported := report(stored, stored.DesiredState.BootArtifacts, now)
	reported.Revision++

	arrived := reported
	noted := arrivals.Arrive(&arrived, now, now)
	out := e.Step(now, engine.Inputs{Records: []bos.Record{reported}})
	arrivals.Follow(out)
	if len(out.Commit.Components) != 1 || len(out.Commit.Events) != 1 {
		t.Fatalf("the engine commits %+v", out.Commit)
	}
	if want := (bos.Noted{Event: out.Commit.Events[0]}); arrived != out.Commit.Components[0] || !errors.Is(noted, want) || want.Event.Tenant != "red" || arrived.Enabled {
		t.Errorf("decided\n%+v with %v\nthe engine\n%+v with %+v", arrived, noted, out.Commit.Components[0], want)
	}
	again := reported
	if arrivals.Arrive(&again, now, now) != nil {
		t.Error("decided on a node that the engine has done with")
	}
}

func TestTheEngineIsDoneWithANodeThatArrived(t *testing.T) {
	const id = "x1000c0s0b0n0"
	var arrivals engine.Arrivals
	e, stored := booting(id, start, &arrivals)
	now := start.Add(10 * time.Second)
	arrived := report(stored, stored.DesiredState.BootArtifacts, now)
	if arrivals.Arrive(&arrived, now, now) == nil {
		t.Fatal("not decided on")
	}
	arrived.Revision++
	out := e.Step(now, engine.Inputs{Records: []bos.Record{arrived}})
	if !engine.Empty(out.Commit) || len(out.Looks)+len(out.Effects) != 0 || len(out.Completions) != 1 {
		t.Errorf("%+v: nothing is left but to find the session complete", out)
	}
}

func TestWhatElseAReportTellsIsLeftToTheEngine(t *testing.T) {
	const id = "x1000c0s0b0n0"
	soon := start.Add(10 * time.Second)
	right := armed(id).DesiredState.BootArtifacts
	for name, c := range map[string]struct {
		booted bos.BootArtifacts
		later  time.Duration
		change func(*bos.Record)
		before func(*engine.Engine, *engine.Arrivals)
	}{
		"another image":             {booted: bos.BootArtifacts{Kernel: "other"}},
		"a configuration to come":   {change: func(r *bos.Record) { r.DesiredState.Configuration = "c" }},
		"disabled":                  {change: func(r *bos.Record) { r.Enabled = false }},
		"failed":                    {change: func(r *bos.Record) { r.Status.StatusOverride = bos.StatusFailed }},
		"powered on again since":    {change: func(r *bos.Record) { r.Work.ActionAt = start.Add(5 * time.Second) }},
		"to be off":                 {change: func(r *bos.Record) { r.DesiredState = bos.DesiredState{} }},
		"a reading that is too old": {later: time.Hour},
		"another node":              {change: func(r *bos.Record) { r.ID = "x1000c0s0b0n1" }},
		"its BMC is silent since": {before: func(e *engine.Engine, a *engine.Arrivals) {
			a.Follow(e.Step(soon, engine.Inputs{Readings: []bos.PowerReading{{ID: id, Symptom: bos.SymptomSilent, Asked: soon}}}))
		}},
		"its record is gone": {before: func(e *engine.Engine, a *engine.Arrivals) {
			a.Follow(e.Step(soon, engine.Inputs{Deleted: []string{id}}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var arrivals engine.Arrivals
			e, stored := booting(id, start, &arrivals)
			if c.before != nil {
				c.before(e, &arrivals)
			}
			now := soon.Add(c.later)
			reported := report(stored, cmp.Or(c.booted, right), now)
			if c.change != nil {
				c.change(&reported)
			}
			before := reported
			if noted := arrivals.Arrive(&reported, now, now); noted != nil || reported != before {
				t.Errorf("decided %+v, %v", reported, noted)
			}
		})
	}
}
