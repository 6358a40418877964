package sim_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/sim"
)

// drainsOf draws what goes wrong in a room with a workload manager, by one seed.
func drainsOf(seed uint64) sim.Config {
	c := chaos(seed)
	c.Outages = append(c.Outages, sim.Outage{Of: []sim.Upstream{sim.Manager, sim.Checker}[seed%2], From: time.Duration(seed%9) * 20 * time.Second, For: 7 * time.Minute})
	c.Drains = sim.Drains{
		Up: limit, Jobs: 60, Admins: 20, Lost: 0.1, Health: seed%2 == 1,
		Policy: bos.WorkloadPolicy{
			On: true, Deadline: []time.Duration{5 * time.Minute, time.Hour}[seed/2%2], ReturnDeadline: 30 * time.Minute,
			NotIdle: []bos.NotIdle{bos.NotIdleFail, bos.NotIdleExclude}[seed%2], Unmanaged: bos.UnmanagedFail,
		},
	}
	return c
}

func TestSeedsOfDrains(t *testing.T) {
	first, count := uint64(0), min(number(t, "SIM_SEEDS", 40), 1000)
	if os.Getenv("SIM_SEED") != "" {
		first, count = number(t, "SIM_SEED", 0), 1
	}
	happened := make(map[sim.Kind]int)
	for seed := first; seed < first+count; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			w, _, _ := run(t, drainsOf(seed), limit)
			for _, v := range w.Violations {
				t.Error(v)
			}
			for k, n := range w.Happened {
				happened[k] += n
			}
			if t.Failed() {
				t.Logf("replay with: make sim SEED=%d", seed)
			}
		})
	}
	for _, k := range sim.DrainKinds() {
		if t.Logf("%6d times: %s", happened[k], k); happened[k] == 0 && count >= 20 {
			t.Errorf("%d seeds had no %s", count, k)
		}
	}
}

func TestACrashAtEveryCommitOfADrainIsSurvived(t *testing.T) {
	c := sim.Config{Seed: 2, Nodes: room, FaultsFor: time.Minute, Drains: drainsOf(3).Drains}
	c.Drains.Lost, c.Drains.Jobs, c.Drains.Admins, c.Drains.Policy.Deadline = 0, 0, 0, time.Hour
	crashAtEveryCommit(t, c)
}

// drainBugs are those of drains.
func drainBugs() map[string]bug {
	c := sim.Config{FaultsFor: 20 * time.Minute, Drains: drainsOf(1).Drains}
	with := func(b sim.Bug) sim.Config { c.Bug = b; return c }
	returns := with(sim.BugReturnsOnce)
	returns.Drains.Lost, returns.Writes = 0.6, 60
	return map[string]bug{
		"a foreign drain lifted":    {c: with(sim.BugLiftsForeign), finds: "by somebody else (\"a bad DIMM\") is lifted"},
		"jobs not seen":             {c: with(sim.BugJobsUnseen), finds: "ends a job on it"},
		"a return tried once":       {c: returns, finds: "stays drained for", rare: 20},
		"unknown taken for healthy": {c: with(sim.BugUnknownIsHealthy), finds: "nobody called it healthy"},
	}
}

func TestTheChecksFindBugsOfDrains(t *testing.T) { findBugs(t, drainBugs()) }
