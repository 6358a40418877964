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

// proofs is the policy of a site whose proof is a port, and the port.
func proofs() (bos.Policy, bos.BootProof) {
	tcp := bos.BootProof{Kind: bos.ProofTCP, Port: 22}
	policy := bos.DefaultOptions().Policy()
	policy.Proofs, policy.BootProof = true, tcp
	return policy, tcp
}

// A port that answers, or a state that is Ready, proves a boot only where it did not, or
// was not, while the node was off or since: else it may be of the boot before, or of
// another machine.
func TestAProofThatWasNeverMissingProvesNothing(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	policy, tcp := proofs()
	http := bos.BootProof{Kind: bos.ProofTCP, Port: 80}
	missed := func(r *bos.Record) { r.Work.Attempt.Quiet, r.Work.Attempt.Proof = true, tcp }
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
		missed bool
	}{
		"there, after it was missing":        {missed, nil, bos.ProofPresent, 30 * time.Second, tcp, true, true},
		"there, and never missing":           {nil, nil, bos.ProofPresent, 30 * time.Second, tcp, false, false},
		"missing":                            {nil, nil, bos.ProofAbsent, 30 * time.Second, tcp, false, true},
		"missing while it is still off":      {nil, off, bos.ProofAbsent, 0, tcp, false, true},
		"missing before the power-on":        {nil, nil, bos.ProofAbsent, -time.Second, tcp, false, false},
		"there before the power-on":          {missed, nil, bos.ProofPresent, -time.Second, tcp, false, true},
		"not known":                          {nil, nil, bos.ProofUnknown, 30 * time.Second, tcp, false, false},
		"not known after it was missing":     {missed, nil, bos.ProofUnknown, 30 * time.Second, tcp, false, true},
		"there while the node is off":        {missed, off, bos.ProofPresent, 30 * time.Second, tcp, false, true},
		"there while the power is not known": {missed, unknown, bos.ProofPresent, 30 * time.Second, tcp, false, true},
		"of another port":                    {missed, nil, bos.ProofPresent, 30 * time.Second, http, false, true},
		"there, and another was missing":     {func(r *bos.Record) { r.Work.Attempt.Quiet, r.Work.Attempt.Proof = true, http }, nil, bos.ProofPresent, 30 * time.Second, tcp, false, false},
		"that of another machine":            {func(r *bos.Record) { missed(r); r.Work.Attempt.Foreign, r.Work.Attempt.Proof = true, tcp }, nil, bos.ProofPresent, 30 * time.Second, tcp, false, true},
		"of another power-on":                {func(r *bos.Record) { missed(r); r.Work.Attempt.Kind = bos.EffectPowerOffGraceful }, nil, bos.ProofPresent, 30 * time.Second, tcp, false, true},
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
		if noted := d.Next.Work.Attempt.Missed(tcp); !c.proven && d.Next.Work.Attempt.Kind == bos.EffectPowerOn && noted != c.missed {
			t.Errorf("%s: missing is noted as %t", name, noted)
		}
	}
}

// toPowerOn is a node that is off, with what it shall boot stored.
func toPowerOn(now time.Time, proof bos.BootProof, sight bos.ProofSight, asked time.Duration) (bos.Record, decide.Observation) {
	r := bootingNode(now)
	r.Work = bos.Work{Prepared: bos.Prepared{Boot: bos.PreparedBoot(r.DesiredState.BootArtifacts)}}
	o := seen(now, proof, sight, now.Add(asked))
	o.Power.State, o.OffSince, o.FirstOff = bos.PowerStateOff, now.Add(-time.Second), now.Add(-time.Second)
	return r, o
}

// What is seen of a proof while the node is off is stored with the power-on: a service
// that stops right then cannot see it missing any more.
func TestAPowerOnWaitsUntilItIsKnownWhetherTheProofOfItsBootIsMissing(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	policy, tcp := proofs()
	ready := bos.BootProof{Kind: bos.ProofReady}
	const nothing, short = decide.Reason(""), 100 * time.Millisecond
	for name, c := range map[string]struct {
		site            bos.BootProof
		sight           bos.ProofSight
		asked           time.Duration // before which it was asked for, 0 is never
		change          func(*bos.Record, *decide.Observation)
		waits           bool
		asks            time.Duration // in which it is asked for again, -1 is never
		missed, foreign bool
	}{
		"missing":                {tcp, bos.ProofAbsent, short, nil, false, policy.Polling, true, false},
		"missing for long":       {tcp, bos.ProofAbsent, time.Hour, nil, false, policy.Polling, true, false},
		"not asked for":          {tcp, bos.ProofUnknown, 0, nil, true, 0, false, false},
		"asked for a moment ago": {tcp, bos.ProofUnknown, 0, func(_ *bos.Record, o *decide.Observation) { o.ProofAsked = now.Add(-time.Second) }, true, 0, false, false},
		"no answer for long":     {tcp, bos.ProofUnknown, 0, func(_ *bos.Record, o *decide.Observation) { o.ProofAsked = now.Add(-15 * time.Second) }, false, 0, false, false},
		"cannot be asked":        {tcp, bos.ProofUnknown, short, nil, false, 0, false, false},
		"there":                  {tcp, bos.ProofPresent, short, nil, true, 2*time.Second - short, false, false},
		"there for long": {tcp, bos.ProofPresent, short, func(_ *bos.Record, o *decide.Observation) {
			o.OffSince, o.FirstOff = now.Add(-15*time.Second), now.Add(-15*time.Second)
		}, false, -1, false, true},
		"there before it was off": {tcp, bos.ProofPresent, 2 * time.Second, nil, true, 0, false, false},
		"missing before the power-off": {tcp, bos.ProofAbsent, 2 * time.Second, func(r *bos.Record, _ *decide.Observation) {
			r.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOffForceful, At: now.Add(-time.Second)}
		}, true, 0, false, false},
		"missing for a power-on before": {tcp, bos.ProofAbsent, 2 * time.Second, func(r *bos.Record, _ *decide.Observation) {
			r.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOn, At: now.Add(-time.Second), Failed: true}
		}, true, 0, false, false},
		"cannot be asked again, and was missing": {tcp, bos.ProofUnknown, short, func(r *bos.Record, _ *decide.Observation) {
			r.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOn, At: now.Add(-time.Minute), Failed: true, Quiet: true, Proof: tcp}
		}, false, policy.Polling, true, false},
		"cannot be asked again, and another was missing": {tcp, bos.ProofUnknown, short, func(r *bos.Record, _ *decide.Observation) {
			r.Work.Attempt = bos.Attempt{Kind: bos.EffectPowerOn, At: now.Add(-time.Minute), Failed: true, Quiet: true, Proof: bos.BootProof{Kind: bos.ProofTCP, Port: 80}}
		}, false, 0, false, false},
		"that of another port missing": {bos.BootProof{Kind: bos.ProofTCP, Port: 80}, bos.ProofAbsent, short, func(_ *bos.Record, o *decide.Observation) { o.Proof.Proof = tcp }, true, 0, false, false},
		"not ready":                    {ready, bos.ProofAbsent, short, nil, false, policy.Polling, true, false},
		"still ready":                  {ready, bos.ProofPresent, short, nil, true, 2*time.Second - short, false, false},
		"ready for long": {ready, bos.ProofPresent, short, func(_ *bos.Record, o *decide.Observation) {
			o.OffSince, o.FirstOff = now.Add(-15*time.Second), now.Add(-15*time.Second)
		}, false, 0, false, false},
		"a report is the proof":     {bos.BootProof{}, bos.ProofUnknown, 0, nil, false, -1, false, false},
		"a phone-home is the proof": {bos.BootProof{Kind: bos.ProofPhoneHome}, bos.ProofUnknown, 0, nil, false, -1, false, false},
	} {
		policy := policy
		policy.BootProof = c.site
		r, o := toPowerOn(now, c.site, c.sight, -c.asked)
		if c.asked == 0 {
			o.Proof = bos.ProofReading{}
		}
		if c.change != nil {
			c.change(&r, &o)
		}
		d := decide.Decide(r, o, policy, now)
		on, want := d.Effect.Kind == bos.EffectPowerOn, nothing
		if c.waits {
			want = "proof_wait"
		}
		if on == c.waits || c.waits && d.Why != want {
			t.Errorf("%s: %s, effect %q", name, d.Why, d.Effect.Kind)
		}
		if c.waits && (!d.Wake.After(now) || d.Wake.After(now.Add(15*time.Second))) {
			t.Errorf("%s: waits until %v", name, d.Wake)
		}
		if asks := d.ProbeProof.Sub(now); d.ProbeProof.IsZero() != (c.asks < 0) || c.asks >= 0 && asks != c.asks {
			t.Errorf("%s: asks at %v", name, d.ProbeProof)
		}
		if kept := d.Next.Work.Attempt; on && (kept.Missed(c.site) != c.missed || kept.Strange(c.site) != c.foreign) {
			t.Errorf("%s: the power-on keeps %+v", name, kept)
		}
		if shown := d.Next.Work.Waiting.For == bos.WaitProof && strings.Contains(d.Next.Error, "10.1.0.1:22"); shown != (c.waits && c.sight == bos.ProofPresent && c.asks > 0) {
			t.Errorf("%s: %q", name, d.Next.Error)
		}
	}
}

// The question is out while there is something else to wait for anyway.
func TestAProofIsAskedForBesideWhatAPowerOnWaitsForAnyway(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	policy, _ := proofs()
	for name, change := range map[string]func(*bos.Record, *bos.Policy, *decide.Observation){
		"boot parameters": func(r *bos.Record, _ *bos.Policy, _ *decide.Observation) { r.Work.Prepared = bos.Prepared{} },
		"configuration":   func(_ *bos.Record, p *bos.Policy, _ *decide.Observation) { p.Configures = true },
		"a back-off": func(r *bos.Record, _ *bos.Policy, _ *decide.Observation) {
			r.Work.BackOff.Until = now.Add(time.Minute)
		},
	} {
		r, o := toPowerOn(now, bos.BootProof{}, bos.ProofUnknown, 0)
		o.Proof = bos.ProofReading{}
		p := policy
		change(&r, &p, &o)
		if d := decide.Decide(r, o, p, now); d.Why == decide.ReasonProofWait || d.Effect.Kind == bos.EffectPowerOn || !d.ProbeProof.Equal(now) {
			t.Errorf("%s: %s, proof asked for at %v", name, d.Why, d.ProbeProof)
		}
	}
}

func TestAProofIsAskedForFromThePowerOnUntilTheBoot(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	policy, tcp := proofs()
	r := bootingNode(now)
	if d := decide.Decide(r, seen(now, tcp, bos.ProofAbsent, now.Add(-time.Second)), policy, now); !d.ProbeProof.Equal(now.Add(-time.Second).Add(policy.Polling)) {
		t.Errorf("then: %v", d.ProbeProof)
	}
	for name, change := range map[string]func(*bos.Record, *bos.Policy){
		"nobody to ask":             func(_ *bos.Record, p *bos.Policy) { p.Proofs = false },
		"a report is the proof":     func(_ *bos.Record, p *bos.Policy) { p.BootProof = bos.BootProof{} },
		"a phone-home is the proof": func(_ *bos.Record, p *bos.Policy) { p.BootProof.Kind = bos.ProofPhoneHome },
		"the template wants reports": func(r *bos.Record, _ *bos.Policy) {
			r.DesiredState.BootArtifacts.KernelParameters = "bos_boot_proof=report"
		},
		"it runs what it should":  func(r *bos.Record, _ *bos.Policy) { r.ActualState.BootArtifacts = r.DesiredState.BootArtifacts },
		"it is to be off":         func(r *bos.Record, _ *bos.Policy) { r.Goal = bos.GoalOff },
		"it is another machine's": func(r *bos.Record, _ *bos.Policy) { r.Work.Attempt.Foreign, r.Work.Attempt.Proof = true, tcp },
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
	policy, tcp := proofs()
	policy.MaxBootWait = 30 * time.Second
	for sight, want := range map[bos.ProofSight]string{
		bos.ProofPresent: "never missing since the node was off", bos.ProofAbsent: "does not prove it either", bos.ProofUnknown: "not known whether tcp:22 proves the boot",
	} {
		d := decide.Decide(bootingNode(now), seen(now, tcp, sight, now), policy, now)
		if !strings.Contains(d.Next.Error, want) && !strings.Contains(d.Next.Work.Waiting.Detail, want) {
			t.Errorf("%d: %q", sight, d.Next.Error)
		}
	}
	r := bootingNode(now)
	r.Work.Attempt.Foreign, r.Work.Attempt.Proof = true, tcp
	if d := decide.Decide(r, seen(now, tcp, bos.ProofPresent, now), policy, now); !strings.Contains(d.Next.Error, "another machine's") {
		t.Errorf("of another machine: %q", d.Next.Error)
	}
}
