package sim_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/sim"
)

var (
	dead      = []string{"x1000c0s1b0", "x1000c1s2b1", "x1000c3s0b0"}
	deadNodes = []string{"x1000c0s1b0n0", "x1000c0s1b0n1", "x1000c1s2b1n0", "x1000c1s2b1n1", "x1000c3s0b0n0", "x1000c3s0b0n1"}
)

// onlyTheDeadFailed holds the failed nodes of a run against its dead BMCs.
func onlyTheDeadFailed(t *testing.T, w *sim.World, store bos.Store, want []string) {
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
		if r.Work.Cause != bos.CauseBMCUnreachable {
			t.Errorf("%s failed with %q, want %q", r.ID, r.Work.Cause, bos.CauseBMCUnreachable)
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

func TestEveryHealthyNodeConvergesUnaidedWhileItsBMCMisbehaves(t *testing.T) {
	w, rec, store := run(t, sim.Config{
		Seed: 5, Nodes: 1000, Faults: sim.Faults{Drop: 0.05, Refuse: 0.05, Hang: 0.02, Stale: 20 * time.Second},
	}, "")
	onlyTheDeadFailed(t, w, store, nil)
	if rec.Extended == nil || rec.Extended.PercentSuccessful != 100 {
		t.Errorf("%+v", rec.Extended)
	}
}
