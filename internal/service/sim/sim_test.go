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
	t.Cleanup(w.End)
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
		Seed: seed, Nodes: 10, FaultsFor: 20 * time.Minute, CrashShare: 0.03, CommitErrors: 0.02, PauseShare: 0.02, Writes: 16, Hints: 40, CFS: seed%2 == 0,
		Faults: sim.Faults{Drop: 0.05, Refuse: 0.05, Hang: 0.02, FailBoot: 0.05, FailConfig: 0.05, Deaf: float64(seed%3) * 0.1, Stale: 2 * time.Second}, Horizon: 12 * time.Hour,
	}
	of := []sim.Upstream{sim.HSM, sim.BSS, sim.CFS, sim.Power, sim.BMCs, sim.Endpoints, sim.HalfInventory, sim.NoInventory}[seed%8]
	c.Outages = []sim.Outage{{Of: of, From: time.Duration(seed%7) * 10 * time.Second, For: 5 * time.Minute}}
	if of == sim.Endpoints {
		// Long ones let nobody come so far as a power action: short ones are in the midst of them.
		c.Outages[0].From += 2 * time.Minute
		for at := time.Duration(20+seed%7) * 100 * time.Millisecond; at < time.Minute; at += 4 * time.Second {
			c.Outages = append(c.Outages, sim.Outage{Of: of, From: at, For: time.Second})
		}
	}
	if seed%3 == 0 {
		c.Limits = bos.PowerLimits{Window: 10 * time.Second, Starts: 3, CabinetStarts: 2}
	}
	c.StopShare = 0.01
	c.Proof = []bos.BootProof{2: {Kind: bos.ProofPhoneHome}, 5: {Kind: bos.ProofTCP, Port: 22}, 8: {Kind: bos.ProofReady}, 10: {}}[seed%11]
	if c.Proof.Asked() && seed%2 == 0 {
		c.AwayAtPowerOn = time.Hour
	}
	c.Polling = []int{0, 1, 9, 60, 0}[seed%5]
	if seed%3 == 1 {
		c.TakeOver = 0.15
	}
	c.Portion = []int{0, 1, 0, 5, 0, 16, 2}[seed%7]
	if seed%5 == 3 {
		c.Queue = 20 * time.Second
	}
	if seed%4 == 2 {
		c.Meddle = 0.2
	}
	if seed%6 == 1 {
		c.Slow = []time.Duration{3 * time.Second, 40 * time.Second, time.Minute}[seed%3]
	}
	if seed%7 < 3 {
		// Longer than any node may boot.
		c.Away = []sim.Away{{From: time.Duration(2500+100*(seed%50)) * time.Millisecond, For: time.Hour}}
	}
	for i := range seed % 4 {
		step := []time.Duration{time.Hour, -time.Hour, 8 * 24 * time.Hour}[(seed+i)%3]
		c.Steps = append(c.Steps, sim.ClockStep{At: time.Duration(2500+100*(seed%40)+100_000*i) * time.Millisecond, By: step})
	}
	if seed%4 == 0 {
		c.Dead = []string{"x1000c0s0b0"}
	}
	if seed%10 == 7 {
		c.Nodes, c.Dead = 30, []string{"x1000c0s0b0", "x1000c0s2b1", "x1000c0s5b0"}
	}
	if seed%9 == 5 {
		// Longer than any node may boot, or just a moment.
		long := []time.Duration{10 * time.Second, 25 * time.Minute}[seed%2]
		c.Full = []sim.Away{{From: time.Duration(2500+100*(seed%80)) * time.Millisecond, For: long}}
	}
	return c
}

// TestSeedsOfAllThatCanGoWrong runs each seed, and counts what went wrong in them: what
// is never drawn is not tested, whatever the seeds say.
func TestSeedsOfAllThatCanGoWrong(t *testing.T) {
	first, count := uint64(0), number(t, "SIM_SEEDS", 200)
	if os.Getenv("SIM_SEED") != "" {
		first, count = number(t, "SIM_SEED", 0), 1
	}
	happened, drawn := make(map[sim.Kind]int), make(map[sim.Kind]uint64)
	defer func() {
		for _, k := range sim.Kinds() {
			t.Logf("%6d times, by %4d seeds: %s", happened[k], drawn[k], k)
			if least := count / 50; drawn[k] < least {
				t.Errorf("%d of %d seeds had %s, want at least %d", drawn[k], count, k, least)
			}
		}
	}()
	for seed := first; seed < first+count; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			w, _, _ := run(t, chaos(seed), limit)
			for _, v := range w.Violations {
				t.Error(v)
			}
			for k, n := range w.Happened {
				happened[k] += n
				drawn[k]++
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

func TestASeedReplaysExactly(t *testing.T) {
	first, a, _ := run(t, chaos(12), limit)
	second, b, _ := run(t, chaos(12), limit)
	if first.Commits != second.Commits || first.Steps != second.Steps || !first.Now.Equal(second.Now) || !a.Status.EndTime.Equal(b.Status.EndTime.Time) {
		t.Errorf("two runs of one seed differ: %d and %d commits, ending %s and %s", first.Commits, second.Commits, first.Now, second.Now)
	}
}

func TestASessionEndsInARoomAFifthOfWhichIsDeadForGood(t *testing.T) {
	dead := []string{"x1000c0s0b0", "x1000c0s1b0", "x1000c0s2b0"}
	w, rec, _ := run(t, sim.Config{Seed: 7, Nodes: 20, Dead: dead, Horizon: time.Hour}, "")
	for _, v := range w.Violations {
		t.Error(v)
	}
	if s := rec.Extended; s == nil || s.PercentFailed < 15 || s.PercentFailed > 40 || s.PercentSuccessful+s.PercentFailed != 100 {
		t.Errorf("status %+v, want all nodes done and those of the dead BMCs failed", s)
	}
}
