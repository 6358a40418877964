package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/service/sim"
)

func TestTheHundredthRebootOfAProcessTakesNoLongerThanTheFirst(t *testing.T) {
	w, store := world(t, sim.Config{Seed: 1, Nodes: 20, Horizon: 24 * time.Hour})
	w.Start()
	session(t, w, store, bos.OperationBoot, "")
	var first time.Duration
	for round := range 100 {
		rec := session(t, w, store, bos.OperationReboot, "")
		took := rec.Status.EndTime.Sub(rec.Created)
		if round == 0 {
			first = took
		}
		// Sessions are dated in whole seconds.
		if took > first+first/10+time.Second {
			t.Fatalf("reboot %d took %s, the first %s", round+1, took, first)
		}
	}
	for _, v := range w.Violations {
		t.Error(v)
	}
}

func TestASlowUpstreamIsRightAtEveryPollingFrequency(t *testing.T) {
	for _, polling := range []int{1, 5, 15, 60} {
		for _, slow := range []time.Duration{3 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute} {
			t.Run(fmt.Sprintf("%d, %s", polling, slow), func(t *testing.T) {
				w, rec, _ := run(t, sim.Config{Seed: 1, Nodes: room, Polling: polling, Slow: slow, Horizon: 30 * time.Minute}, limit)
				for _, v := range w.Violations {
					t.Error(v)
				}
				if rec.Extended == nil || rec.Extended.PercentSuccessful != 100 {
					t.Errorf("status %+v, want all nodes booted", rec.Extended)
				}
			})
		}
	}
}

func TestABMCThatHangsFailsItsNodeAtEveryPollingFrequency(t *testing.T) {
	const bad = "x1000c0s0b0"
	for _, polling := range []int{1, 5, 9, 15, 60} {
		t.Run(fmt.Sprint(polling), func(t *testing.T) {
			w, rec, store := run(t, sim.Config{
				Seed: 1, Nodes: 40, Polling: polling, Rules: []fault.Rule{{Fault: fault.Hang, Nodes: bad}}, Horizon: 30 * time.Minute,
			}, "")
			for _, v := range w.Violations {
				t.Error(v)
			}
			if rec.Extended == nil {
				t.Fatal("the session does not end")
			}
			records, err := store.Components(t.Context(), bos.ComponentFilter{})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				if failed := r.Status.StatusOverride == bos.StatusFailed; failed != (bos.BMCOf(r.ID) == bad) || failed && r.Work.Cause != bos.CauseBMCUnreachable {
					t.Errorf("%s: failed %t, %s: %s", r.ID, failed, r.Work.Cause, r.Error)
				}
			}
		})
	}
}
