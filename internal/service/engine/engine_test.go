package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func armed(id string) bos.Record {
	return bos.Record{Revision: 1, Goal: bos.GoalBoot, Component: bos.Component{
		ID: id, Enabled: true, Session: "s",
		DesiredState: bos.DesiredState{BootArtifacts: bos.BootArtifacts{Kernel: "k", Initrd: "i", KernelParameters: "p"}},
		Status:       bos.ComponentStatus{StatusOverride: bos.StatusOnHold},
		LastAction:   bos.LastAction{Action: bos.ActionSessionSetup},
	}}
}

func reading(id string, state bos.PowerState, asked time.Time) bos.PowerReading {
	return bos.PowerReading{ID: id, State: state, Asked: asked}
}

func TestAnArmedNodeIsProbedWhileItsBootParametersAreStoredAndThenGetsItsPower(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	out := e.Step(start, engine.Inputs{Records: []bos.Record{armed(id)}})
	if len(out.Probes) != 1 || len(out.Effects) != 1 || out.Effects[0].Effect.Kind != bos.EffectWriteBoot {
		t.Fatalf("probes %v, effects %v, want a probe and the boot parameters", out.Probes, out.Effects)
	}
	boot := out.Effects[0].Effect
	now := start.Add(time.Second)
	out = e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, start)}})
	if len(out.Effects) != 0 {
		t.Fatalf("effects %v before the boot parameters are known to be stored", out.Effects)
	}
	out = e.Step(now, engine.Inputs{Results: []engine.Result{{Effect: boot, Token: "t", CallResult: bos.CallResult{ID: id}}}})
	if got := out.Commit.Tokens["t"]; got.Kernel != "k" {
		t.Errorf("token stands for %+v, want the artifacts, in the commit before the power-on", got)
	}
	if len(out.Effects) != 1 || out.Effects[0].Effect.Kind != bos.EffectPowerOn {
		t.Fatalf("effects %v, want the power-on", out.Effects)
	}
	written := out.Commit.Components[0]
	if written.EventStats.PowerOnAttempts != 1 || written.Work.Flight.Kind != bos.EffectPowerOn {
		t.Errorf("stored %+v: the attempt is counted before the call", written)
	}
}

func TestThatBootParametersAreStoredIsWrittenWithWhatTheProbeThatIsOutLeadsTo(t *testing.T) {
	const id = "x1000c0s0b0n0"
	for state, effect := range map[bos.PowerState]bos.EffectKind{bos.PowerStateOff: bos.EffectPowerOn, bos.PowerStateUnknown: bos.EffectNone} {
		e := engine.New(engine.Settings{NoInventory: true})
		boot := e.Step(start, engine.Inputs{Records: []bos.Record{armed(id)}}).Effects[0].Effect
		now := start.Add(time.Second)
		out := e.Step(now, engine.Inputs{Results: []engine.Result{{Effect: boot, Token: "t", CallResult: bos.CallResult{ID: id}}}})
		if len(out.Commit.Components) != 0 || len(out.Commit.Tokens) != 1 {
			t.Errorf("commits %+v while the probe is out, want the token alone", out.Commit)
		}
		answer := reading(id, state, start)
		if state == bos.PowerStateUnknown {
			answer.Symptom = bos.SymptomSilent
		}
		out = e.Step(now, engine.Inputs{Readings: []bos.PowerReading{answer}})
		if len(out.Commit.Components) != 1 || out.Commit.Components[0].DesiredState.BSSToken != "t" {
			t.Errorf("%s: commits %+v, want the record with its token", state, out.Commit)
		}
		if effect == bos.EffectNone != (len(out.Effects) == 0) {
			t.Errorf("%s: effects %v", state, out.Effects)
		}
	}
}

// TestAReadingOfBeforeANodeWasArmedIsNotActedOn: its power may have changed since, by the
// hand of whoever had it before.
func TestAReadingOfBeforeANodeWasArmedIsNotActedOn(t *testing.T) {
	const id = "x1000c0s0b0n0"
	for _, again := range []bool{false, true} {
		e := engine.New(engine.Settings{NoInventory: true})
		r := armed(id)
		r.Goal, r.DesiredState = bos.GoalOff, bos.DesiredState{}
		e.Step(start, engine.Inputs{Records: []bos.Record{r}})
		since := start
		if again { // while the question is out, by another session
			r.Session, r.Revision, since = "other", 2, start.Add(time.Second)
			e.Step(since, engine.Inputs{Records: []bos.Record{r}})
		}
		now := since.Add(time.Second)
		out := e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOn, since.Add(-time.Millisecond))}})
		if len(out.Effects) > 0 || len(out.Probes) != 1 {
			t.Errorf("armed again %t: effects %v, probes %v, want a new probe alone", again, out.Effects, out.Probes)
		}
		out = e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOn, now)}})
		if len(out.Effects) != 1 || out.Effects[0].Effect.Kind != bos.EffectPowerOffGraceful {
			t.Errorf("armed again %t: effects %v, want the power-off by what is read now", again, out.Effects)
		}
	}
}

func TestNoPowerActionIsStartedOnAnUnknownPowerState(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	e.Step(start, engine.Inputs{Records: []bos.Record{armed(id)}})
	now := start
	for range 50 {
		silent := bos.PowerReading{ID: id, Symptom: bos.SymptomSilent, Asked: now}
		now = now.Add(time.Minute)
		out := e.Step(now, engine.Inputs{Readings: []bos.PowerReading{silent}})
		for _, b := range out.Effects {
			if b.Effect.Kind.PowerOp() != "" {
				t.Fatalf("effects %v on a silent BMC", out.Effects)
			}
		}
		for _, c := range out.Commit.Components {
			if c.Status.StatusOverride == bos.StatusFailed {
				t.Fatal("failed although no other BMC proves that this one is alone")
			}
		}
	}
}

func TestAnEffectWhoseRecordWasOvertakenIsTakenBack(t *testing.T) {
	batches := []decide.Batch{{Effect: bos.Effect{Kind: bos.EffectPowerOn}, IDs: []string{"a", "b"}}}
	kept, dropped := engine.Survivors(batches, []string{"b"})
	if len(kept) != 1 || len(kept[0].IDs) != 1 || kept[0].IDs[0] != "a" || len(dropped) != 1 || dropped[0] != "b" {
		t.Errorf("kept %v, dropped %v", kept, dropped)
	}
}

func TestASessionCompletesWhenItsLastNodeIsDone(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	session := bos.SessionRecord{Session: bos.Session{Name: "s", Status: bos.SessionStatus{Status: bos.SessionRunning, StartTime: bos.At(start)}}}
	rec := armed(id)
	rec.ActualState.BootArtifacts = rec.DesiredState.BootArtifacts
	e.Step(start, engine.Inputs{Records: []bos.Record{rec}, Sessions: []bos.SessionRecord{session}})
	now := start.Add(time.Second)
	out := e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOn, start)}})
	if len(out.Completions) != 1 {
		t.Fatalf("completions %v, want the session to be checked", out.Completions)
	}
	done := out.Commit.Components[0]
	done.Revision++
	out = e.Step(now, engine.Inputs{Completions: []engine.CompletionFacts{{Key: session.Key(), Tally: bos.TallyOf("s", []bos.Record{done})}}})
	if len(out.Commit.Sessions) != 1 || out.Commit.Sessions[0].Status.Status != bos.SessionComplete || out.Commit.Sessions[0].Extended.PercentSuccessful != 100 {
		t.Errorf("sessions %+v, want the session complete with its status saved", out.Commit.Sessions)
	}
}

func TestAStagedSessionCompletesOnceItsNodesAreAppliedAndDoneWhetherTheStageIsClearedOrNot(t *testing.T) {
	const id = "x1000c0s0b0n0"
	for _, clearStage := range []bool{false, true} {
		e := engine.New(engine.Settings{NoInventory: true})
		session := bos.SessionRecord{Session: bos.Session{
			Name: "s", Operation: bos.OperationBoot, Stage: true, Components: id,
			Status: bos.SessionStatus{Status: bos.SessionRunning, StartTime: bos.At(start)},
		}}
		rec := bos.Record{Revision: 1, Component: bos.Component{ID: id, StagedState: bos.StagedState{
			Session: "s", BootArtifacts: bos.BootArtifacts{Kernel: "k", Initrd: "i", KernelParameters: "p"},
		}}}
		now := start
		out := e.Step(now, engine.Inputs{Records: []bos.Record{rec}, Sessions: []bos.SessionRecord{session}})
		if len(out.Probes) != 0 || len(out.Completions) != 1 {
			t.Fatalf("probes %v, completions %v: what is staged is left alone", out.Probes, out.Completions)
		}
		out = e.Step(now, engine.Inputs{Completions: []engine.CompletionFacts{{Key: session.Key(), Tally: bos.TallyOf("s", []bos.Record{rec})}}})
		if len(out.Commit.Sessions) != 0 {
			t.Fatal("a session is complete whose node still waits to be applied")
		}

		now = now.Add(time.Minute)
		rec.Revision++
		if !bos.ApplyStaged(&rec, &session.Session, clearStage, now) {
			t.Fatal(rec.Error)
		}
		rec.ActualState.BootArtifacts = rec.DesiredState.BootArtifacts
		out = e.Step(now, engine.Inputs{Records: []bos.Record{rec}})
		if len(out.Probes) != 1 {
			t.Fatalf("probes %v: what was applied is worked on", out.Probes)
		}
		asked := now
		now = now.Add(time.Second)
		out = e.Step(now, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOn, asked)}})
		if len(out.Completions) != 1 {
			t.Fatalf("completions %v", out.Completions)
		}
		done := out.Commit.Components[0]
		done.Revision++
		if done.Enabled {
			t.Fatalf("%+v", done)
		}
		out = e.Step(now, engine.Inputs{Completions: []engine.CompletionFacts{{Key: session.Key(), Tally: bos.TallyOf("s", []bos.Record{done})}}})
		if len(out.Commit.Sessions) != 1 || out.Commit.Sessions[0].Status.Status != bos.SessionComplete {
			t.Errorf("with clear_stage %t the session never completes: %+v", clearStage, out.Commit.Sessions)
		}
	}
}

func TestASessionIsNotCompleteWhileOneOfItsNodesIsInWork(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	session := bos.SessionRecord{Session: bos.Session{
		Name: "s", Status: bos.SessionStatus{Status: bos.SessionRunning, StartTime: bos.At(start)},
	}}
	other := session
	other.Tenant = bos.TenantRef("blue")
	over := engine.CompletionFacts{Key: session.Key()}
	e.Step(start, engine.Inputs{Sessions: []bos.SessionRecord{session, other}})
	// Its nodes were counted, and then one was enabled again.
	out := e.Step(start, engine.Inputs{Records: []bos.Record{armed(id)}, Completions: []engine.CompletionFacts{over, {Key: other.Key()}}})
	if len(out.Commit.Sessions) != 1 || out.Commit.Sessions[0].Key() != other.Key() {
		t.Errorf("sessions %+v end, want that of the other tenant, whose node is done", out.Commit.Sessions)
	}
	done := armed(id)
	done.Enabled, done.Revision = false, 2
	if out = e.Step(start, engine.Inputs{Records: []bos.Record{done}}); len(out.Completions) != 1 {
		t.Errorf("completions %v: the session is counted again when the node is done", out.Completions)
	}
	if out = e.Step(start, engine.Inputs{Completions: []engine.CompletionFacts{over}}); len(out.Commit.Sessions) != 1 {
		t.Errorf("sessions %+v, want the session complete", out.Commit.Sessions)
	}
}

func TestSetupsAreGatheredInFewRoundsAndNeverForASessionThatIsNoMore(t *testing.T) {
	e := engine.New(engine.Settings{NoInventory: true})
	pending := func(name string, revision int64) bos.SessionRecord {
		return bos.SessionRecord{Revision: revision, Session: bos.Session{Name: name, Status: bos.SessionStatus{Status: bos.SessionPending, StartTime: bos.At(start)}}}
	}
	asked := 0
	var last engine.Outputs
	for i := range 10 {
		last = e.Step(start, engine.Inputs{Sessions: []bos.SessionRecord{pending(fmt.Sprint("s", i), int64(i+1))}})
		asked += len(last.Setups)
	}
	if asked != 4 || !last.Wake.IsZero() && !last.Wake.After(start) {
		t.Fatalf("%d sessions gather at once; the engine wakes at %s, and there is nothing to do", asked, last.Wake)
	}
	// A session of the same name takes the place of one whose facts are under way.
	e.Step(start, engine.Inputs{Sessions: []bos.SessionRecord{pending("s0", 100)}})
	old := engine.SetupFacts{Key: bos.SessionKey{Name: "s0"}, Revision: 1, Invalid: errors.New("of the one before")}
	out := e.Step(start, engine.Inputs{Setups: []engine.SetupFacts{old}})
	if len(out.Commit.Sessions) != 0 {
		t.Errorf("the facts of a session before it ended %+v", out.Commit.Sessions)
	}
	if len(out.Setups) != 7 {
		t.Errorf("%d sessions gather next, want all six that wait and the new one, in one round", len(out.Setups))
	}
}

// TestARolloutThatWasEndedBeforeItsSetupStartsNoNode: it was planned anew and went through
// all its nodes, whoever had ended it.
func TestARolloutThatWasEndedBeforeItsSetupStartsNoNode(t *testing.T) {
	for name, facts := range map[string]engine.SetupFacts{"facts": {}, "an outage": {Err: errors.New("HSM is away")}} {
		e := engine.New(engine.Settings{})
		s := bos.SessionRecord{Revision: 1, Session: bos.Session{Name: "s", Status: bos.SessionStatus{Status: bos.SessionPending, StartTime: bos.At(start)}}}
		s.Rollout = bos.NewRollout(bos.Rollout{Canary: bos.Amount{N: 1}})
		e.Step(start, engine.Inputs{Sessions: []bos.SessionRecord{s}})
		s.Revision = 2
		if err := s.Fail(nil, "enough", start); err != nil {
			t.Fatal(err)
		}
		e.Step(start, engine.Inputs{Sessions: []bos.SessionRecord{s}})
		facts.Key, facts.Revision = s.Key(), s.Revision
		out := e.Step(start, engine.Inputs{Setups: []engine.SetupFacts{facts}})
		if len(out.SetUps) > 0 || len(out.Commit.Sessions) != 1 {
			t.Fatalf("%s: it is set up by %+v, and written as %+v", name, out.SetUps, out.Commit.Sessions)
		}
		ended := out.Commit.Sessions[0]
		if ended.Status.Status != bos.SessionComplete || ended.Rollout.Phase != bos.RolloutFailed || ended.Status.Error == nil || !strings.Contains(*ended.Status.Error, "enough") {
			t.Errorf("%s: it is %+v with %+v", name, ended.Status, ended.Rollout)
		}
	}
}

func TestSessionsThatWaitOutAnOutageAskTogether(t *testing.T) {
	e := engine.New(engine.Settings{NoInventory: true})
	now, created, rounds := start, 0, 0
	var waiting []engine.SetupFacts
	for range 6_000 { // a hundredth of a second each
		now = now.Add(10 * time.Millisecond)
		in := engine.Inputs{Setups: waiting}
		waiting = nil
		if created < 300 {
			created++
			in.Sessions = []bos.SessionRecord{{Revision: int64(created), Session: bos.Session{
				Name: fmt.Sprint("s", created), Status: bos.SessionStatus{Status: bos.SessionPending, StartTime: bos.At(now)},
			}}}
		}
		out := e.Step(now, in)
		for _, s := range out.Setups {
			waiting = append(waiting, engine.SetupFacts{Key: s.Key(), Revision: s.Revision, Err: errors.New("HSM is away")})
		}
		if created == 300 && len(out.Setups) > 0 && now.After(start.Add(30*time.Second)) {
			rounds++
		}
	}
	// Half a minute, in which each session tries twice or three times.
	if rounds == 0 || rounds > 30 {
		t.Errorf("300 sessions that wait for HSM asked it in %d rounds in half a minute", rounds)
	}
}

func TestAnAnswerToAnEarlierCallLeavesTheOneUnderWayAlone(t *testing.T) {
	const id = "x1000c0s0b0n0"
	off := engine.Result{Effect: bos.Effect{Kind: bos.EffectPowerOffGraceful}, CallResult: bos.CallResult{ID: id}}
	e := engine.New(engine.Settings{NoInventory: true})
	out := e.Step(start, engine.Inputs{
		Records: []bos.Record{armed(id)}, Flights: map[string]bos.EffectKind{id: bos.EffectWriteBoot}, Results: []engine.Result{off},
	})
	if len(out.Effects) != 0 {
		t.Errorf("%v starts beside the call that an earlier engine has under way", out.Effects)
	}
}

// TestAnAnswerThatIsNotStoredIsHandedOnWhateverWasDecidedSince: the pass that sent the
// action again was not written, so the store still has the first call as under way.
func TestAnAnswerThatIsNotStoredIsHandedOnWhateverWasDecidedSince(t *testing.T) {
	const id = "x1000c0s0b0n0"
	e := engine.New(engine.Settings{NoInventory: true})
	r := armed(id)
	r.Status = bos.ComponentStatus{Phase: bos.PhasePoweringOn}
	r.LastAction = bos.LastAction{Action: bos.ActionPoweringOn, LastUpdated: bos.At(start)}
	r.EventStats.PowerOnAttempts = 1
	r.Work.Flight = bos.Flight{Kind: bos.EffectPowerOn, At: start}
	r.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOn, At: start, Prepared: bos.Prepared{Boot: bos.PreparedBoot(r.DesiredState.BootArtifacts)}}
	on := bos.Effect{Kind: bos.EffectPowerOn}
	e.Step(start, engine.Inputs{Records: []bos.Record{r}, Flights: map[string]bos.EffectKind{id: bos.EffectPowerOn}})
	e.Step(start.Add(time.Second), engine.Inputs{Results: []engine.Result{{Effect: on, CallResult: bos.CallResult{ID: id}}}})
	halfway := start.Add(bos.DefaultOptions().Policy().MaxPowerOnWait/2 + time.Second)
	out := e.Step(halfway, engine.Inputs{Readings: []bos.PowerReading{reading(id, bos.PowerStateOff, halfway)}})
	if len(out.Effects) != 1 || out.Effects[0].Effect.Kind != bos.EffectPowerOn {
		t.Fatalf("effects %v, want the power-on once more", out.Effects)
	}
	if got := e.Accepted(); len(got) != 1 || got[0].ID != id || got[0].Effect != on {
		t.Errorf("handed on %+v, want the answer to the first power-on", got)
	}
	e.Step(halfway, engine.Inputs{Committed: &bos.Committed{Revision: 9}})
	if got := e.Accepted(); len(got) != 0 {
		t.Errorf("handed on %+v after it was stored", got)
	}
}
