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

// number is a setting of the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("%s is %q, want a number", name, text)
	}
	return n
}

// folder is where a run keeps its database: in memory where that is at hand, for
// a simulation cuts no power.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sim") //nolint:usetesting // t.TempDir is on a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// world prepares a run on a store of its own.
func world(t *testing.T, c sim.Config) (*sim.World, bos.Store) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(folder(t), "bos.db"))
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
	return w, store
}

// run is one simulated boot on a store of its own.
func run(t *testing.T, c sim.Config, limit string) (*sim.World, bos.SessionRecord, bos.Store) {
	t.Helper()
	w, store := world(t, c)
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

// chaos is all that can go wrong, by one seed.
func chaos(seed uint64) sim.Config {
	c := sim.Config{
		Seed: seed, Nodes: 10, FaultsFor: 20 * time.Minute, CrashShare: 0.03, Writes: 8, Hints: 40, CFS: seed%2 == 0,
		Faults: sim.Faults{Drop: 0.05, Refuse: 0.05, Hang: 0.02, FailBoot: 0.05, FailConfig: 0.05, Stale: 2 * time.Second}, Horizon: 12 * time.Hour,
	}
	of := []sim.Upstream{sim.HSM, sim.BSS, sim.CFS, sim.Power, sim.BMCs}[seed%5]
	c.Outages = []sim.Outage{{Of: of, From: time.Duration(seed%7) * 10 * time.Second, For: 5 * time.Minute}}
	if seed%3 == 0 {
		c.Limits = bos.PowerLimits{Window: 10 * time.Second, Starts: 3, CabinetStarts: 2}
	}
	if seed%4 == 0 {
		c.Dead = []string{"x1000c0s0b0"}
	}
	return c
}

func TestSeedsOfAllThatCanGoWrong(t *testing.T) {
	first, count := uint64(0), number(t, "SIM_SEEDS", 20)
	if os.Getenv("SIM_SEED") != "" {
		first, count = number(t, "SIM_SEED", 0), 1
	}
	for seed := first; seed < first+count; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			w, _, _ := run(t, chaos(seed), limit)
			for _, v := range w.Violations {
				t.Error(v)
			}
			if t.Failed() {
				t.Logf("replay with: make sim SEED=%d", seed)
			}
		})
	}
}

func TestACrashAtEveryCommitIsSurvived(t *testing.T) {
	for seed := range number(t, "SIM_CRASH_SEEDS", 2) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { crashAtEveryCommit(t, sim.Config{Seed: seed, Nodes: room, CFS: seed%2 == 1}) })
	}
}

func crashAtEveryCommit(t *testing.T, c sim.Config) {
	calm, _, _ := run(t, c, limit)
	for _, v := range calm.Violations {
		t.Error(v)
	}
	for c.CrashAt = 1; c.CrashAt <= calm.Commits; c.CrashAt++ {
		for _, c.BeforeEffects = range []bool{false, true} {
			w, rec, _ := run(t, c, limit)
			for _, v := range w.Violations {
				t.Errorf("crash at commit %d (effects lost: %t): %s", c.CrashAt, c.BeforeEffects, v)
			}
			if rec.Extended != nil && rec.Extended.PercentSuccessful != 100 {
				t.Errorf("crash at commit %d: %v %% booted", c.CrashAt, rec.Extended.PercentSuccessful)
			}
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

func TestCrashesBeforeCallsAreSentCostNoAttempts(t *testing.T) {
	w, rec, _ := run(t, sim.Config{Seed: 1, Nodes: room, CrashAt: sim.EveryCommit, BeforeEffects: true, FaultsFor: 10 * time.Minute}, limit)
	for _, v := range w.Violations {
		t.Error(v)
	}
	if rec.Extended == nil || rec.Extended.PercentSuccessful != 100 {
		t.Errorf("status %+v, want all nodes booted once the service stays up", rec.Extended)
	}
}

func TestAServiceThatNeverGetsToSendACallGivesItsNodesUp(t *testing.T) {
	w, rec, _ := run(t, sim.Config{Seed: 1, Nodes: room, CrashAt: sim.EveryCommit, BeforeEffects: true}, limit)
	for _, v := range w.Violations {
		t.Error(v)
	}
	if rec.Extended == nil || rec.Extended.PercentFailed != 100 {
		t.Errorf("status %+v, want an end", rec.Extended)
	}
}

func TestTheChecksFindBugsMadeOnPurpose(t *testing.T) {
	limits := bos.PowerLimits{Window: 10 * time.Second, Starts: 2}
	for name, c := range map[string]sim.Config{
		"boot parameters not stored":     {Bug: sim.BugNoBootParameters},
		"a stranger touched":             {Bug: sim.BugStranger},
		"reset twice":                    {Bug: sim.BugTwice},
		"reset on a guess":               {Bug: sim.BugGuess, Faults: sim.Faults{Hang: 0.5}, FaultsFor: 10 * time.Minute},
		"two effects at once":            {Bug: sim.BugTwoAtOnce},
		"attempts not counted":           {Bug: sim.BugForgetful, Faults: sim.Faults{Drop: 1}, FaultsFor: time.Hour},
		"no power limits":                {Bug: sim.BugNoLimits, Limits: limits},
		"an event without a record":      {Bug: sim.BugInventedEvent},
		"a power action without history": {Bug: sim.BugUnwritten},
		"done too early":                 {Bug: sim.BugLiar},
		"failed without a cause":         {Bug: sim.BugNoCause, Dead: []string{"x1000c0s0b0"}},
		"answers lost":                   {Bug: sim.BugNoAnswer},
		"an attempt more than allowed":   {Bug: sim.BugOneMore, Faults: sim.Faults{Drop: 1}, FaultsFor: time.Hour},
		"given back without a crash":     {Bug: sim.BugUnanswered, Faults: sim.Faults{Hang: 0.9}, FaultsFor: time.Hour},
		"not configured":                 {Bug: sim.BugUnconfigured, CFS: true},
		"a hint taken for a fact":        {Bug: sim.BugHintIsFact, Hints: 200, Faults: sim.Faults{Hang: 0.3, Stale: 5 * time.Second}, FaultsFor: 20 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			c.Seed, c.Nodes, c.Horizon = 3, room, 3*time.Hour
			w, _, _ := run(t, c, limit)
			if len(w.Violations) == 0 {
				t.Fatal("nothing was found")
			}
			t.Log(w.Violations[0])
			c.Bug = sim.BugNone
			if w, _, _ = run(t, c, limit); len(w.Violations) > 0 {
				t.Errorf("found without the bug as well: %s", w.Violations[0])
			}
		})
	}
}

func TestASeedReplaysExactly(t *testing.T) {
	first, a, _ := run(t, chaos(12), limit)
	second, b, _ := run(t, chaos(12), limit)
	if first.Commits != second.Commits || first.Steps != second.Steps || !first.Now.Equal(second.Now) || !a.Status.EndTime.Equal(b.Status.EndTime.Time) {
		t.Errorf("two runs of one seed differ: %d and %d commits, ending %s and %s", first.Commits, second.Commits, first.Now, second.Now)
	}
}
