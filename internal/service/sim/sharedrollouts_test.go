package sim_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/sim"
)

// sharedRollout draws a rollout whose engine changes hands: several processes share a store,
// and people pause, promote and resume through whichever answers.
func sharedRollout(seed uint64, nodes int) sim.Config {
	c := rolloutOf(seed, nodes)
	c.Standbys = 1 + int(seed%2)
	c.LostHints, c.SlowReads = []float64{0, 0.3, 1}[seed%3], []float64{0, 0.02, 0.1}[seed/3%3]
	c.PauseShare, c.StopShare = 0.02, 0.01
	if seed%3 == 2 { // whenever its nodes are in work
		for at := 3 * time.Minute; at < time.Hour; at += 3 * time.Minute {
			c.Paused = append(c.Paused, sim.Away{From: at, For: time.Minute})
		}
	}
	if seed%5 == 1 {
		c.Deaf = []sim.Away{{From: 10 * time.Second, For: 20 * time.Second}, {From: 5 * time.Minute, For: time.Minute}}
	}
	if seed%2 == 1 {
		c.Queue = 10 * time.Second
	}
	return c
}

// TestSeedsOfRolloutsWithSeveralProcesses: each limit of a rollout holds whoever drives, and
// whoever is asked to pause, promote and resume it.
func TestSeedsOfRolloutsWithSeveralProcesses(t *testing.T) {
	drawn, count := seedsOfRollouts(t, min(number(t, "SIM_ROLLOUTS", 12), 1000), sharedRollout)
	for _, k := range []sim.Kind{sim.TakenOver, sim.BrakeElsewhere, sim.RolloutPromoted, sim.RolloutHalted, sim.WokeToTaken, sim.HandedOver, sim.SitePaused} {
		if t.Logf("by %4d seeds: %s", drawn[k], k); drawn[k] == 0 && count >= 10 {
			t.Errorf("no seed had %s", k)
		}
	}
}
