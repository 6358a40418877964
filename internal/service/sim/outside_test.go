package sim_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/sim"
)

// Nodes that are rebooted from outside boot what is staged, whatever happens to the service
// meanwhile, and no power action of ours comes of it.
func TestThousandRebootsFromOutsideBootWhatIsStaged(t *testing.T) {
	t.Parallel()
	var all sim.Outside
	crashes := 0
	seeds := number(t, "SIM_OUTSIDE_SEEDS", 40)
	for seed := range seeds {
		c := sim.Config{
			Seed: seed, Nodes: 25, FaultsFor: 40 * time.Minute, CrashShare: 0.05, CommitErrors: 0.03, PauseShare: 0.02, StopShare: 0.02, CFS: seed%2 == 0,
			Outages: []sim.Outage{{Of: sim.BSS, From: time.Duration(5+seed%10) * time.Minute, For: 6 * time.Minute}},
		}
		w, store := world(t, c)
		_, err := store.MutateOptions(t.Context(), func(o *bos.Options) error { o.ClearStage = seed%3 == 0; return nil })
		if err != nil {
			t.Fatal(err)
		}
		o, err := w.RebootFromOutside("Compute", 20*time.Minute)
		if err != nil {
			w.Violations = append(w.Violations, err.Error())
		}
		for _, v := range w.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
		all.Add(o)
		crashes += w.Happened[sim.Crash]
		w.End()
	}
	t.Logf("%+v, %d crashes", all, crashes)
	if crashes == 0 {
		t.Error("the service never crashed")
	}
	if all.Resets != 0 {
		t.Errorf("%d resets by the service, want none", all.Resets)
	}
	if all.Booted != all.Reboots || seeds >= 40 && all.Reboots < 900 {
		t.Errorf("%d of %d reboots from outside booted what was staged", all.Booted, all.Reboots)
	}
}

func TestTheDesiredBootParametersArePutBackWhenTheStagingSessionIsCancelled(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		c := sim.Config{Seed: seed, Nodes: 6, FaultsFor: 40 * time.Minute, CrashShare: 0.05, CommitErrors: 0.03}
		w, _ := world(t, c)
		var nodes []string
		for _, n := range w.Room().Inventory().Nodes {
			nodes = append(nodes, n.ID)
		}
		if err := w.UnstageFromOutside(nodes[:3]); err != nil {
			t.Errorf("seed %d: %s", seed, err)
		}
		for _, v := range w.Violations {
			t.Error(v)
		}
		w.End()
	}
}
