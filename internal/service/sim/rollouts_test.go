package sim_test

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/sim"
)

func percent(n int) bos.Amount { return bos.Amount{N: n, Percent: true} }

// rolloutOf draws a rollout and what goes wrong while it is under way, by one seed.
func rolloutOf(seed uint64, nodes int) sim.Config {
	// So few at a time that it takes a while, and not days, whatever the number of nodes.
	few, down := max(nodes/50, 7), max(nodes/40, 9)
	r := bos.Rollout{
		Canary: bos.Amount{N: 2}, AutoPromote: seed%2 == 0,
		MaxInFlight:    []bos.Amount{{}, percent(10), {N: few}}[seed%3],
		MaxUnavailable: []bos.Amount{percent(20), {}, percent(50), {N: down}}[seed%4],
		FailureBudget:  []*bos.Amount{nil, {N: 1}, {N: 10, Percent: true}}[seed%3],
		By:             bos.RolloutBys()[seed%3],
		MinHealthyTime: bos.Span(time.Duration(seed%3) * 20 * time.Second), HealthyDeadline: bos.Span(20 * time.Minute),
	}
	switch seed % 4 {
	case 0:
		r.Batches = []bos.Amount{percent(5), percent(20), percent(40)}
	case 1:
		r.Strategy, r.InitialBatch = bos.StrategyExponential, percent(2)
	case 2:
		r.Strategy, r.InitialBatch, r.GrowthFactor = bos.StrategyLinear, percent(5), nodes/10
	default:
	}
	switch {
	case seed%10 == 2: // it begins before its window, which is long enough
		r.Window = &bos.RolloutWindow{StartTime: "00:40", LengthMinutes: 600}
	case seed%50 == 47, nodes < 500 && seed%10 == 7: // it begins within its window, which closes for a day
		r.Window = &bos.RolloutWindow{StartTime: "00:00", LengthMinutes: 20 + int(seed%40)}
	case seed%10 == 7:
		r.Freeze = []bos.RolloutFreeze{{From: sim.Epoch.Add(10 * time.Minute), Until: sim.Epoch.Add(35 * time.Minute), Reason: "an experiment"}}
	default:
	}
	c := sim.Config{
		Seed: seed, Nodes: nodes, Rollout: &r, BadImage: seed%3 == 1, Horizon: 20 * 24 * time.Hour, FaultsFor: 30 * time.Minute,
		CrashShare: 0.01, CommitErrors: 0.01, PauseShare: 0.005, StopShare: 0.005, Foreign: 8, Faults: sim.Faults{Drop: 0.01, Refuse: 0.02, FailBoot: float64(seed%2) * 0.02},
		Polling: 60,
	}
	if nodes > 500 { // or nearly each answer would be a step of its own
		c.Grain = 250 * time.Millisecond
	}
	if seed%4 == 3 {
		c.Dead = []string{"x1000c0s4b0", "x1000c0s5b1"}
	}
	if seed%6 == 4 {
		c.Down = 9
	}
	if seed%9 == 5 {
		c.Operation, c.CFS, c.BadImage, c.Faults.FailConfig = bos.OperationConfigure, true, false, 0.02
	}
	return c
}

// managed draws a rollout in a room with a workload manager, by one seed.
func managed(seed uint64, nodes int) sim.Config {
	c := rolloutOf(seed, nodes)
	c.Drains = sim.Drains{
		Jobs: 60, Admins: 20, Lost: 0.05, Health: seed%2 == 1,
		Policy: bos.WorkloadPolicy{
			On: true, Deadline: []time.Duration{5 * time.Minute, time.Hour}[seed/2%2], ReturnDeadline: 30 * time.Minute,
			NotIdle: []bos.NotIdle{bos.NotIdleFail, bos.NotIdleExclude}[seed%2], Unmanaged: bos.UnmanagedFail,
		},
	}
	c.Outages = []sim.Outage{{Of: []sim.Upstream{sim.Manager, sim.Checker}[seed%2], From: time.Duration(seed%9) * time.Minute, For: 7 * time.Minute}}
	return c
}

// TestSeedsOfRolloutsWithAWorkloadManager: the limits of a rollout hold while its nodes
// wait for jobs, and no job is ended, no drain of somebody else lifted and no node left
// drained for it.
func TestSeedsOfRolloutsWithAWorkloadManager(t *testing.T) {
	first, count := uint64(0), min(number(t, "SIM_ROLLOUTS", 12), 1000)
	if os.Getenv("SIM_ROLLOUT") != "" {
		first, count = number(t, "SIM_ROLLOUT", 0), 1
	}
	happened := make(map[sim.Kind]int)
	for seed := first; seed < first+count; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			w, rec := rollOut(t, managed(seed, 40))
			for _, v := range w.Violations[:min(len(w.Violations), 10)] {
				t.Error(v)
			}
			if rec.Rollout == nil || rec.Rollout.Phase != bos.RolloutComplete {
				t.Errorf("the rollout is %+v", rec.Rollout)
			}
			for k, n := range w.Happened {
				happened[k] += n
			}
			t.Logf("%s of virtual time: %s", w.Now.Sub(sim.Epoch), w.Rollouts)
		})
	}
	for _, k := range []sim.Kind{sim.DrainWaited, sim.DrainForeign, sim.DrainReturned, sim.DrainLost, sim.DrainKept} {
		if t.Logf("%6d times: %s", happened[k], k); happened[k] == 0 && count >= 10 {
			t.Errorf("%d seeds had no %s", count, k)
		}
	}
}

// rollOut runs a rollout of a reboot.
func rollOut(t *testing.T, c sim.Config) (*sim.World, bos.SessionRecord) {
	t.Helper()
	w, _ := world(t, c)
	rec, err := w.Run(cmp.Or(c.Operation, bos.OperationReboot), "")
	if err != nil {
		w.Violations = append(w.Violations, err.Error())
	}
	return w, rec
}

// seedsOfRollouts runs so many rollouts unless the environment wants others, and returns how
// many of them had each kind of thing happen.
func seedsOfRollouts(t *testing.T, some uint64, config func(seed uint64, nodes int) sim.Config) (drawn map[sim.Kind]int, count uint64) {
	t.Helper()
	first, count, nodes := uint64(0), some, number(t, "SIM_ROLLOUT_NODES", 60)
	if os.Getenv("SIM_ROLLOUT") != "" {
		first, count = number(t, "SIM_ROLLOUT", 0), 1
	}
	drawn, all := make(map[sim.Kind]int), sim.Tally{}
	for seed := first; seed < first+count; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			w, rec := rollOut(t, config(seed, int(nodes)))
			for _, v := range w.Violations[:min(len(w.Violations), 10)] {
				t.Error(v)
			}
			if rec.Rollout == nil || rec.Rollout.Phase != bos.RolloutComplete {
				t.Errorf("the rollout is %+v", rec.Rollout)
			}
			for k := range w.Happened {
				drawn[k]++
			}
			all.Add(w.Rollouts)
			t.Logf("%d commits, %d steps, %s of virtual time: %s", w.Commits, w.Steps, w.Now.Sub(sim.Epoch), w.Rollouts)
		})
	}
	t.Logf("%d rollouts of %d nodes: %s", count, nodes, all)
	return drawn, count
}

// TestSeedsOfRollouts runs rollouts with dead nodes, crashes, engines that start afresh
// and bad images, and holds them against each of their limits.
func TestSeedsOfRollouts(t *testing.T) {
	drawn, count := seedsOfRollouts(t, number(t, "SIM_ROLLOUTS", 24), rolloutOf)
	if count > 20 {
		for _, k := range sim.RolloutKinds() {
			if drawn[k] == 0 {
				t.Errorf("no seed had %s", k)
			}
		}
	}
}

func TestTheChecksOfRolloutsFindBugsMadeOnPurpose(t *testing.T) {
	base := bos.Rollout{Canary: bos.Amount{N: 2}, AutoPromote: true, Batches: []bos.Amount{{N: 5}}, HealthyDeadline: bos.Span(20 * time.Minute)}
	none := bos.Amount{}
	for name, b := range map[string]struct {
		bug   sim.Bug
		with  func(*sim.Config)
		finds string
	}{
		"a budget that nobody heeds": {sim.BugNoBudget, func(c *sim.Config) {
			c.Rollout.FailureBudget, c.Dead = &none, []string{"x1000c0s2b0"}
		}, "the budget is 0"},
		"starts outside of the window": {sim.BugNoWindow, func(c *sim.Config) {
			c.Rollout.Window = &bos.RolloutWindow{StartTime: "02:00", LengthMinutes: 30}
		}, "outside of the window"},
		"nodes that are down and not counted": {sim.BugNoUnavailable, func(c *sim.Config) {
			c.Rollout.MaxUnavailable, c.Dead = bos.Amount{N: 3}, []string{"x1000c0s6b0"}
			c.Rollout.FailureBudget = &bos.Amount{N: 50, Percent: true}
		}, "max_unavailable allows 3"},
		"more in flight than may":       {sim.BugNoInFlight, func(c *sim.Config) { c.Rollout.MaxInFlight = bos.Amount{N: 2} }, "max_in_flight allows 2"},
		"a bad image beyond the canary": {sim.BugNoCanary, func(c *sim.Config) { c.BadImage = true }, "with a bad image"},
		"a node that keeps the queue":   {sim.BugNoDeadline, func(c *sim.Config) { c.BadImage = true; c.Rollout.HealthyDeadline = bos.Span(5 * time.Minute) }, "its deadline is 5m0s"},
		"nodes that wait for nobody":    {sim.BugNoQueue, func(*sim.Config) {}, "whose turn has not come"},
	} {
		t.Run(name, func(t *testing.T) {
			r := base
			c := sim.Config{Seed: 5, Nodes: 40, Rollout: &r, Horizon: 48 * time.Hour}
			b.with(&c)
			c.Bug = b.bug
			w, _ := rollOut(t, c)
			if !slices.ContainsFunc(w.Violations, func(v string) bool { return strings.Contains(v, b.finds) }) {
				t.Fatalf("found %q, want a violation that says %q", w.Violations, b.finds)
			}
			c.Bug = sim.BugNone
			if w, _ = rollOut(t, c); len(w.Violations) > 0 {
				t.Errorf("found without the bug as well: %s", w.Violations[0])
			}
		})
	}
}
