package sim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/sim"
)

// bug is a mistake made on purpose, in a run in which it shows.
type bug struct {
	c     sim.Config
	finds string // by the check that is meant to
	// rare is how many seeds more may be needed until it shows.
	rare uint64
}

// bugs are all of them.
func bugs() map[string]bug {
	limits := bos.PowerLimits{Window: 10 * time.Second, Starts: 2}
	return map[string]bug{
		"boot parameters not stored":      {c: sim.Config{Bug: sim.BugNoBootParameters}, finds: "without the boot parameters"},
		"a stranger touched":              {c: sim.Config{Bug: sim.BugStranger}, finds: "which no session touches"},
		"reset twice":                     {c: sim.Config{Bug: sim.BugTwice}, finds: "times, once was needed"},
		"reset on a guess":                {c: sim.Config{Bug: sim.BugGuess, Faults: sim.Faults{Hang: 0.5}, FaultsFor: 10 * time.Minute}, finds: "whose power is not known"},
		"two effects at once":             {c: sim.Config{Bug: sim.BugTwoAtOnce}, finds: "is under way"},
		"attempts not counted":            {c: sim.Config{Bug: sim.BugForgetful, Faults: sim.Faults{Drop: 1}, FaultsFor: time.Hour}, finds: "was powered on 7 times"},
		"no power limits":                 {c: sim.Config{Bug: sim.BugNoLimits, Limits: limits}, finds: "3 power-ons within 10s"},
		"an event without a record":       {c: sim.Config{Bug: sim.BugInventedEvent}, finds: "whose record was not written"},
		"a power action without history":  {c: sim.Config{Bug: sim.BugUnwritten}, finds: "is not in the history"},
		"done too early":                  {c: sim.Config{Bug: sim.BugLiar}, finds: "counts as booted"},
		"failed without a cause":          {c: sim.Config{Bug: sim.BugNoCause, Dead: []string{"x1000c0s0b0"}}, finds: "failed without a cause"},
		"answers lost":                    {c: sim.Config{Bug: sim.BugNoAnswer}, finds: "were not complete"},
		"an attempt more than allowed":    {c: sim.Config{Bug: sim.BugOneMore, Faults: sim.Faults{Drop: 1}, FaultsFor: time.Hour}, finds: "is attempt 4, its limit is 3"},
		"given back without a crash":      {c: sim.Config{Bug: sim.BugUnanswered, Faults: sim.Faults{Hang: 0.9}, FaultsFor: time.Hour}, finds: "got an attempt back"},
		"not configured":                  {c: sim.Config{Bug: sim.BugUnconfigured, CFS: true}, finds: "counts as configured"},
		"a hint taken for a fact":         {c: sim.Config{Bug: sim.BugHintIsFact, Hints: 200, Faults: sim.Faults{Hang: 0.3, Stale: 5 * time.Second}, FaultsFor: 20 * time.Minute}, finds: "whose power is not known"},
		"a reset sent a third time":       {c: sim.Config{Bug: sim.BugAgainAndAgain, Faults: sim.Faults{Drop: 0.9}, FaultsFor: time.Hour}, finds: "is sent a third time"},
		"a reset sent again too early":    {c: sim.Config{Bug: sim.BugHasty, Faults: sim.Faults{Drop: 0.9}, FaultsFor: time.Hour}, finds: "is sent again after"},
		"calls of an engine forgotten":    {c: sim.Config{Bug: sim.BugForgetsCalls, CommitErrors: 0.5, Patches: 20, Faults: sim.Faults{Hang: 0.2}, Outages: []sim.Outage{{Of: sim.BSS, For: 2 * time.Minute}}, FaultsFor: 4 * time.Minute}, finds: "is under way"},
		"all unknown taken for each one":  {c: sim.Config{Bug: sim.BugUnknownIsAlone, Outages: []sim.Outage{{Of: sim.Endpoints, From: time.Second, For: time.Hour}}}, finds: "had forgotten everybody"},
		"calls of one who lost the lease": {c: sim.Config{Bug: sim.BugSendsRegardless, PauseShare: 0.4, FaultsFor: 10 * time.Minute}, finds: "while the lease is of"},
		"calls that nobody wants":         {c: sim.Config{Bug: sim.BugSendsRegardless, Patches: 300, Queue: 20 * time.Second, FaultsFor: 4 * time.Minute}, finds: "of which nobody wants anything"},
		"calls of before a pause":         {c: sim.Config{Bug: sim.BugSendsRegardless, Paused: []sim.Away{{From: 4 * time.Second, For: 10 * time.Minute}}, Queue: 20 * time.Second, FaultsFor: 20 * time.Minute}, finds: "is paused or held"},
		"a pause that nobody knows":       {c: sim.Config{Bug: sim.BugNoPause, Paused: []sim.Away{{From: 1500 * time.Millisecond, For: 10 * time.Minute}}}, finds: "is paused or held"},
		"boot parameters in a pause":      {c: sim.Config{Bug: sim.BugBootUnasked, Paused: []sim.Away{{From: 1500 * time.Millisecond, For: 10 * time.Minute}}}, finds: "sends boot parameters"},
		"a held node is set up":           {c: sim.Config{Bug: sim.BugHoldUnseen, Held: "x1000c0s0b0n0"}, finds: "which is held"},
		"waits that run on in a pause":    {c: sim.Config{Bug: sim.BugClockRuns, Faults: sim.Faults{FailBoot: 1}, FaultsFor: 30 * time.Minute, Paused: []sim.Away{{From: 20 * time.Second, For: time.Hour}}}, finds: "has booted for"},
		"staged is taken for applied":     {c: sim.Config{Bug: sim.BugStageIsApplied, Writes: 120, FaultsFor: 4 * time.Minute}, finds: "is to stage and works on", rare: 20},
		"a tenant has all nodes":          {c: sim.Config{Bug: sim.BugAllTenants, Writes: 60, FaultsFor: 4 * time.Minute}, finds: "which the tenant has not", rare: 20},
		"a short inventory is believed":   {c: sim.Config{Bug: sim.BugTrustsInventory, Outages: []sim.Outage{{Of: sim.HalfInventory, From: 3 * time.Second, For: time.Hour}}, Faults: sim.Faults{Drop: 1}, FaultsFor: 10 * time.Minute}, finds: "nobody deleted it"},
		"no answer taken for no reset":    {c: sim.Config{Bug: sim.BugTimeoutIsNothing, Faults: sim.Faults{Deaf: 1}, FaultsFor: time.Hour}, finds: "was powered on"},
		"another image taken for stored":  {c: sim.Config{Bug: sim.BugReadyByFlag, Patches: 200, Faults: sim.Faults{Refuse: 0.6}, FaultsFor: 4 * time.Minute}, finds: "without the boot parameters"},
		"waits that run on meanwhile":     {c: sim.Config{Bug: sim.BugNeverAway, Away: []sim.Away{{From: 4500 * time.Millisecond, For: time.Hour}}}, finds: "has taken yet"},
		"waits by the wall clock":         {c: sim.Config{Bug: sim.BugWallClock, Steps: []sim.ClockStep{{At: 3500 * time.Millisecond, By: time.Hour}}}, finds: "has booted for"},
		"waits by a clock set back":       {c: sim.Config{Bug: sim.BugWallClock, Faults: sim.Faults{Drop: 1}, FaultsFor: 10 * time.Minute, Steps: []sim.ClockStep{{At: time.Minute, By: -24 * time.Hour}}}, finds: "were not complete"},
		"answers as old as questions":     {c: sim.Config{Bug: sim.BugAgeOfQuestion, Polling: 1, Slow: 4 * time.Second}, finds: "were not complete"},
		"an outage that never ends":       {c: sim.Config{Bug: sim.BugOutageForever, Dead: []string{"x1000c0s0b0"}}, finds: "were not complete"},
		"a write that the feed misses":    {c: sim.Config{Bug: sim.BugFeedMisses}, finds: "were not complete"},
		"a node that is not counted":      {c: sim.Config{Bug: sim.BugMemberLost}, finds: "is complete and tells of"},
		"a torn tally":                    {c: sim.Config{Bug: sim.BugTallyTorn}, finds: "is complete and tells of"},
		"answers to an engine before":     {c: sim.Config{Bug: sim.BugOldAnswers, CommitErrors: 0.3, Writes: 200, FaultsFor: 4 * time.Minute}, finds: "whose power is not known"},
		"what nobody could confirm":       {c: sim.Config{Bug: sim.BugCleansAtOnce, Away: []sim.Away{{From: time.Minute, For: 5 * time.Hour}}, FaultsFor: 6 * time.Hour}, finds: "is forgotten after"},
		"an answer for what was before":   {c: sim.Config{Bug: sim.BugAnswerIsForAll, Meddle: 1, Patches: 300, Faults: sim.Faults{Refuse: 0.6}, FaultsFor: 4 * time.Minute}, finds: "without the boot parameters"},
		"a name that nobody knows":        {c: sim.Config{Bug: sim.BugKnowsEveryName, Writes: 200, FaultsFor: 4 * time.Minute}, finds: "nobody knows whom"},
		"no room taken for stored":        {c: sim.Config{Bug: sim.BugFullIsStored, CommitErrors: 0.5, FaultsFor: 10 * time.Minute}, finds: "which the history does not order"},
		"a lease that is kept":            {c: sim.Config{Bug: sim.BugKeepsLease, StopShare: 0.3, FaultsFor: 4 * time.Minute}, finds: "has stopped and keeps the lease"},
		"calls of one who stops":          {c: sim.Config{Bug: sim.BugSendsRegardless, StopShare: 0.3, Queue: 20 * time.Second, FaultsFor: 4 * time.Minute}, finds: "after it was told to stop"},
		"a stop that forgets":             {c: sim.Config{Bug: sim.BugStopsUnheard, StopShare: 1, Queue: 20 * time.Second, FaultsFor: 4 * time.Minute}, finds: "got an attempt back"},
		"a proof that is not there":       {c: sim.Config{Bug: sim.BugProofInvented, Polling: 1, Proof: bos.BootProof{Kind: bos.ProofTCP, Port: 22}}, finds: "is taken for booted"},
		"a proof of another boot":         {c: sim.Config{Bug: sim.BugProofOfAnother, Proof: bos.BootProof{Kind: bos.ProofPhoneHome}, Patches: 300, FaultsFor: 4 * time.Minute}, finds: "is taken for booted"},
		"a proof asked for too late":      {c: sim.Config{Bug: sim.BugProofAskedLate, Proof: bos.BootProof{Kind: bos.ProofTCP, Port: 22}, AwayAtPowerOn: time.Hour}, finds: "whose proof was missing before it was powered on, and is there"},
		"a state asked for too late":      {c: sim.Config{Bug: sim.BugProofAskedLate, Proof: bos.BootProof{Kind: bos.ProofReady}, AwayAtPowerOn: time.Hour}, finds: "is there"},
		"a session that waits for nobody": {c: sim.Config{Bug: sim.BugNoOverlap, Writes: 200, FaultsFor: 4 * time.Minute}, finds: "which is at work on it"},
		"a session after its successor":   {c: sim.Config{Bug: sim.BugForgetsReplaced, Writes: 500, Faults: sim.Faults{Refuse: 0.7}, Outages: []sim.Outage{{Of: sim.BSS, For: 5 * time.Minute}}, FaultsFor: 10 * time.Minute}, finds: "created in its place and has begun", rare: 60},
		"calls for the session before":    {c: sim.Config{Bug: sim.BugSendsRegardless, Writes: 200, Queue: 20 * time.Second, FaultsFor: 4 * time.Minute}, finds: "and the node is of session"},
		"a power-on that has not shown":   {c: sim.Config{Bug: sim.BugForgetsUnseen, TakeOver: 0.7, Faults: sim.Faults{Stale: 4 * time.Second}, FaultsFor: 4 * time.Minute}, finds: "counts as off and is", rare: 20},
		"a power-off that has not shown":  {c: sim.Config{Bug: sim.BugForgetsUnseen, TakeOver: 0.5, Patches: 60, Faults: sim.Faults{Stale: 4 * time.Second}, FaultsFor: 20 * time.Minute}, finds: "counts as booted and is powering_off", rare: 40},
		"a node to configure that is on":  {c: sim.Config{Bug: sim.BugForgetsUnseen, TakeOver: 0.7, Faults: sim.Faults{Stale: 4 * time.Second}, FaultsFor: 4 * time.Minute}, finds: "is left out as it is off", rare: 20},
		"a machine without its record":    {c: sim.Config{Bug: sim.BugForgetsDeparted, TakeOver: 0.9, Faults: sim.Faults{Stale: 4 * time.Second}, FaultsFor: 4 * time.Minute}, finds: "counts as off and is", rare: 20},
		"a node asked twice at a time":    {c: sim.Config{Bug: sim.BugAsksTwice}, finds: "while it is being asked"},
	}
}

func TestTheChecksFindBugsMadeOnPurpose(t *testing.T) { findBugs(t, bugs()) }

// findBugs shows that the checks find each of them, and nothing without it.
func findBugs(t *testing.T, bugs map[string]bug) {
	t.Helper()
	for name, b := range bugs {
		t.Run(name, func(t *testing.T) {
			c := b.c
			c.Nodes, c.Horizon = room, 3*time.Hour+c.FaultsFor
			found := func(v string) bool { return strings.Contains(v, b.finds) }
			var w *sim.World
			for c.Seed = 3; ; c.Seed++ { // what comes about rarely needs some seeds
				if w, _, _ = run(t, c, limit); slices.ContainsFunc(w.Violations, found) {
					break
				}
				if c.Seed > 3+b.rare {
					t.Fatalf("found %q, want a violation that says %q", w.Violations, b.finds)
				}
			}
			c.Bug = sim.BugNone
			if w, _, _ = run(t, c, limit); len(w.Violations) > 0 {
				t.Errorf("found without the bug as well: %s", w.Violations[0])
			}
		})
	}
}
