package decide

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The images of these tests.
var (
	oldImage = bos.BootArtifacts{Kernel: "old", KernelParameters: "p", Initrd: "i"}
	newImage = bos.BootArtifacts{Kernel: "new", KernelParameters: "p", Initrd: "i"}
)

var openSession = StagedPolicy{Open: true, ClearStage: true}

// stagedIdle is a node that runs the old image, and on which a session has staged the new
// one with boot parameters.
func stagedIdle() bos.Record {
	r := bos.Record{Component: bos.Component{
		ID: "x1000c0s0b0n0", Session: "before",
		ActualState:  bos.ActualState{BootArtifacts: oldImage, BSSToken: "t1"},
		DesiredState: bos.DesiredState{BootArtifacts: oldImage, BSSToken: "t1"},
		StagedState:  bos.StagedState{BootArtifacts: newImage, Session: "stages"},
	}, Goal: bos.GoalBoot}
	r.Work.StagedBoot = r.Work.StagedBoot.For(bos.SessionKey{Name: "stages", Tenant: "red"})
	return r
}

// writtenStaged is the same with the boot parameters written.
func writtenStaged(t *testing.T) bos.Record {
	t.Helper()
	d := StagedBoot(stagedIdle(), openSession, noon)
	if d.Effect != (bos.Effect{Kind: bos.EffectWriteBoot, Artifacts: newImage}) || !d.Next.Work.StagedBoot.Called || d.Next.StagedBootWritten() {
		t.Fatalf("to be written: %+v with %+v", d.Effect, d.Next.Work.StagedBoot)
	}
	r := SettleStagedBoot(d.Next, newImage, "t2", bos.CallResult{Outcome: bos.CallDone}, noon)
	if !r.StagedBootWritten() {
		t.Fatalf("written, and it says %+v", r.Work.StagedBoot)
	}
	return r
}

func TestStagedBootParametersAreWrittenTakenOnceAndPutBack(t *testing.T) {
	r := writtenStaged(t)
	if d := StagedBoot(r, openSession, noon); d.Effect.Kind != bos.EffectNone || d.Next != r {
		t.Errorf("what is written is written again: %+v", d)
	}

	booted := r
	booted.ActualState = bos.ActualState{BootArtifacts: newImage, BSSToken: "t2"}
	d := StagedBoot(booted, openSession, noon)
	n := d.Next
	if d.Why != ReasonStagedBooted || d.Effect.Kind != bos.EffectNone || n.Enabled || n.Session != "stages" || n.Tenant != "red" || n.DesiredState.BootArtifacts != newImage || n.DesiredState.BSSToken != "t2" || n.StagedState.Session != "" || n.DeriveStatus() != bos.StatusStable {
		t.Errorf("booted from outside: %+v", d)
	}
	if again := StagedBoot(n, openSession, noon); again.Next != n || again.Why != "" {
		t.Errorf("taken twice: %+v", again)
	}

	gone := r
	gone.StagedState = bos.NothingStaged(bos.At(noon))
	for name, p := range map[string]struct {
		r bos.Record
		p StagedPolicy
	}{"the staged state is gone": {gone, openSession}, "the session is over": {r, StagedPolicy{}}} {
		d := StagedBoot(p.r, p.p, noon)
		if d.Effect.Artifacts != oldImage {
			t.Fatalf("%s: %+v is done, want the desired boot parameters back", name, d.Effect)
		}
		back := SettleStagedBoot(d.Next, oldImage, "t3", bos.CallResult{Outcome: bos.CallDone}, noon)
		if end := StagedBoot(back, p.p, noon); end.Why != ReasonStagedBootBack || end.Next.Work.StagedBoot != (bos.StagedBoot{}) || end.Next.DesiredState.BSSToken != "t3" {
			t.Errorf("%s: %+v", name, end)
		}
	}

	nothing := gone
	nothing.DesiredState = bos.DesiredState{}
	if d := StagedBoot(nothing, openSession, noon); d.Why != ReasonStagedBootLeft || d.Effect.Kind != bos.EffectNone {
		t.Errorf("nothing is desired: %+v", d)
	}
}

func TestANodeThatOnlyRunsTheStagedImageAlreadyHasBootedNothing(t *testing.T) {
	r := stagedIdle()
	r.ActualState.BootArtifacts = newImage
	for _, token := range []string{"", "t2"} {
		w := SettleStagedBoot(StagedBoot(r, openSession, noon).Next, newImage, token, bos.CallResult{Outcome: bos.CallDone}, noon)
		if w.StagedBooted() {
			t.Errorf("with token %q: a report of before counts as a boot of what was written since", token)
		}
	}
}

func TestABootOfASessionTakesThePlaceOfStagedBootParameters(t *testing.T) {
	r := arm(writtenStaged(t), bos.Session{Name: "other", Operation: bos.OperationBoot}, bos.DesiredState{BootArtifacts: oldImage}, noon)
	if r.BootPrepared() || r.StagedBootWritten() || !r.Work.StagedBoot.Called || !r.Work.JustArmed() {
		t.Fatalf("armed with %+v", r.Work)
	}
	if d := StagedBoot(r, openSession, noon); d.Effect.Kind != bos.EffectNone || d.Next != r {
		t.Errorf("staged boot parameters of a node in work are seen to: %+v", d)
	}
	r = SettleBoot(r, oldImage, "t4", bos.CallResult{Outcome: bos.CallDone}, noon)
	if r.Work.StagedBoot.Called {
		t.Error("what was staged counts as being there still")
	}
	r.Work.StagedBoot.Called = true
	for _, d := range []Decision{done(r, noon), leaveOut(r, bos.CausePoweredOff, noon)} {
		if d.Next.Work.StagedBoot != r.Work.StagedBoot {
			t.Errorf("%s forgets what the boot service may have", d.Why)
		}
	}
}

func TestStagedBootParametersHaveNoEffectButAWriteAndNoneOnAHeldNode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		r.StagedState.BootArtifacts, r.StagedState.Session = newImage, "stages"
		r.Work.StagedBoot = bos.StagedBoot{
			Session: rapid.SampledFrom([]string{"", "stages", "another"}).Draw(t, "session"), Called: rapid.Bool().Draw(t, "called"),
			Has: rapid.SampledFrom([]string{"", bos.PreparedBoot(newImage), bos.PreparedBoot(r.DesiredState.BootArtifacts)}).Draw(t, "has"),
		}
		d := StagedBoot(r, StagedPolicy{Open: rapid.Bool().Draw(t, "open")}, noon.Add(time.Second))
		if d.Effect.Kind != bos.EffectNone && d.Effect.Kind != bos.EffectWriteBoot {
			t.Fatalf("%s comes of what is staged", d.Effect.Kind)
		}
		if d.Effect.Kind != bos.EffectNone && (r.Enabled || !d.Next.Work.StagedBoot.Called || d.Effect.Artifacts.Empty()) {
			t.Fatalf("%+v is written, and the record says %+v", d.Effect, d.Next.Work.StagedBoot)
		}
		r.Held = bos.Brake{Reason: "a broken fan", Since: noon}
		if held := StagedBoot(r, StagedPolicy{Open: true}, noon); held.Effect.Kind != bos.EffectNone || held.Next != r {
			t.Fatalf("a held node is touched: %+v", held)
		}
	})
}
