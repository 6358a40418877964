package decide_test

import (
	"errors"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// takenOver is a node that another work takes over within seconds of its power-on: its BMC
// has accepted that and shows the node off for a moment yet.
func takenOver(now time.Time, kernel string) bos.Record {
	r := bootingNode(now)
	r.Work = bos.Work{Prepared: bos.Prepared{Boot: bos.PreparedBoot(r.DesiredState.BootArtifacts)}}
	r = decide.Decide(r, offAt(now), bos.DefaultOptions().Policy(), now).Next
	desireKernel(&r, kernel, now)
	enabled := true
	bos.ComponentPatch{Session: &r.Session, Enabled: &enabled}.Apply(&r, nil, now)
	r.Work.Flight = bos.Flight{} // its call was answered
	r.Work.Prepared.Boot = bos.PreparedBoot(r.DesiredState.BootArtifacts)
	return r
}

// offAt is a node that is off at a time.
func offAt(now time.Time) decide.Observation {
	o := seen(now, bos.BootProof{}, bos.ProofUnknown, time.Time{})
	o.Power.State = bos.PowerStateOff
	return o
}

// A BMC that has accepted a power-on shows the node off for some seconds. A work that takes
// it over in them powers it on as well, and that the node then is up says nothing of which
// power-on started it.
func TestThatANodeIsUpProvesNothingWhereTwoPowerOnsForDifferentImagesWereSent(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	policy := bos.DefaultOptions().Policy()
	for name, c := range map[string]struct {
		kernel string
		after  time.Duration
		want   error
	}{
		"another image at once":                         {"newer", 2 * time.Second, decide.ErrOtherImage},
		"another image once the first had its time":     {"newer", policy.MaxPowerOnWait, nil},
		"the same image, whichever of both started it":  {"new", 2 * time.Second, nil},
		"another image, while the first may show still": {"newer", policy.MaxPowerOnWait - time.Second, decide.ErrOtherImage},
	} {
		r := takenOver(began, c.kernel)
		now := began.Add(c.after)
		d := decide.Decide(r, offAt(now), policy, now)
		if d.Effect.Kind != bos.EffectPowerOn {
			t.Fatalf("%s: %s", name, d.Why)
		}
		next, err := decide.Proven(d.Next, now)
		if !errors.Is(err, c.want) || (err == nil) != decide.Matches(next.ActualState.BootArtifacts, r.DesiredState.BootArtifacts) {
			t.Errorf("%s: %v, taken for booted with %+v", name, err, next.ActualState)
		}
	}
}

// The doubt outlives works in between that send nothing, and power-ons that were not sent;
// a power-off ends it.
func TestTheDoubtOfAPowerOnLastsUntilThePowerOffThatFollows(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := began.Add(2 * time.Second)
	policy := bos.DefaultOptions().Policy()
	refused := bos.CallResult{Outcome: bos.CallNotAttempted}
	for name, between := range map[string]func(bos.Record) bos.Record{
		"armed once more": func(r bos.Record) bos.Record {
			r.Work = r.Rearmed()
			return r
		},
		"a shutdown that finds it off": func(r bos.Record) bos.Record {
			r.Goal = bos.GoalOff
			r = decide.Decide(r, offAt(now), policy, now).Next
			r.Work, r.Goal, r.Enabled = r.Rearmed(), bos.GoalBoot, true
			return r
		},
		"a power-on that was not sent": func(r bos.Record) bos.Record {
			d := decide.Decide(r, offAt(now), policy, now)
			r = decide.Settle(d.Next, d.Effect, refused, now)
			r.Work.BackOff = bos.BackOff{}
			return r
		},
	} {
		r := between(takenOver(began, "newer"))
		r.Work.Prepared.Boot = bos.PreparedBoot(r.DesiredState.BootArtifacts)
		d := decide.Decide(r, offAt(now), policy, now)
		if _, err := decide.Proven(d.Next, now); d.Effect.Kind != bos.EffectPowerOn || !errors.Is(err, decide.ErrOtherImage) {
			t.Errorf("%s: %s, %v", name, d.Why, err)
		}
	}
}

// Where nothing would tell what it runs, waiting for that is in vain: the node is powered
// off, which costs no attempt, and its next boot is proven as any other. A node that
// reports is waited for: its token tells.
func TestANodeOfWhichNothingTellsWhatItRunsIsBootedAnewAtOnce(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := began.Add(2 * time.Second)
	for kind, off := range map[bos.ProofKind]bool{"": false, bos.ProofReport: false, bos.ProofPhoneHome: true, bos.ProofReady: true} {
		policy := bos.DefaultOptions().Policy()
		r := decide.Decide(takenOver(began, "newer"), offAt(now), policy, now).Next
		r.Work.Flight.Kind = bos.EffectNone
		policy.BootProof = bos.BootProof{Kind: kind}
		later := now.Add(time.Second)
		d := decide.Decide(r, seen(later, bos.BootProof{}, bos.ProofUnknown, time.Time{}), policy, later)
		if bootsStill := d.Effect.Kind == bos.EffectNone && d.Why == decide.ReasonBootWait; bootsStill == off {
			t.Errorf("%q: %s", kind, d.Why)
		}
		if !off {
			continue
		}
		for range 3 { // its boot parameters first
			if d.Effect.Kind == bos.EffectWriteBoot {
				d.Next = decide.SettleBoot(d.Next, d.Effect.Artifacts, "T3", bos.CallResult{Outcome: bos.CallDone}, later)
				d = decide.Decide(d.Next, seen(later, bos.BootProof{}, bos.ProofUnknown, time.Time{}), policy, later)
			}
		}
		if d.Effect.Kind != bos.EffectPowerOffGraceful || d.Next.EventStats.PowerOnAttempts != 0 || d.Next.Work.Unseen.Kind == bos.EffectPowerOn {
			t.Errorf("%q: %s after %d attempts, %+v", kind, d.Why, d.Next.EventStats.PowerOnAttempts, d.Next.Work.Unseen)
		}
	}
}
