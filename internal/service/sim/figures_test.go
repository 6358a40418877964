package sim_test

import (
	"fmt"
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
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
	causes := make(map[string]bos.Cause)
	for _, id := range want {
		causes[id] = cause
	}
	failed(t, w, store, causes)
}

// failed holds the failed nodes of a run against those that had to fail, with
// their causes.
func failed(t *testing.T, w *sim.World, store bos.Store, want map[string]bos.Cause) {
	t.Helper()
	for _, v := range w.Violations {
		t.Error(v)
	}
	records, err := store.Components(t.Context(), bos.ComponentFilter{Status: []string{bos.StatusFailed}})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]bos.Cause)
	for _, r := range records {
		got[r.ID] = r.Work.Cause
		if want[r.ID] == bos.CauseNone {
			t.Errorf("%s failed: %s", r.ID, r.Error)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("failed %v, want %v", got, want)
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
// hangs for good, and all tell the power of 20 s ago. Those whose BMC hangs fail with
// that cause, and nobody else.
func TestEveryHealthyNodeConvergesUnaidedWhileResetsAreLostAndBMCsHang(t *testing.T) {
	const nodes = 400
	hung := 0
	for seed := range uint64(5) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			w, store := world(t, sim.Config{
				Seed: seed, Nodes: nodes, Faults: sim.Faults{Drop: 0.05, Refuse: 0.05, Stale: 20 * time.Second},
				Rules: []fault.Rule{{Fault: fault.Hang, Share: 0.02}},
			})
			w.Start()
			for _, op := range []bos.Operation{bos.OperationBoot, bos.OperationReboot} {
				session(t, w, store, op, "")
				want := make(map[string]bos.Cause)
				for _, n := range w.Room().Inventory().Nodes {
					if w.Room().BMCTrouble(bos.BMCOf(n.ID), w.Now).Fault == fault.Hang {
						want[n.ID] = bos.CauseBMCUnreachable
						hung++
					}
				}
				failed(t, w, store, want)
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
				if hold, most := heldEvents(t, store), 2*100; hold > most || w.Commits > 40*100 || w.Steps > 400*100 {
					t.Errorf("an outage for a hundred nodes left %d lines of history, took %d commits and %d steps", hold, w.Commits, w.Steps)
				}
				for id, kinds := range resets(w, done) {
					if len(kinds) != 2 || kinds[1] != machineroom.ResetOn {
						t.Errorf("%s was reset by %v, want a power-off and On", id, kinds)
					}
				}
			})
		}
	}
}

// heldEvents counts the lines of history that say that a node waits.
func heldEvents(t *testing.T, store bos.Store) int {
	t.Helper()
	events, err := store.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite()})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		if e.Kind == string(decide.ReasonHold) {
			n++
		}
	}
	return n
}

func TestABMCThatIsBusyForEverFailsItsNodeAndTheSessionEnds(t *testing.T) {
	const stubborn = "x1000c0s3b0n1"
	w, rec, store := run(t, sim.Config{
		Seed: 3, Nodes: 200, Rules: []fault.Rule{{Fault: fault.Refuse, Nodes: stubborn}}, Horizon: time.Hour,
	}, "")
	onlyTheseFailed(t, w, store, bos.CauseBMCError, []string{stubborn})
	if took := rec.Status.EndTime.Sub(rec.Status.StartTime.Time); took < bos.DefaultMaxUnreachable {
		t.Errorf("given up after %s, before max_unreachable_time", took)
	}
}

func TestWhenManyBMCsAreBusyForThirtyMinutesNobodyFails(t *testing.T) {
	for _, share := range []float64{0.3, 1} {
		w, rec, store := run(t, sim.Config{
			Seed: 3, Nodes: 200, Rules: []fault.Rule{{Fault: fault.Refuse, Share: share, For: 30 * time.Minute}},
		}, "")
		onlyTheDeadFailed(t, w, store, nil)
		if took := rec.Status.EndTime.Sub(rec.Status.StartTime.Time); took < 29*time.Minute || took > 40*time.Minute {
			t.Errorf("%v of all BMCs busy for 30 minutes: the session took %s", share, took)
		}
	}
}
