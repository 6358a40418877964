package sim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/service/sim"
)

// session runs one session more and returns its record.
func session(t *testing.T, w *sim.World, store bos.Store, op bos.Operation, limit string) bos.SessionRecord {
	t.Helper()
	key, err := w.RunSession(op, limit)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := store.Session(t.Context(), key)
	if err != nil || rec.Extended == nil {
		t.Fatalf("%+v, %v", rec, err)
	}
	return rec
}

// resets are those of each node since the session before, by their types.
func resets(w *sim.World, before map[string]int) map[string][]string {
	kinds := make(map[string][]string)
	for _, n := range w.Room().Inventory().Nodes {
		all := w.Room().Resets(n.ID)
		for _, r := range all[before[n.ID]:] {
			kinds[n.ID] = append(kinds[n.ID], r.Type)
		}
		before[n.ID] = len(all)
	}
	return kinds
}

func TestOfSixThousandNodesThreeThatNeverPowerOffFailAndARetryHealsThem(t *testing.T) {
	const nodes = 6000
	stuck := []string{"x1000c0s1b0n0", "x1003c2s4b1n1", "x1011c5s7b0n1"}
	w, store := world(t, sim.Config{Seed: 6, Nodes: nodes})
	done := make(map[string]int)
	w.Start()
	session(t, w, store, bos.OperationBoot, "")
	resets(w, done)

	rule := fault.Rule{Name: "stuck", Fault: fault.Drop, Resets: "off", Nodes: strings.Join(stuck, ",")}
	if err := w.Room().AddFaults(w.Now, rule); err != nil {
		t.Fatal(err)
	}
	reboot := session(t, w, store, bos.OperationReboot, "")
	onlyTheseFailed(t, w, store, bos.CausePowerOffTimeout, stuck)
	if s := reboot.Extended; s.ManagedComponentsCount != nodes || s.PercentSuccessful != 99.95 || s.PercentFailed != 0.05 {
		t.Errorf("%+v; want 5997 of 6000 successful", s)
	}
	did := resets(w, done)
	if len(did) != nodes-len(stuck) {
		t.Errorf("%d nodes were reset, want 5997", len(did))
	}
	for id, kinds := range did {
		if len(kinds) != 2 || kinds[1] != machineroom.ResetOn {
			t.Fatalf("%s was reset by %v, want a power-off and On", id, kinds)
		}
	}

	var limit string
	for _, failed := range reboot.Extended.ErrorSummary {
		limit = failed.List
	}
	if got := strings.Split(limit, ","); !slices.Equal(got, stuck) {
		t.Fatalf("the status names %q, want %q, as a limit takes them", got, stuck)
	}
	if w.Room().LiftFaults("stuck") != 1 {
		t.Fatal("there is no fault to lift")
	}
	retry := session(t, w, store, bos.OperationReboot, bos.Fold(strings.Split(limit, ",")))
	onlyTheseFailed(t, w, store, bos.CauseNone, nil)
	if s := retry.Extended; s.ManagedComponentsCount != len(stuck) || s.PercentSuccessful != 100 {
		t.Errorf("the retry ended as %+v", s)
	}
	if did := resets(w, done); len(did) != len(stuck) {
		t.Errorf("the retry reset %v, want just %q", did, stuck)
	}
}
