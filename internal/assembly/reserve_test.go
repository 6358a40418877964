package assembly

import (
	"slices"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// TestNodesAndTheirBMCsAreReservedWhileTheyAreReset: what two calls share is given back
// by the last, and of a node that it does not get whole a call keeps nothing.
func TestNodesAndTheirBMCsAreReservedWhileTheyAreReset(t *testing.T) {
	room, err := emulator.Start(t.Context(), emulator.ServerConfig{Config: machineroom.Config{Nodes: 8, NodesPerBMC: 2, Seed: 1}, Listen: "127.0.0.1:0", StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer room.Close() //nolint:errcheck // nothing is kept
	ids := []string{}
	for _, n := range room.Room().Inventory().Nodes {
		ids = append(ids, n.ID)
	}
	first, second, locked := ids[0], ids[1], ids[2]
	bmc := bos.BMCOf(first)
	if bos.BMCOf(second) != bmc || !room.Room().SetLocked(bos.BMCOf(locked), true) {
		t.Fatalf("the room has the nodes %v", ids)
	}
	c := hsm.New(transport.Upstream{URL: room.Endpoints().HSM})
	reserved := func() map[string]bool {
		all := make(map[string]bool)
		for _, l := range room.Room().Locks(time.Now()) {
			if l.Reserved {
				all[l.ID] = true
			}
		}
		return all
	}
	kept, release, err := c.Reserve(t.Context(), []string{first, locked})
	if err != nil || len(kept) != 1 || kept[locked].Cause != bos.CauseLocked {
		t.Fatalf("kept %v, %v", kept, err)
	}
	// What this service has reserved itself keeps none of its own calls and sessions out,
	// and those of others out.
	held := func(c *hsm.Client) (all []string) {
		holds, err := c.Holds(t.Context(), []string{first, second})
		if err != nil {
			t.Fatal(err)
		}
		inv, err := c.HeedingReservations().Inventory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range inv.Nodes {
			if _, kept := holds[n.ID]; kept || n.Reserved || n.BMCHeld && n.ID != locked && bos.BMCOf(n.ID) != bos.BMCOf(locked) {
				all = append(all, n.ID)
			}
		}
		return all
	}
	if got := held(c); len(got) != 0 {
		t.Errorf("its own reservations keep from it %v", got)
	}
	if got := held(hsm.New(transport.Upstream{URL: room.Endpoints().HSM})); !slices.Equal(got, []string{first, second}) {
		t.Errorf("another service is kept from %v", got)
	}
	kept, releaseSecond, err := c.Reserve(t.Context(), []string{second})
	if err != nil || len(kept) != 0 {
		t.Fatalf("of the same BMC: kept %v, %v", kept, err)
	}
	release()
	release()
	if got := reserved(); got[first] || !got[second] || !got[bmc] {
		t.Errorf("while the second is used: %v", got)
	}
	other := hsm.New(transport.Upstream{URL: room.Endpoints().HSM})
	kept, releaseOther, err := other.Reserve(t.Context(), []string{first})
	if err != nil || kept[first].Cause != bos.CauseReserved {
		t.Errorf("another service gets its BMC: %v, %v", kept, err)
	}
	releaseOther()
	releaseSecond()
	if got := reserved(); got[second] || got[bmc] {
		t.Errorf("when all are done: %v", got)
	}
	// What was given back and is another's now is not its own any more.
	if kept, _, err := other.Reserve(t.Context(), []string{first}); err != nil || len(kept) != 0 {
		t.Fatalf("what was given back: kept %v, %v", kept, err)
	}
	if got := held(c); !slices.Equal(got, []string{first, second}) {
		t.Errorf("another's reservations keep from it %v", got)
	}
}
