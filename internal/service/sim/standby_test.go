package sim_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/sim"
)

// sharing is all that can go wrong with several processes on one store, by one seed.
func sharing(seed uint64) sim.Config {
	c := chaos(seed)
	c.Standbys = 1 + int(seed%2)
	c.LostHints, c.SlowReads = []float64{0, 0.3, 1}[seed%3], []float64{0, 0.02, 0.1}[seed/3%3]
	c.PauseShare, c.StopShare = 0.04, 0.02
	c.Writes, c.Patches = 60, 40
	if seed%5 == 1 {
		c.Deaf = []sim.Away{{From: 10 * time.Second, For: 20 * time.Second}, {From: 2 * time.Minute, For: time.Minute}}
	}
	if seed%2 == 1 {
		c.Queue = 10 * time.Second
	}
	return c
}

// TestSeedsOfSeveralProcesses runs each seed with processes that share a store: whoever
// drives is killed, told to stop, or stopped for a while and wakes believing that it
// drives; hints get lost, reads are slow, clocks step. No power action is sent without the
// lease in force, nor by an engine of an earlier one, none twice, and what a process that
// stands by has acknowledged holds.
func TestSeedsOfSeveralProcesses(t *testing.T) {
	count := number(t, "SIM_SHARED_SEEDS", 60)
	first := number(t, "SIM_SHARED_SEED", 0)
	if first > 0 {
		count = 1
	}
	drawn := make(map[sim.Kind]uint64)
	for seed := first; seed < first+count; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			w, _, _ := run(t, sharing(seed), limit)
			for _, v := range w.Violations {
				t.Error(v)
			}
			for k := range w.Happened {
				drawn[k]++
			}
		})
	}
	for _, k := range sim.StandbyKinds() {
		t.Logf("by %4d seeds: %s", drawn[k], k)
		if count > 20 && drawn[k] == 0 {
			t.Errorf("no seed had %s", k)
		}
	}
}

func TestASeedOfSeveralProcessesReplaysExactly(t *testing.T) {
	first, _, _ := run(t, sharing(8), limit)
	second, _, _ := run(t, sharing(8), limit)
	if first.Commits != second.Commits || first.Steps != second.Steps || !first.Now.Equal(second.Now) {
		t.Errorf("two runs of one seed differ: %d and %d commits, ending %s and %s", first.Commits, second.Commits, first.Now, second.Now)
	}
}

// bugsOfSeveral are mistakes that show where processes share a store.
func bugsOfSeveral() map[string]bug {
	return map[string]bug{
		"a pause acknowledged before it is known": {c: sim.Config{Bug: sim.BugAcknowledgesAtOnce, Queue: 20 * time.Second, Paused: []sim.Away{{From: 4 * time.Second, For: 3 * time.Minute}}, Deaf: []sim.Away{{From: 3 * time.Second, For: 20 * time.Second}}}, finds: "is paused or held"},
		"a node disabled before that is known":    {c: sim.Config{Bug: sim.BugAcknowledgesAtOnce, LostHints: 1, SlowReads: 0.5, Queue: 20 * time.Second, Patches: 400}, finds: "of which nobody wants anything"},
		"a driver that is not told what is asked": {c: sim.Config{Bug: sim.BugAskedUntold, LostHints: 1, Queue: 20 * time.Second, Patches: 400, Deaf: []sim.Away{{From: 4 * time.Second, For: 30 * time.Second}, {From: time.Minute, For: 30 * time.Second}}}, finds: "of which nobody wants anything"},
		"calls of one who lost the lease":         {c: sim.Config{Bug: sim.BugSendsRegardless, PauseShare: 0.4, Queue: 20 * time.Second}, finds: "while the lease is of"},
		"a lease of before that is renewed":       {c: sim.Config{Bug: sim.BugTakesFree, PauseShare: 0.3, Queue: 20 * time.Second}, finds: "by an engine that began under lease"},
		"a lease that is kept":                    {c: sim.Config{Bug: sim.BugKeepsLease, StopShare: 0.3}, finds: "has stopped and keeps the lease"},
		"calls of one who stops":                  {c: sim.Config{Bug: sim.BugSendsRegardless, StopShare: 0.3, Queue: 20 * time.Second}, finds: "after it was told to stop"},
		"a write that the feed misses":            {c: sim.Config{Bug: sim.BugFeedMisses}, finds: "were not complete"},
	}
}

func TestTheChecksFindBugsOfSeveralProcessesMadeOnPurpose(t *testing.T) {
	for name, b := range bugsOfSeveral() {
		t.Run(name, func(t *testing.T) {
			c := b.c
			c.Nodes, c.Standbys, c.FaultsFor, c.Horizon = room, 1, 4*time.Minute, 4*time.Hour
			found := false
			for c.Seed = 1; !found && c.Seed <= 10; c.Seed++ {
				w, _, _ := run(t, c, limit)
				found = slices.ContainsFunc(w.Violations, func(v string) bool { return strings.Contains(v, b.finds) })
				without := c
				without.Bug = sim.BugNone
				if w, _, _ = run(t, without, limit); len(w.Violations) > 0 {
					t.Errorf("found without the bug as well: %s", w.Violations[0])
				}
			}
			if !found {
				t.Errorf("ten seeds found nothing that says %q", b.finds)
			}
		})
	}
}

func TestARoomBootsWhoeverDrives(t *testing.T) {
	w, rec, _ := run(t, sim.Config{Seed: 1, Nodes: room, Standbys: 2}, limit)
	for _, v := range w.Violations {
		t.Error(v)
	}
	if rec.Extended == nil || rec.Extended.PercentSuccessful != 100 {
		t.Errorf("status %+v, want all nodes booted", rec.Extended)
	}
}
