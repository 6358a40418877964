package decide_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// booting is a node that was powered on a minute ago for an image.
func bootingNode(now time.Time) bos.Record {
	var r bos.Record
	r.ID, r.Enabled, r.Goal = "x1c0s0b0n0", true, bos.GoalBoot
	r.DesiredState.BootArtifacts = bos.BootArtifacts{Kernel: "new", Initrd: "i"}
	r.DesiredState.BSSToken = "T2"
	prepared := bos.Prepared{Boot: bos.PreparedBoot(r.DesiredState.BootArtifacts)}
	r.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOn, At: now.Add(-time.Minute), Prepared: prepared}
	r.LastAction = bos.LastAction{Action: bos.ActionPoweringOn, LastUpdated: bos.At(now.Add(-time.Minute))}
	r.Status.Phase = bos.PhasePoweringOn
	return r
}

// desireKernel has a node boot another kernel, which stays in its session.
func desireKernel(r *bos.Record, kernel string, now time.Time) {
	patch := bos.ComponentPatch{Session: &r.Session, DesiredState: &bos.DesiredPatch{BootArtifacts: &bos.ArtifactsPatch{Kernel: &kernel}}}
	patch.Apply(r, nil, now)
}

func TestAProofOfABootIsOfTheBootThatIsWaitedForOnly(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	old := bos.ActualState{BootArtifacts: bos.BootArtifacts{Kernel: "old"}, BSSToken: "T1"}
	for name, c := range map[string]struct {
		change func(*bos.Record)
		want   error
		proven bool
	}{
		"powered on":                        {func(*bos.Record) {}, nil, true},
		"the call not answered yet":         {func(r *bos.Record) { r.Work.Flight.Kind = bos.EffectPowerOn }, nil, true},
		"the state of before the power-on":  {func(r *bos.Record) { r.ActualState = old; r.ActualState.LastUpdated = bos.At(now.Add(-time.Hour)) }, nil, true},
		"not powered off yet":               {func(r *bos.Record) { r.Work.Attempt = bos.Attempt{} }, decide.ErrNotBooting, false},
		"being powered off":                 {func(r *bos.Record) { r.Work.Attempt.Kind = bos.EffectPowerOffGraceful }, decide.ErrNotBooting, false},
		"a power-on without effect":         {func(r *bos.Record) { r.Work.Attempt.Failed = true }, decide.ErrNotBooting, false},
		"it reported another image":         {func(r *bos.Record) { r.ActualState = old; r.ActualState.LastUpdated = bos.At(now) }, decide.ErrOtherBoot, false},
		"to run another image since then":   {func(r *bos.Record) { desireKernel(r, "newer", now) }, decide.ErrOtherImage, false},
		"it reported that image":            {func(r *bos.Record) { r.ActualState.BootArtifacts = r.DesiredState.BootArtifacts }, nil, false},
		"not in work":                       {func(r *bos.Record) { r.Enabled = false }, nil, false},
		"to be off":                         {func(r *bos.Record) { r.Goal = bos.GoalOff }, nil, false},
		"to be configured":                  {func(r *bos.Record) { r.Goal = bos.GoalConfigure }, nil, false},
		"it reported another in the second": {func(r *bos.Record) { r.ActualState = old; r.ActualState.LastUpdated = r.LastAction.LastUpdated }, decide.ErrOtherBoot, false},
	} {
		r := bootingNode(now)
		c.change(&r)
		next, err := decide.Proven(r, now)
		if !errors.Is(err, c.want) || (next != r) != c.proven {
			t.Errorf("%s: %v, changed %t", name, err, next != r)
		}
		if c.proven && (next.ActualState.BootArtifacts != r.DesiredState.BootArtifacts || next.ActualState.BSSToken != "T2" || next.ActualState.LastUpdated != bos.At(now)) {
			t.Errorf("%s: %+v", name, next.ActualState)
		}
	}
}

// seen is a node that is on, with what was seen of its proof at a time.
func seen(now time.Time, proof bos.BootProof, sight bos.ProofSight, asked time.Time) decide.Observation {
	return decide.Observation{
		Power: bos.PowerReading{State: bos.PowerStateOn, Asked: now, Answered: now}, Wall: now,
		Proof: bos.ProofReading{Proof: proof, Sight: sight, Asked: asked, Answered: asked, Detail: "10.1.0.1:22 answers"},
	}
}

// A port that answers, or a state that is Ready, proves a boot only where it did not, or
// was not, since the power-on: else it may be of the boot before, or of another machine.
func TestAProofThatWasNeverMissingProvesNothing(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tcp := bos.BootProof{Kind: bos.ProofTCP, Port: 22}
	policy := bos.DefaultOptions().Policy()
	policy.Proofs, policy.BootProof = true, tcp
	quiet := func(r *bos.Record) { r.Work.Attempt.Quiet = true }
	off := func(o *decide.Observation) { o.Power.State = bos.PowerStateOff }
	unknown := func(o *decide.Observation) {
		o.Power.State, o.Power.Symptom = bos.PowerStateUnknown, bos.SymptomSilent
	}
	for name, c := range map[string]struct {
		change func(*bos.Record)
		power  func(*decide.Observation)
		sight  bos.ProofSight
		asked  time.Duration // since the power-on
		proof  bos.BootProof
		proven bool
		quiet  bool
	}{
		"there, after it was missing":        {quiet, nil, bos.ProofPresent, 30 * time.Second, tcp, true, true},
		"there, and never missing":           {nil, nil, bos.ProofPresent, 30 * time.Second, tcp, false, false},
		"missing":                            {nil, nil, bos.ProofAbsent, 30 * time.Second, tcp, false, true},
		"missing while it is still off":      {nil, off, bos.ProofAbsent, 0, tcp, false, true},
		"missing before the power-on":        {nil, nil, bos.ProofAbsent, -time.Second, tcp, false, false},
		"there before the power-on":          {quiet, nil, bos.ProofPresent, -time.Second, tcp, false, true},
		"not known":                          {nil, nil, bos.ProofUnknown, 30 * time.Second, tcp, false, false},
		"not known after it was missing":     {quiet, nil, bos.ProofUnknown, 30 * time.Second, tcp, false, true},
		"there while the node is off":        {quiet, off, bos.ProofPresent, 30 * time.Second, tcp, false, true},
		"there while the power is not known": {quiet, unknown, bos.ProofPresent, 30 * time.Second, tcp, false, true},
		"of another port":                    {quiet, nil, bos.ProofPresent, 30 * time.Second, bos.BootProof{Kind: bos.ProofTCP, Port: 80}, false, true},
		"of another power-on":                {func(r *bos.Record) { quiet(r); r.Work.Attempt.Kind = bos.EffectPowerOffGraceful }, nil, bos.ProofPresent, 30 * time.Second, tcp, false, true},
	} {
		r := bootingNode(now)
		if c.change != nil {
			c.change(&r)
		}
		o := seen(now, c.proof, c.sight, r.Work.Attempt.At.Add(c.asked))
		if c.power != nil {
			c.power(&o)
		}
		d := decide.Decide(r, o, policy, now)
		if proven := !d.Next.Enabled && d.Why == decide.ReasonDone; proven != c.proven {
			t.Errorf("%s: %s", name, d.Why)
		}
		if !c.proven && d.Next.Work.Attempt.Kind == bos.EffectPowerOn && d.Next.Work.Attempt.Quiet != c.quiet {
			t.Errorf("%s: missing is noted as %t", name, d.Next.Work.Attempt.Quiet)
		}
	}
}

// The first question goes out with the power-on, when the node is off: by then the
// proof must be missing.
func TestAProofIsAskedForFromThePowerOnUntilTheBoot(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tcp := bos.BootProof{Kind: bos.ProofTCP, Port: 22}
	policy := bos.DefaultOptions().Policy()
	policy.Proofs, policy.BootProof = true, tcp

	r := bootingNode(now)
	r.Work.Attempt = bos.Attempt{}
	r.Work.Prepared.Boot = bos.PreparedBoot(r.DesiredState.BootArtifacts)
	o := seen(now, bos.BootProof{}, bos.ProofUnknown, time.Time{})
	o.Power.State = bos.PowerStateOff
	d := decide.Decide(r, o, policy, now)
	if d.Effect.Kind != bos.EffectPowerOn || !d.ProbeProof.Equal(now) || d.Next.Work.Attempt.Quiet {
		t.Errorf("with the power-on: %v, proof %v", d.Effect.Kind, d.ProbeProof)
	}
	r = bootingNode(now)
	if d = decide.Decide(r, seen(now, tcp, bos.ProofAbsent, now.Add(-time.Second)), policy, now); !d.ProbeProof.Equal(now.Add(-time.Second).Add(policy.Polling)) {
		t.Errorf("then: %v", d.ProbeProof)
	}
	for name, change := range map[string]func(*bos.Record, *bos.Policy){
		"nobody to ask":             func(_ *bos.Record, p *bos.Policy) { p.Proofs = false },
		"a report is the proof":     func(_ *bos.Record, p *bos.Policy) { p.BootProof = bos.BootProof{} },
		"a phone-home is the proof": func(_ *bos.Record, p *bos.Policy) { p.BootProof.Kind = bos.ProofPhoneHome },
		"the template wants reports": func(r *bos.Record, _ *bos.Policy) {
			r.DesiredState.BootArtifacts.KernelParameters = "bos_boot_proof=report"
		},
		"it runs what it should": func(r *bos.Record, _ *bos.Policy) { r.ActualState.BootArtifacts = r.DesiredState.BootArtifacts },
		"it is to be off":        func(r *bos.Record, _ *bos.Policy) { r.Goal = bos.GoalOff },
	} {
		r, p := bootingNode(now), policy
		change(&r, &p)
		if d := decide.Decide(r, seen(now, tcp, bos.ProofUnknown, time.Time{}), p, now); !d.ProbeProof.IsZero() {
			t.Errorf("%s: %v", name, d.ProbeProof)
		}
	}
}

func TestABootThatTimesOutSaysWhatBecameOfItsProof(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tcp := bos.BootProof{Kind: bos.ProofTCP, Port: 22}
	policy := bos.DefaultOptions().Policy()
	policy.Proofs, policy.BootProof, policy.MaxBootWait = true, tcp, 30*time.Second
	for sight, want := range map[bos.ProofSight]string{
		bos.ProofPresent: "never missing since the power-on", bos.ProofAbsent: "does not prove it either", bos.ProofUnknown: "not known whether tcp:22 proves the boot",
	} {
		d := decide.Decide(bootingNode(now), seen(now, tcp, sight, now), policy, now)
		if !strings.Contains(d.Next.Error, want) && !strings.Contains(d.Next.Work.Waiting.Detail, want) {
			t.Errorf("%d: %q", sight, d.Next.Error)
		}
	}
}
