package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// TestANodeIsAskedForItsPowerOnceAtATimeWhetherItIsInWorkOrNot: a BMC that hangs
// would otherwise be given one question more each time that witnesses are called.
func TestANodeIsAskedForItsPowerOnceAtATimeWhetherItIsInWorkOrNot(t *testing.T) {
	const silent, witness = "x1000c0s0b0n0", "x1000c0s1b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	rec := armed(witness)
	out := e.Step(start, engine.Inputs{Records: []bos.Record{armed(silent), rec}})
	rec.Enabled, rec.Revision = false, 2
	in := answer(out, start)
	in.Records = []bos.Record{rec}
	now := start.Add(time.Second)
	out = e.Step(now, in)
	for !slices.Contains(out.Probes, witness) {
		if out.Wake.IsZero() || out.Wake.After(start.Add(time.Hour)) {
			t.Fatal("no witness is called")
		}
		now = out.Wake
		out = e.Step(now, answer(out, now))
	}
	asked := now
	for now.Before(asked.Add(time.Minute)) {
		now = out.Wake
		in := answer(out, now)
		in.Readings = slices.DeleteFunc(in.Readings, func(r bos.PowerReading) bool { return r.ID == witness })
		if out = e.Step(now, in); slices.Contains(out.Probes, witness) {
			t.Fatalf("asked again after %s without an answer", now.Sub(asked))
		}
	}
	rec.Enabled, rec.Revision = true, 3
	if out = e.Step(now, engine.Inputs{Records: []bos.Record{rec}}); slices.Contains(out.Probes, witness) {
		t.Error("asked again by being enabled")
	}
	in = answer(out, now)
	in.Readings = append(in.Readings, reading(witness, bos.PowerStateOn, asked))
	out = e.Step(now, in)
	if !slices.Contains(out.Probes, witness) {
		t.Errorf("probes %v: the answer is from before the node was enabled", out.Probes)
	}
}

// answer is what comes of a step where boot parameters are stored and BMCs keep
// silent.
func answer(out engine.Outputs, asked time.Time) engine.Inputs {
	var in engine.Inputs
	for _, id := range out.Probes {
		in.Readings = append(in.Readings, bos.PowerReading{ID: id, Symptom: bos.SymptomSilent, Asked: asked})
	}
	for _, b := range out.Effects {
		for _, id := range b.IDs {
			in.Results = append(in.Results, engine.Result{Effect: b.Effect, Token: "t", CallResult: bos.CallResult{ID: id}})
		}
	}
	return in
}
