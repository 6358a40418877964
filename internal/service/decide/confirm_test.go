package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// inFlight is a node whose first power-on was counted and stored, and of whose
// call nothing more is known.
func inFlight() bos.Record {
	r := poweredOn()
	r.Work.Flight.Kind, r.Work.Flight.At = bos.EffectPowerOn, r.Work.Attempt.At
	return r
}

// afterGrace decides on a node once the grace has passed.
func afterGrace(r bos.Record, state bos.PowerState, p bos.Policy) Decision {
	now := flightAt(r).Add(p.ConfirmGrace)
	return Decide(r, Observation{Power: bos.PowerReading{ID: r.ID, State: state, Asked: now}}, p, now)
}

func TestACallThatTheServiceDidNotLiveToSendCostsNoAttempt(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	d := afterGrace(inFlight(), bos.PowerStateOff, p)
	if r := d.Next; r.EventStats.PowerOnAttempts != 0 || r.Work.Misses.Lost != 1 || r.Work.Flight.Kind != bos.EffectNone || d.Effect.Kind != bos.EffectWriteBoot {
		t.Errorf("decided %+v; want the attempt back, and the boot parameters stored anew", d)
	}
}

func TestACallThatShowsCostsItsAttempt(t *testing.T) {
	d := afterGrace(inFlight(), bos.PowerStateOn, bos.DefaultOptions().Policy())
	if r := d.Next; r.EventStats.PowerOnAttempts != 1 || r.Work.Misses.Lost != 0 {
		t.Errorf("decided %+v", d)
	}
}

func TestACallThatWasSentAndNotAnsweredCostsItsAttempt(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	r := Settle(inFlight(), bos.Effect{Kind: bos.EffectPowerOn}, bos.CallResult{Outcome: bos.CallUnknown}, noon)
	d := afterGrace(r, bos.PowerStateOff, p)
	if d.Next.EventStats.PowerOnAttempts != 1 || d.Next.Work.Misses.Lost != 0 {
		t.Errorf("decided %+v", d)
	}
}

func TestAttemptsAreNotGivenBackForEver(t *testing.T) {
	p := bos.DefaultOptions().Policy()
	r, sent, began := inFlight(), 1, noon
	r.Work.Attempt.At, r.Work.Flight.At = began, began
	now := began
	for r.Enabled {
		now = now.Add(p.ConfirmGrace) // the service is killed before each answer
		d := Decide(r, Observation{Power: bos.PowerReading{ID: r.ID, State: bos.PowerStateOff, Asked: now}}, p, now)
		r = d.Next
		switch d.Effect.Kind {
		case bos.EffectWriteBoot:
			r.Work.Prepared = bos.Prepared{Boot: bos.PreparedBoot(r.DesiredState.BootArtifacts)}
		case bos.EffectPowerOn:
			sent++
		default:
		}
	}
	if want := maxLost + p.DefaultRetryPolicy; sent != want || r.EventStats.PowerOnAttempts > p.DefaultRetryPolicy {
		t.Errorf("%d calls, want %d; %+v", sent, want, r.EventStats)
	}
	if r.Work.Cause != bos.CauseResetUnconfirmed || !strings.Contains(r.Error, "the service stopped during 100 more") || now.Sub(began) < 15*time.Minute {
		t.Errorf("given up after %s with %q: %s", now.Sub(began), r.Work.Cause, r.Error)
	}
}
