package sim_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/service/sim"
)

var (
	dead      = []string{"x1000c0s1b0", "x1000c1s2b1", "x1000c3s0b0"}
	deadNodes = []string{"x1000c0s1b0n0", "x1000c0s1b0n1", "x1000c1s2b1n0", "x1000c1s2b1n1", "x1000c3s0b0n0", "x1000c3s0b0n1"}
)

// onlyTheDeadFailed holds the failed nodes of a run against its dead BMCs.
func onlyTheDeadFailed(t *testing.T, w *sim.World, store bos.Store, want []string) {
	t.Helper()
	onlyTheseFailed(t, w, store, bos.CauseBMCUnreachable, want)
}

// onlyTheseFailed holds the failed nodes of a run against those that had to fail.
func onlyTheseFailed(t *testing.T, w *sim.World, store bos.Store, cause bos.Cause, want []string) {
	t.Helper()
	for _, v := range w.Violations {
		t.Error(v)
	}
	failed, err := store.Components(t.Context(), bos.ComponentFilter{Status: []string{bos.StatusFailed}})
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(failed))
	for i, r := range failed {
		ids[i] = r.ID
		if r.Work.Cause != cause {
			t.Errorf("%s failed with %q, want %q: %s", r.ID, r.Work.Cause, cause, r.Error)
		}
	}
	if got, want := bos.Fold(ids), bos.Fold(want); got != want {
		t.Errorf("failed %s, want %s", got, want)
	}
}

func TestAnOutageOfThirtyMinutesFailsNobodyWhileDeadBMCsStillFail(t *testing.T) {
	for _, of := range []sim.Upstream{sim.HSM, sim.BSS, sim.CFS, sim.Power, sim.BMCs} {
		moments := []time.Duration{4 * time.Second}
		if of == sim.BMCs {
			moments = append(moments, 2*time.Second, 5*time.Second)
		}
		for _, begins := range moments {
			t.Run(string(of)+" from "+begins.String(), func(t *testing.T) {
				w, _, store := run(t, sim.Config{
					Seed: 7, Nodes: 200, CFS: true, Dead: dead, Outages: []sim.Outage{{Of: of, From: begins, For: 30 * time.Minute}},
				}, "")
				onlyTheDeadFailed(t, w, store, deadNodes)
			})
		}
	}
}

// TestEveryHealthyNodeConvergesUnaidedWhileResetsAreLostAndBMCsHang: one reset in
// twenty is dropped silently, one in twenty answered with 503, one BMC in fifty
// hangs for good, and all tell the power of 20 s ago. One node in 8,000 would lose
// all three attempts of its policy at that rate; among these there is none.
func TestEveryHealthyNodeConvergesUnaidedWhileResetsAreLostAndBMCsHang(t *testing.T) {
	const nodes = 400
	hung := 0
	for seed := range uint64(5) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			w, store := world(t, sim.Config{
				Seed: seed, Nodes: nodes, Faults: sim.Faults{Drop: 0.05, Refuse: 0.05, Stale: 20 * time.Second},
				Rules: []emulator.Rule{{Fault: emulator.FaultHang, Share: 0.02}},
			})
			w.Start()
			for _, op := range []bos.Operation{bos.OperationBoot, bos.OperationReboot} {
				session(t, w, store, op, "")
				var hanging []string
				for _, n := range w.Room().Inventory().Nodes {
					if w.Room().BMCTrouble(bos.BMCOf(n.ID), w.Now).Fault == emulator.FaultHang {
						hanging = append(hanging, n.ID)
					}
				}
				onlyTheDeadFailed(t, w, store, hanging)
				hung += len(hanging)
			}
		})
	}
	if hung == 0 {
		t.Error("no BMC hung")
	}
}

func TestThirtyMinutesWithoutAnUpstreamResetNobodyOnAGuessAndFailNobody(t *testing.T) {
	for _, of := range []sim.Upstream{sim.HSM, sim.BSS, sim.CFS, sim.Power, sim.BMCs} {
		for _, begins := range []time.Duration{time.Second, 2500 * time.Millisecond, 4 * time.Second, 10 * time.Second, 20 * time.Second} {
			t.Run(fmt.Sprintf("%s, %s into a reboot", of, begins), func(t *testing.T) {
				w, store := world(t, sim.Config{Seed: 11, Nodes: 100, CFS: true})
				done := make(map[string]int)
				w.Start()
				session(t, w, store, bos.OperationBoot, "")
				resets(w, done)
				w.Outage(sim.Outage{Of: of, From: begins, For: 30 * time.Minute})
				rec := session(t, w, store, bos.OperationReboot, "")
				onlyTheDeadFailed(t, w, store, nil) // and the checks saw no reset on a guess
				if rec.Extended.PercentSuccessful != 100 {
					t.Errorf("%+v", rec.Extended)
				}
				for id, kinds := range resets(w, done) {
					if len(kinds) != 2 || kinds[1] != emulator.ResetOn {
						t.Errorf("%s was reset by %v, want a power-off and On", id, kinds)
					}
				}
			})
		}
	}
}

func TestABMCThatIsBusyForEverFailsItsNodeAndTheSessionEnds(t *testing.T) {
	const stubborn = "x1000c0s3b0n1"
	w, rec, store := run(t, sim.Config{
		Seed: 3, Nodes: 200, Rules: []emulator.Rule{{Fault: emulator.FaultRefuse, Nodes: stubborn}}, Horizon: time.Hour,
	}, "")
	onlyTheseFailed(t, w, store, bos.CauseBMCError, []string{stubborn})
	if took := rec.Status.EndTime.Sub(rec.Status.StartTime.Time); took < bos.DefaultMaxUnreachable {
		t.Errorf("given up after %s, before max_unreachable_time", took)
	}
}

func TestWhenManyBMCsAreBusyForThirtyMinutesNobodyFails(t *testing.T) {
	for _, share := range []float64{0.3, 1} {
		w, rec, store := run(t, sim.Config{
			Seed: 3, Nodes: 200, Rules: []emulator.Rule{{Fault: emulator.FaultRefuse, Share: share, For: 30 * time.Minute}},
		}, "")
		onlyTheDeadFailed(t, w, store, nil)
		if took := rec.Status.EndTime.Sub(rec.Status.StartTime.Time); took < 29*time.Minute || took > 40*time.Minute {
			t.Errorf("%v of all BMCs busy for 30 minutes: the session took %s", share, took)
		}
	}
}
