package sim_test

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/service/sim"
)

// TestNoNodeIsForcedOffBeforeAGracefulPowerOffHadItsTime reboots a room whose BMCs do
// not take the graceful power-off at first, or break over it.
func TestNoNodeIsForcedOffBeforeAGracefulPowerOffHadItsTime(t *testing.T) {
	for kind, times := range map[fault.Kind]int{fault.NotReady: 3, fault.Refuse: 3, fault.Break: 0, fault.Cut: 0} {
		t.Run(string(kind), func(t *testing.T) {
			rule := fault.Rule{Fault: kind, Resets: "graceful", Times: times, Nodes: "x1000c0s3b0n[0-1],x1000c0s4b0n0"}
			w, store := world(t, sim.Config{Seed: 5, Nodes: 40})
			w.Start()
			session(t, w, store, bos.OperationBoot, "")
			if err := w.Room().AddFaults(w.Now, rule); err != nil {
				t.Fatal(err)
			}
			rec := session(t, w, store, bos.OperationShutdown, "")
			onlyTheDeadFailed(t, w, store, nil)
			least := bos.DefaultOptions().Policy().MaxPowerOffWait
			for _, n := range w.Room().Inventory().Nodes {
				for _, r := range w.Room().Resets(n.ID) {
					if r.Type == "ForceOff" && (times > 0 || r.Time.Sub(rec.Status.StartTime.Time) < least) {
						t.Errorf("%s was forced off %s after the start", n.ID, r.Time.Sub(rec.Status.StartTime.Time))
					}
				}
			}
		})
	}
}
