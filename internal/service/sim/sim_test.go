package sim_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/sim"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

func seeds(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SIM_SEEDS")
	if text == "" {
		return 20
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("SIM_SEEDS is %q, want a number", text)
	}
	return n
}

// run is one simulated boot on a store of its own.
func run(t *testing.T, c sim.Config, limit string) (*sim.World, bos.SessionRecord, bos.Store) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bos.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	w, err := sim.New(store, c)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := w.Run(bos.OperationBoot, limit)
	if err != nil {
		w.Violations = append(w.Violations, err.Error())
	}
	return w, rec, store
}

const (
	room  = 8
	limit = "Compute,!x1000c0s1b1n[0-1]"
)

func TestSeedsSurviveACrashAtEveryCommit(t *testing.T) {
	for seed := range seeds(t) {
		calm, _, _ := run(t, sim.Config{Seed: seed, Nodes: room}, limit)
		for _, v := range calm.Violations {
			t.Error(v)
		}
		for commit := 1; commit <= calm.Commits; commit++ {
			for _, before := range []bool{false, true} {
				w, rec, _ := run(t, sim.Config{Seed: seed, Nodes: room, CrashAt: commit, BeforeEffects: before}, limit)
				for _, v := range w.Violations {
					t.Errorf("crash at commit %d (effects lost: %t): %s", commit, before, v)
				}
				if rec.Extended != nil && rec.Extended.PercentSuccessful != 100 {
					t.Errorf("seed %d, crash at commit %d: %v %% booted", seed, commit, rec.Extended.PercentSuccessful)
				}
			}
		}
		if t.Failed() {
			t.Fatalf("replay with seed %d", seed)
		}
	}
}

func TestAServiceThatCrashesAfterEachCommitStillFinishes(t *testing.T) {
	w, rec, _ := run(t, sim.Config{Seed: 1, Nodes: room, CrashAt: sim.EveryCommit}, limit)
	for _, v := range w.Violations {
		t.Error(v)
	}
	if rec.Extended == nil || rec.Extended.PercentSuccessful != 100 {
		t.Errorf("status %+v, want all nodes booted", rec.Extended)
	}
}

func TestDeadBMCsFailWhileAnOutageOfAllOthersFailsNobody(t *testing.T) {
	dead := []string{"x1000c0s1b0", "x1000c1s2b1", "x1000c3s0b0"}
	for _, begins := range []time.Duration{2 * time.Second, 4 * time.Second, 5 * time.Second} {
		_, rec, store := run(t, sim.Config{Seed: 7, Nodes: 200, Dead: dead, OutageFrom: begins, OutageFor: 30 * time.Minute}, "")
		if rec.Extended == nil {
			t.Fatalf("outage at %s: the session did not complete", begins)
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
		if got, want := bos.Fold(ids), bos.Fold([]string{
			"x1000c0s1b0n0", "x1000c0s1b0n1", "x1000c1s2b1n0", "x1000c1s2b1n1", "x1000c3s0b0n0", "x1000c3s0b0n1",
		}); got != want {
			t.Errorf("outage at %s: failed %s, want %s", begins, got, want)
		}
	}
}

func TestTheChecksFindBugsMadeOnPurpose(t *testing.T) {
	for name, bug := range map[string]sim.Bug{
		"boot parameters not stored": sim.BugNoBootParameters, "a stranger touched": sim.BugStranger, "reset twice": sim.BugTwice,
	} {
		t.Run(name, func(t *testing.T) {
			w, _, _ := run(t, sim.Config{Seed: 3, Nodes: room, Bug: bug}, limit)
			if len(w.Violations) == 0 {
				t.Error("nothing was found")
			}
		})
	}
}

func TestASeedReplaysExactly(t *testing.T) {
	first, a, _ := run(t, sim.Config{Seed: 11, Nodes: room}, limit)
	second, b, _ := run(t, sim.Config{Seed: 11, Nodes: room}, limit)
	if first.Commits != second.Commits || !first.Now.Equal(second.Now) || a.Status != b.Status {
		t.Errorf("two runs of one seed differ: %d and %d commits, ending %s and %s", first.Commits, second.Commits, first.Now, second.Now)
	}
}
