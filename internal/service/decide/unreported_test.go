package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// booting is a node that was powered on at noon with the token t.
func booting() bos.Record {
	r := bos.Record{Goal: bos.GoalBoot, Component: bos.Component{
		ID: "x1000c0s0b0n0", Enabled: true, Session: "s",
		DesiredState: bos.DesiredState{BootArtifacts: bos.BootArtifacts{Kernel: "s3://b/k", Initrd: "s3://b/i"}, BSSToken: "t"},
		EventStats:   bos.EventStats{PowerOnAttempts: 1}, Status: bos.ComponentStatus{Phase: bos.PhasePoweringOn},
	}}
	calledFor(&r, bos.ActionPoweringOn, noon)
	r.Work.Attempt.Prepared.Boot = bos.PreparedBoot(r.DesiredState.BootArtifacts)
	return r
}

// known is what is known of a node some time after noon.
func known(state bos.PowerState, after time.Duration, trail bos.Trail) Observation {
	return Observation{Power: bos.PowerReading{State: state, Asked: noon.Add(after)}, Trail: trail, Scripted: true}
}

func TestThatANodeCannotLoadItsImageIsSaidWhileItBoots(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	again := bos.Trail{Token: "t", Fetched: 2, Again: 1, Last: noon.Add(time.Minute)}
	d := Decide(booting(), known(bos.PowerStateOn, 61*time.Second, again), p, noon.Add(62*time.Second))
	if d.Next.Work.Waiting.For != bos.WaitImage || !strings.Contains(d.Next.Error, "kernel s3://b/k, initrd s3://b/i") || d.Effect.Kind != bos.EffectNone {
		t.Fatalf("waits for %+v with the error %q, and does %v", d.Next.Work.Waiting, d.Next.Error, d.Effect)
	}
	again.Fetched, again.Again, again.Last = 9, 8, noon.Add(5*time.Minute)
	next := Decide(d.Next, known(bos.PowerStateOn, 5*time.Minute, again), p, noon.Add(5*time.Minute+time.Second))
	if next.Next.Work != d.Next.Work || next.Next.Error != d.Next.Error {
		t.Errorf("each fetch changes the record: %+v, %q", next.Next.Work, next.Next.Error)
	}
	quiet := Decide(next.Next, known(bos.PowerStateOn, 11*time.Minute, again), p, noon.Add(11*time.Minute))
	if quiet.Next.Work.Waiting.For != bos.WaitNone || quiet.Next.Error != "" || quiet.Next.Work.Cause != bos.CauseNone {
		t.Errorf("it has loaded it since, and waits for %+v with the error %q", quiet.Next.Work.Waiting, quiet.Next.Error)
	}
	next.Next.ActualState.BootArtifacts = next.Next.DesiredState.BootArtifacts
	if done := Decide(next.Next, known(bos.PowerStateOn, 6*time.Minute, again), p, noon.Add(6*time.Minute)); done.Why != ReasonDone || done.Next.Error != "" {
		t.Errorf("it reports, and is %s with the error %q", done.Why, done.Next.Error)
	}
}

func TestWhatWasFetchedOfAnEarlierBootSaysNothing(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	for name, earlier := range map[string]bos.Trail{
		"of another write":                  {Token: "of before", Fetched: 5, Again: 4, Last: noon},
		"of this, before it was powered on": {Token: "t", Fetched: 5, Again: 4, Last: noon.Add(-time.Second)},
	} {
		d := Decide(booting(), known(bos.PowerStateOn, time.Minute, earlier), p, noon.Add(time.Minute))
		if d.Next.Error != "" || d.Next.Work.Waiting.For != bos.WaitNone {
			t.Errorf("%s: it waits with %q", name, d.Next.Error)
		}
		d = Decide(booting(), known(bos.PowerStateOff, 40*time.Second, earlier), p, noon.Add(41*time.Second))
		if d.Next.Work.Attempt.Failed {
			t.Errorf("%s: it is taken to have come on: %q", name, d.Next.Error)
		}
	}
}

// TestANodeThatGoesOffWhileItBootsIsPoweredOnWithAnAttemptOfItsOwn: sent again within
// the attempt, as to a BMC that dropped the first, it would boot time and again uncounted.
func TestANodeThatGoesOffWhileItBootsIsPoweredOnWithAnAttemptOfItsOwn(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	for name, o := range map[string]Observation{
		"it was seen on":               {SeenOn: noon.Add(70 * time.Second)},
		"it fetched its boot script":   {Trail: bos.Trail{Token: "t", Fetched: 1, Last: noon.Add(70 * time.Second)}},
		"both, the fetch a while back": {SeenOn: noon.Add(70 * time.Second), Trail: bos.Trail{Token: "t", Fetched: 1, Last: noon.Add(20 * time.Second)}},
	} {
		r := booting()
		for after := 71 * time.Second; ; after += time.Second {
			now := noon.Add(after)
			o.Power = bos.PowerReading{State: bos.PowerStateOff, Asked: now}
			d := Decide(r, o, p, now)
			r = d.Next
			if d.Effect.Kind == bos.EffectPowerOn {
				t.Fatalf("%s: powered on %s after the power-on within attempt %d", name, after, r.EventStats.PowerOnAttempts)
			}
			if r.Work.Attempt.Failed {
				if after != 100*time.Second || r.Work.Cause != bos.CausePowerLost || d.Effect.Kind != bos.EffectWriteBoot {
					t.Errorf("%s: after %s it is %q, %q and %v is done", name, after, r.Work.Cause, r.Error, d.Effect.Kind)
				}
				break
			}
			if after > 3*time.Minute {
				t.Fatalf("%s: it waits for ever", name)
			}
		}
		back := booting()
		o.Power = bos.PowerReading{State: bos.PowerStateOff, Asked: noon.Add(80 * time.Second)}
		back = Decide(back, o, p, noon.Add(80*time.Second)).Next
		o.Power = bos.PowerReading{State: bos.PowerStateOn, Asked: noon.Add(90 * time.Second)}
		if d := Decide(back, o, p, noon.Add(90*time.Second)); d.Effect.Kind != bos.EffectNone || d.Next.Work.Attempt.Failed {
			t.Errorf("%s: it came back by itself, and %v is done", name, d.Effect.Kind)
		}
	}
}
