package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// TestAnOutageOfTheBMCsIsToldOnceWithItsBeginAndItsEnd: with what one of them answered.
func TestAnOutageOfTheBMCsIsToldOnceWithItsBeginAndItsEnd(t *testing.T) {
	e := engine.New(engine.Settings{NoInventory: true})
	var records []bos.Record
	var ids []string
	for i := range 8 {
		id := fmt.Sprintf("x1000c0s%db0n0", i)
		ids, records = append(ids, id), append(records, armed(id))
	}
	const answered = "no connection to the BMC for GET https://10.1.0.1/redfish/v1/Systems/Self: connection refused"
	var told []engine.Outage
	note := func(out engine.Outputs) engine.Outputs {
		if out.Outage != nil {
			told = append(told, *out.Outage)
		}
		return out
	}
	now := start
	out := note(e.Step(now, engine.Inputs{Records: records}))
	for out.Probes = ids; now.Before(start.Add(2 * time.Minute)); now = now.Add(time.Second) {
		var in engine.Inputs
		for _, id := range out.Probes {
			r := bos.PowerReading{ID: id, Symptom: bos.SymptomSilent, Detail: answered, Asked: now}
			if now.After(start.Add(time.Minute)) {
				r = reading(id, bos.PowerStateOff, now)
			}
			in.Readings = append(in.Readings, r)
		}
		in.Results = done(out)
		out = note(e.Step(now, in))
	}
	if len(told) != 2 {
		t.Fatalf("told %d times, want the begin and the end: %+v", len(told), told)
	}
	begin, end := told[0], told[1]
	if begin.Over || begin.Bad != 8 || begin.All != 8 || begin.Answer != answered || begin.Node == "" {
		t.Errorf("the begin is %+v", begin)
	}
	if !end.Over || end.For < 50*time.Second || end.For > 80*time.Second {
		t.Errorf("the end is %+v", end)
	}
}

// done answers the effects of a step.
func done(out engine.Outputs) (all []engine.Result) {
	for _, batch := range out.Effects {
		for _, id := range batch.IDs {
			all = append(all, engine.Result{Effect: batch.Effect, Token: "t", CallResult: bos.CallResult{ID: id}})
		}
	}
	return all
}

// TestADeadBMCAmongOthersIsNoOutageOfTheBMCs: nor is the moment until others have
// answered.
func TestADeadBMCAmongOthersIsNoOutageOfTheBMCs(t *testing.T) {
	e := engine.New(engine.Settings{NoInventory: true})
	dead, well := armed("x1000c0s0b0n0"), armed("x1000c0s1b0n0")
	out := e.Step(start, engine.Inputs{Records: []bos.Record{dead, well}})
	for i := range 30 {
		now := start.Add(time.Duration(i) * time.Second)
		out = e.Step(now, engine.Inputs{Results: done(out), Readings: []bos.PowerReading{
			{ID: dead.ID, Symptom: bos.SymptomSilent, Asked: now}, reading(well.ID, bos.PowerStateOff, now),
		}})
		if out.Outage != nil {
			t.Fatalf("told of an outage: %+v", *out.Outage)
		}
	}
}
