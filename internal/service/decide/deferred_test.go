package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestATargetThatAsksForALongWaitIsAskedAgainBeforeItsNodeIsGivenUp(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	busy := bos.CallResult{Outcome: bos.CallBusy, Cause: bos.CauseBMCError, Detail: "503", RetryAfter: p.MaxUnreachable}
	r, now, asked := poweredOn(), noon, 0
	r.Work.Flight.Kind = bos.EffectPowerOn
	for r.Enabled {
		r = Settle(r, bos.Effect{Kind: bos.EffectPowerOn}, busy, now)
		asked++
		d := Decide(r, Observation{Power: bos.PowerReading{State: bos.PowerStateOff, Asked: now}}, p, now)
		if now = d.Probe; d.Next.Enabled {
			d = Decide(d.Next, Observation{Power: bos.PowerReading{State: bos.PowerStateOff, Asked: now}}, p, now)
		}
		r = d.Next
	}
	if asked != 2 || r.Work.Cause != bos.CauseBMCError || r.EventStats.PowerOnAttempts != 0 {
		t.Errorf("asked %d times, failed with %q; %+v", asked, r.Work.Cause, r.EventStats)
	}
}

func TestWhatTurnsManyAwayIsAnOutage(t *testing.T) {
	busy := bos.CallResult{Outcome: bos.CallBusy, Cause: bos.CauseBMCError}
	for _, tc := range []struct {
		away, all int
		outage    bool
	}{{1, 1, false}, {2, 2, false}, {3, 3, true}, {3, 15, true}, {3, 16, false}, {1199, 6000, false}, {1200, 6000, true}} {
		if got := Shared(busy, tc.away, tc.all).Cause == bos.CauseUpstreamOutage; got != tc.outage {
			t.Errorf("%d of %d: an outage: %t", tc.away, tc.all, got)
		}
	}
	for _, res := range []bos.CallResult{{}, {Outcome: bos.CallRefused, Cause: bos.CauseResetRefused}, {Outcome: bos.CallNotAttempted}} {
		if got := Shared(res, 10, 10); got != res {
			t.Errorf("%+v was read as %+v", res, got)
		}
	}
}

func TestProgressForgetsThatATargetTurnedActionsAway(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	r := poweredOn()
	r.Status.Phase = bos.PhasePoweringOff
	r.Work.Patience.Deferred, r.Work.BackOff.Setbacks = 9*time.Minute, 12
	d := Decide(r, Observation{Power: bos.PowerReading{State: bos.PowerStateOff, Asked: noon}}, p, noon)
	if d.Next.Status.Phase != bos.PhasePoweringOn || d.Next.Work.Patience.Deferred != 0 || d.Next.Work.BackOff.Setbacks != 0 {
		t.Errorf("decided %+v", d)
	}
}

// TestANodeThatIsLockedOrReservedWaitsInItsOwnWordsForAsLongAsItIs: who works on it may
// need longer than a silent BMC is given, and no attempt is charged.
func TestANodeThatIsLockedOrReservedWaitsInItsOwnWordsForAsLongAsItIs(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	for _, cause := range []bos.Cause{bos.CauseLocked, bos.CauseReserved} {
		r, now := poweredOn(), noon
		for asked := 0; now.Before(noon.Add(24 * time.Hour)); asked++ {
			r.Work.Flight.Kind = bos.EffectPowerOn
			r = Settle(r, bos.Effect{Kind: bos.EffectPowerOn}, bos.CallResult{Outcome: bos.CallNotAttempted, Cause: cause, Detail: "x1000c0s0b0 is reserved in HSM"}, now)
			if !strings.Contains(r.Error, "x1000c0s0b0 is reserved in HSM") || r.EventStats.PowerOnAttempts != 0 {
				t.Fatalf("%s: it shows %q after %d attempts", cause, r.Error, r.EventStats.PowerOnAttempts)
			}
			d := Decide(r, Observation{Power: bos.PowerReading{State: bos.PowerStateOff, Asked: now}}, p, now)
			if !d.Next.Enabled || !d.Probe.After(now) || d.Probe.Sub(now) > 2*maxBackOff {
				t.Fatalf("%s: after %s it was decided %+v", cause, now.Sub(noon), d)
			}
			now = d.Probe
			r = Decide(d.Next, Observation{Power: bos.PowerReading{State: bos.PowerStateOff, Asked: now}}, p, now).Next
		}
		if r.Work.Flight.Kind != bos.EffectPowerOn {
			t.Errorf("%s: it is asked no more: %+v", cause, r)
		}
	}
}

// TestATargetThatAsksForAShortWaitEachTimeIsGivenUpAsWell: between its answer and the
// next try there is one reading alone, and that comes when the wait has passed.
func TestATargetThatAsksForAShortWaitEachTimeIsGivenUpAsWell(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	for _, wish := range []time.Duration{time.Second, 2 * time.Second, 20 * time.Second} {
		r, now, asked := poweredOn(), noon, 0
		r.Work.Flight.Kind = bos.EffectPowerOn
		for r.Enabled && now.Before(noon.Add(time.Hour)) {
			r = Settle(r, bos.Effect{Kind: bos.EffectPowerOn}, bos.CallResult{Outcome: bos.CallBusy, Cause: bos.CauseBMCError, Detail: "503", RetryAfter: wish}, now)
			asked++
			now = r.Work.BackOff.Until
			r = Decide(r, Observation{Power: bos.PowerReading{State: bos.PowerStateOff, Asked: now}}, p, now).Next
		}
		if r.Enabled || r.Work.Cause != bos.CauseBMCError || r.EventStats.PowerOnAttempts != 0 {
			t.Errorf("a BMC that asks for %s is still asked after %d times and %s: %+v", wish, asked, now.Sub(noon), r.Work)
		}
		if took := now.Sub(noon); took < p.MaxUnreachable || took > p.MaxUnreachable*3/2 {
			t.Errorf("a BMC that asks for %s was given up after %s", wish, took)
		}
	}
}
