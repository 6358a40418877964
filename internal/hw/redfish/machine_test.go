package redfish_test

import (
	"context"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

func TestUUIDsAreComparedInWhateverFormTheyAreWritten(t *testing.T) {
	for _, c := range []struct {
		a, b        string
		same, known bool
	}{
		{uuid1, "36383150-3630-584d-5130-313930323042", true, true},
		{uuid1, "urn:uuid:36383150-3630-584d-5130-313930323042", true, true},
		{uuid1, "{363831503630584D5130313930323042}", true, true},
		{uuid1, "50313836-3036-4d58-5130-313930323042", true, true}, // bytes of its first fields swapped
		{uuid1, uuid2, false, true},
		{uuid1, "", false, false},
		{uuid1, "none", false, false},
		{uuid1, "00000000-0000-0000-0000-000000000000", false, false},
		{"ffffffff-ffff-ffff-ffff-ffffffffffff", uuid1, false, false},
		{uuid1, uuid1 + "0", false, false},
	} {
		if same, known := redfish.SameUUID(c.a, c.b); same != c.same || known != c.known {
			t.Errorf("%s and %s: same %t, known %t", c.a, c.b, same, known)
		}
	}
}

func TestAnotherMachineAtTheAddressIsLeftAloneUntilItIsTheRightOne(t *testing.T) {
	for name, sessions := range map[string]bool{"with sessions": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			s, c := startRoom(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 2}}, redfish.Config{Sessions: sessions})
			becomes(t, c, first, bos.PowerStateOff)
			if err := s.Room().AddFaults(time.Now(), fault.Rule{Name: "swapped", Fault: fault.OtherMachine, Nodes: first}); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				wantReading(t, probe(t.Context(), t, c, first).results[first], bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseOtherMachine, "by the inventory", "ignore_uuids")
			}
			s.Room().LiftFaults("swapped")
			becomes(t, c, first, bos.PowerStateOff)
		})
	}
}

func TestMadeUpUUIDsCanBeIgnored(t *testing.T) {
	s, c := startRoom(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 2}}, redfish.Config{IgnoreUUIDs: true})
	if err := s.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.OtherMachine}); err != nil {
		t.Fatal(err)
	}
	becomes(t, c, first, bos.PowerStateOff)
}

// TestAnAddressIsOneBMCInWhateverFormItIsWritten: the only system of a BMC is not
// taken for two nodes, and the BMC gets one request at a time.
func TestAnAddressIsOneBMCInWhateverFormItIsWritten(t *testing.T) {
	forms := map[string]string{
		"BMC1": "bmc1", "bmc1:443": "bmc1", "bmc1.": "bmc1", "bmc1:8443": "bmc1:8443", "fd00::AB": "[fd00::ab]", "[fd00::ab]": "[fd00::ab]",
		"[fd00::ab]:443": "[fd00::ab]", "[FD00:0::ab]:8443": "[fd00::ab]:8443", "10.0.0.1:443": "10.0.0.1",
	}
	for given, want := range forms {
		if e := redfish.Usable(redfish.Endpoint{Address: given, System: "/s"}); e.Fault != "" || e.Address != want {
			t.Errorf("%s is used as %q, %s; want %q", given, e.Address, e.Fault, want)
		}
	}
	b := startBMC(t, listing([2]string{"/redfish/v1/Systems/1", ""}))
	port := b.address[len("127.0.0.1"):]
	c := connect(t, redfish.Config{Insecure: true, Endpoints: func(context.Context) (map[string]redfish.Endpoint, error) {
		return map[string]redfish.Endpoint{"x1c0s0b0n0": {Address: "localhost" + port}, "x1c0s0b0n1": {Address: "LOCALHOST" + port}}, nil
	}})
	for id, r := range probe(t.Context(), t, c, "x1c0s0b0n0", "x1c0s0b0n1").results {
		if r.State != bos.PowerStateUnknown {
			t.Errorf("%s is taken for the only system of a BMC that two nodes have: %+v", id, r)
		}
	}
	if b.most.Load() > 1 {
		t.Errorf("the BMC got %d requests at once", b.most.Load())
	}
}
