package engine_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

func TestEventsOfNodesNameTheTenantOfTheirSession(t *testing.T) {
	e := engine.New(engine.Settings{NoInventory: true})
	var in engine.Inputs
	for id, tenant := range map[string]string{"x1000c0s0b0n0": "red", "x1000c0s1b0n0": "blue"} {
		rec := armed(id)
		rec.Tenant = tenant
		rec.Work.Prepared = bos.Prepared{Boot: bos.PreparedBoot(rec.DesiredState.BootArtifacts)}
		in.Records = append(in.Records, rec)
		in.Sessions = append(in.Sessions, bos.SessionRecord{Session: bos.Session{
			Name: "s", Tenant: bos.TenantRef(tenant), Status: bos.SessionStatus{Status: bos.SessionRunning},
		}})
	}
	e.Step(start, in)
	out := e.Step(start.Add(time.Second), engine.Inputs{Readings: []bos.PowerReading{
		reading("x1000c0s0b0n0", bos.PowerStateOff, start), reading("x1000c0s1b0n0", bos.PowerStateOff, start),
	}})
	got := make(map[string]string)
	for _, ev := range out.Commit.Events {
		if ev.Session != "s" {
			t.Errorf("event %+v names no session", ev)
		}
		got[ev.Component] = ev.Tenant
	}
	if len(got) != 2 || got["x1000c0s0b0n0"] != "red" || got["x1000c0s1b0n0"] != "blue" {
		t.Errorf("tenants %v", got)
	}
}

func TestANodeThatComesBackWhileItsCallIsOutWaitsForTheAnswer(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	rec := armed(id)
	rec.Work.Prepared = bos.Prepared{Boot: bos.PreparedBoot(rec.DesiredState.BootArtifacts)}
	e.Step(start, engine.Inputs{Records: []bos.Record{rec}})
	now := start.Add(time.Second)
	out := e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, start)}})
	if len(out.Effects) != 1 {
		t.Fatalf("effects %v", out.Effects)
	}
	effect := out.Effects[0].Effect
	stored := out.Commit.Components[0]
	stored.Revision++
	off, on := stored, stored
	off.Enabled = false
	off.Revision++
	on.Revision += 2
	on.Work = on.Work.Rearmed()
	on.Work.Prepared = bos.Prepared{Boot: bos.PreparedBoot(on.DesiredState.BootArtifacts)}
	on.Status.StatusOverride = bos.StatusOnHold
	e.Step(now, engine.Inputs{Records: []bos.Record{off}})
	asked := now.Add(time.Second)
	e.Step(asked, engine.Inputs{Records: []bos.Record{on}})
	// It would be powered on again, were it not for the call that is out.
	now = asked.Add(time.Minute)
	out = e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, now.Add(-time.Second))}})
	if len(out.Effects) != 0 {
		t.Fatalf("effects %v while one is under way", out.Effects)
	}
	out = e.Step(now, engine.Inputs{Results: []engine.Result{{Effect: effect, CallResult: bos.CallResult{ID: id}}}})
	if len(out.Probes)+len(out.Effects) == 0 {
		t.Error("the work does not go on after the answer")
	}
}
