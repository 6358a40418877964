package engine_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// A node whose port is the proof of its boot: it is asked before the power-on, which
// keeps that it was missing, and the node is done once it answers. The history names the
// proof.
func TestANodeIsDoneWhenTheProofOfItsBootIsThere(t *testing.T) {
	const id = "x1000c0s0b0n0"
	tcp := bos.BootProof{Kind: bos.ProofTCP, Port: 22}
	e := engine.New(engine.Settings{NoInventory: true, BootProof: tcp, Proofs: true})
	boot := e.Step(start, engine.Inputs{Records: []bos.Record{armed(id)}}).Effects[0].Effect
	now := start.Add(time.Second)
	out := e.Step(now, engine.Inputs{
		Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, start)},
		Results:  []engine.Result{{Effect: boot, Token: "t", CallResult: bos.CallResult{ID: id}}},
	})
	if len(out.Effects) != 0 || len(out.ProofProbes) != 1 || out.ProofProbes[0] != (bos.ProofAsk{ID: id, Proof: tcp}) {
		t.Fatalf("effects %v and questions %v, want the question alone", out.Effects, out.ProofProbes)
	}
	proof := func(sight bos.ProofSight) []bos.ProofReading {
		return []bos.ProofReading{{ID: id, Proof: tcp, Sight: sight, Asked: now, Answered: now}}
	}
	out = e.Step(now, engine.Inputs{Proofs: proof(bos.ProofAbsent)})
	if len(out.Effects) != 1 || len(out.ProofProbes) != 0 || len(out.Commit.Components) != 1 || !out.Commit.Components[0].Work.Attempt.Missed(tcp) {
		t.Fatalf("effects %v, stored %+v, want the power-on with the proof noted as missing: after a restart it would never count", out.Effects, out.Commit.Components)
	}
	on := out.Effects[0].Effect
	now = now.Add(time.Second)
	e.Step(now, engine.Inputs{Results: []engine.Result{{Effect: on, CallResult: bos.CallResult{ID: id}}}})
	now = now.Add(time.Second)
	out = e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOn, now)}})
	asked := len(out.ProofProbes)
	for ; asked == 0 && !out.Wake.IsZero() && out.Wake.Before(start.Add(10*time.Minute)); asked = len(out.ProofProbes) {
		now = out.Wake
		out = e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOn, now)}})
	}
	if asked != 1 {
		t.Fatalf("asked %d times for the proof while the node boots", asked)
	}
	now = now.Add(time.Second)
	out = e.Step(now, engine.Inputs{Proofs: proof(bos.ProofPresent), Readings: []bos.PowerReading{reading(id, bos.PowerStateOn, now)}})
	if n := len(out.Commit.Components); n != 1 || out.Commit.Components[0].Enabled || out.Commit.Components[0].ActualState.BootArtifacts.Kernel != "k" {
		t.Fatalf("stored %+v", out.Commit.Components)
	}
	named := false
	for _, event := range out.Commit.Events {
		named = named || event.Kind == "boot_proven" && event.Detail == "tcp:22"
	}
	if !named {
		t.Errorf("the history says %+v", out.Commit.Events)
	}
}

// A BMC that answers now and then leaves nobody waiting for another machine at the
// address of its node to go.
func TestANodeWhoseBMCAnswersNowAndThenDoesNotWaitForItsProofForEver(t *testing.T) {
	const id = "x1000c0s0b0n0"
	tcp := bos.BootProof{Kind: bos.ProofTCP, Port: 22}
	e := engine.New(engine.Settings{NoInventory: true, BootProof: tcp, Proofs: true})
	options := bos.DefaultOptions()
	options.PollingFrequency = 5
	boot := e.Step(start, engine.Inputs{Options: &options, Records: []bos.Record{armed(id)}}).Effects[0].Effect
	in := engine.Inputs{
		Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, start)},
		Results:  []engine.Result{{Effect: boot, Token: "t", CallResult: bos.CallResult{ID: id}}},
	}
	answers := 0
	for now := start.Add(time.Second); now.Before(start.Add(5 * time.Minute)); {
		out := e.Step(now, in)
		for _, w := range out.Effects {
			if w.Effect.Kind == bos.EffectPowerOn {
				if waited := now.Sub(start); waited < 10*time.Second {
					t.Errorf("it is powered on after %s as if nothing was wrong", waited)
				}
				return
			}
		}
		in = engine.Inputs{}
		for _, ask := range out.ProofProbes {
			in.Proofs = append(in.Proofs, bos.ProofReading{ID: ask.ID, Proof: tcp, Sight: bos.ProofPresent, Asked: now, Answered: now})
		}
		if len(out.Probes) > 0 {
			answers++
			r := reading(id, bos.PowerStateOff, now)
			if answers%2 == 1 {
				r = bos.PowerReading{ID: id, Symptom: bos.SymptomSilent, Asked: now, Answered: now}
			}
			in.Readings = append(in.Readings, r)
		}
		next := now.Add(time.Second)
		if len(in.Proofs)+len(in.Readings) == 0 && out.Wake.After(next) {
			next = out.Wake
		}
		now = next
	}
	t.Errorf("it is not powered on after %d answers of its BMC, half of which say that it is off", answers)
}
