package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

const drainedNode = "x1000c0s0b0n0"

// draining is an engine that has a node of session s drained on which jobs run; the call
// is not answered.
func draining(t *testing.T) (e *engine.Engine, r bos.Record, drain bos.Effect, now time.Time) {
	t.Helper()
	e = engine.New(engine.Settings{NoInventory: true, Workload: bos.WorkloadPolicy{
		On: true, Deadline: time.Hour, ReturnDeadline: time.Hour, NotIdle: bos.NotIdleFail, Unmanaged: bos.UnmanagedFail,
	}})
	r = armed(drainedNode)
	e.Step(start, engine.Inputs{Records: []bos.Record{r}})
	now = start.Add(time.Second)
	out := e.Step(now, engine.Inputs{
		Readings:  []bos.PowerReading{reading(drainedNode, bos.PowerStateOn, start)},
		Workloads: []bos.WorkloadReading{{ID: drainedNode, State: bos.WorkloadInService, Jobs: true, Heard: true, Asked: start, Answered: now}},
	})
	if len(out.Effects) != 1 || out.Effects[0].Effect.Kind != bos.EffectDrain || len(out.Commit.Components) != 1 {
		t.Fatalf("effects %+v", out.Effects)
	}
	r = out.Commit.Components[0]
	r.Revision++
	return e, r, out.Effects[0].Effect, now
}

// released is a node that somebody took out of its work.
func released(r bos.Record) bos.Record {
	r.Work = r.Rearmed()
	r.Enabled, r.Revision = false, r.Revision+1
	return r
}

func wantReturn(t *testing.T, out engine.Outputs, mark string) {
	t.Helper()
	if len(out.Effects) != 1 || out.Effects[0].Effect != (bos.Effect{Kind: bos.EffectReturn, Reason: mark}) {
		t.Errorf("effects %+v, want the return of what is drained as %s", out.Effects, mark)
	}
	if _, ordered := out.Orders[drainedNode]; !ordered {
		t.Error("nobody says by which record it may be returned")
	}
}

func TestANodeThatIsTakenOutOfItsSessionWhileItsDrainIsUnderWayIsReturnedAfterwards(t *testing.T) {
	for name, outcome := range map[string]bos.CallOutcome{"done": bos.CallDone, "nobody knows": bos.CallUnknown} {
		e, r, drain, now := draining(t)
		if out := e.Step(now, engine.Inputs{Records: []bos.Record{released(r)}}); len(out.Effects) != 0 {
			t.Fatalf("%s: effects %+v while the drain is under way", name, out.Effects)
		}
		out := e.Step(now.Add(time.Second), engine.Inputs{Results: []engine.Result{{Effect: drain, CallResult: bos.CallResult{ID: drainedNode, Outcome: outcome}}}})
		wantReturn(t, out, "bos:s")
		out = e.Step(now.Add(2*time.Second), engine.Inputs{Results: []engine.Result{{Effect: bos.Effect{Kind: bos.EffectReturn, Reason: "bos:s"}, CallResult: bos.CallResult{ID: drainedNode}}}})
		if len(out.Effects) != 0 || !slices.Equal(out.WorkloadProbes, []string{drainedNode}) {
			t.Errorf("%s: effects %+v and questions %v once it is returned, want one whether it is", name, out.Effects, out.WorkloadProbes)
		}
	}
}

// TestANodeThatASessionHasFromAnotherAndLosesIsReturnedFromTheDrainOfTheFirst: the second
// one did nothing to it yet, as where it waits for its batch.
func TestANodeThatASessionHasFromAnotherAndLosesIsReturnedFromTheDrainOfTheFirst(t *testing.T) {
	e, r, drain, now := draining(t)
	e.Step(now, engine.Inputs{Results: []engine.Result{{Effect: drain, CallResult: bos.CallResult{ID: drainedNode}}}})
	taken := r
	taken.Work = r.Rearmed()
	taken.Session, taken.Revision = "other", r.Revision+5
	taken.Work.Batch = 2
	e.Step(now.Add(time.Second), engine.Inputs{Records: []bos.Record{taken}})
	out := e.Step(now.Add(2*time.Second), engine.Inputs{Records: []bos.Record{released(taken)}})
	wantReturn(t, out, "bos:s")
}

// TestARolloutTakesANodeWhoseFailureIsToldToItsWorkloadManagerForFailed: what is
// known of it is the same in each step until that is told, however long it takes.
func TestARolloutTakesANodeWhoseFailureIsToldToItsWorkloadManagerForFailed(t *testing.T) {
	e := engine.New(engine.Settings{NoInventory: true, Verify: true, Workload: bos.WorkloadPolicy{
		On: true, Deadline: time.Hour, ReturnDeadline: time.Hour, NotIdle: bos.NotIdleFail, Unmanaged: bos.UnmanagedFail,
	}})
	const waits = "x1000c0s0b0n1"
	s := bos.SessionRecord{Revision: 1, Session: bos.Session{Name: "s", Operation: bos.OperationReboot, Status: bos.SessionStatus{Status: bos.SessionRunning}}}
	s.Rollout = bos.NewRollout(bos.Rollout{MaxInFlight: bos.Amount{N: 1}, FailureBudget: &bos.Amount{N: 5}})
	s.Rollout.Phase = bos.RolloutRunning
	s.Rollout.Batches = []bos.RolloutBatch{{Name: "batch 1", Nodes: drainedNode + "," + waits, Count: 2}}
	failed, queued := armed(drainedNode), armed(waits)
	failed.Status.StatusOverride, failed.Work.Cause = bos.StatusFailed, bos.CauseBootTimeout
	failed.Work.Batch, failed.Work.Admitted, failed.Work.Drain = 1, start, bos.Drain{Since: start, Ready: true, Ours: true}
	queued.Work.Batch = 1
	out := e.Step(start, engine.Inputs{Sessions: []bos.SessionRecord{s}, Records: []bos.Record{failed, queued}, Rollouts: []engine.RolloutFacts{{Key: s.Key()}}})
	if len(out.Effects) != 1 || out.Effects[0].Effect.Kind != bos.EffectReword {
		t.Fatalf("effects %+v, want the reason of the drain told", out.Effects)
	}
	s.Paused = bos.NewBrake("lunch", "alice", start)
	for i := range 3 {
		now := start.Add(time.Duration(i+1) * time.Second)
		s.Revision++
		e.Step(now, engine.Inputs{Sessions: []bos.SessionRecord{s}, Readings: []bos.PowerReading{reading(waits, bos.PowerStateOn, now)}})
	}
}
