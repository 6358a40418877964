package machineroom

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// siteDump is a site of three nodes: one on, on a BMC without graceful
// shutdown; one disabled on the same BMC; one that nobody has an endpoint for.
func siteDump(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		dumpComponents: `{"Components":[
			{"ID":"x1000c0s0b0n0","Type":"Node","State":"Ready","Flag":"OK","Enabled":true,"Role":"Compute","NID":7,"Arch":"X86","Class":"Mountain"},
			{"ID":"x1000c0s0b0n1","Type":"Node","State":"Off","Flag":"OK","Enabled":false,"Role":"Compute","NID":8,"Arch":"X86","Class":"Mountain"},
			{"ID":"x3000c0s1b0n0","Type":"Node","State":"Populated","Flag":"OK","Enabled":true,"Role":"Management","SubRole":"Master"},
			{"ID":"x1000c0s0b0","Type":"NodeBMC","State":"Ready"}]}`,
		dumpEndpoints: `{"ComponentEndpoints":[
			{"ID":"x1000c0s0b0","Type":"NodeBMC","OdataID":"/redfish/v1/Managers/BMC","RedfishEndpointID":"x1000c0s0b0"},
			{"ID":"x1000c0s0b0n0","Type":"Node","OdataID":"/redfish/v1/Systems/Node0","RedfishEndpointID":"x1000c0s0b0","RedfishEndpointFQDN":"x1000c0s0b0",
			 "RedfishSystemInfo":{"Actions":{"#ComputerSystem.Reset":{"ResetType@Redfish.AllowableValues":["ForceOff","Off","On"],
			  "@Redfish.ActionInfo":"/redfish/v1/Systems/Node0/ResetActionInfo","target":"/redfish/v1/Systems/Node0/Actions/ComputerSystem.Reset"}}}},
			{"ID":"x1000c0s0b0n1","Type":"Node","OdataID":"/redfish/v1/Systems/Node1","RedfishEndpointID":"x1000c0s0b0",
			 "RedfishSystemInfo":{"Actions":{"#ComputerSystem.Reset":{"ResetType@Redfish.AllowableValues":["ForceOff","Off","On"]}}}}]}`,
		dumpMemberships: `[{"id":"x1000c0s0b0n0","groupLabels":["blue"],"partitionName":"p1"},{"id":"x1000c0s0b0","groupLabels":["bmcs"],"partitionName":""}]`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func dumpRoom(t *testing.T) *Room {
	t.Helper()
	d, err := LoadDump(siteDump(t))
	if err != nil {
		t.Fatal(err)
	}
	return newTestRoom(t, Config{Dump: d})
}

func TestADumpBecomesARoom(t *testing.T) {
	r := dumpRoom(t)
	nodes := r.States(epoch)
	if len(nodes) != 3 || nodes[0].Power != bos.PowerStateOn || nodes[1].Power != bos.PowerStateOff || nodes[1].Enabled || nodes[0].NID != 7 {
		t.Fatalf("nodes %+v", nodes)
	}
	inv := r.Inventory()
	if len(inv.Groups) != 1 || inv.Groups["blue"][0] != first || inv.Partitions["p1"][0] != first {
		t.Errorf("groups %v, partitions %v", inv.Groups, inv.Partitions)
	}
	if _, err := r.Power("x3000c0s1b0n0", epoch); err != ErrNoBMC { //nolint:errorlint // this very error
		t.Errorf("power of a node without an endpoint: %v", err)
	}
}

func TestABMCWithoutGracefulShutdownRefusesIt(t *testing.T) {
	r := dumpRoom(t)
	if got := r.Reset(first, ResetGraceful, epoch); got != AnswerUnsupported {
		t.Errorf("answered %d, want %d", got, AnswerUnsupported)
	}
	if got := r.Reset(first, ResetForceOff, epoch); got != AnswerAccepted || len(r.Resets(first)) != 1 {
		t.Errorf("ForceOff was answered %d and did %d things", got, len(r.Resets(first)))
	}
}

func TestABrokenDumpIsRefusedByName(t *testing.T) {
	for name, c := range map[string]struct{ file, text, says string }{
		"no components":        {dumpComponents, "", dumpComponents},
		"components not JSON":  {dumpComponents, "<html>", "not what HSM answers"},
		"components of others": {dumpComponents, `{"Components":[{"ID":"x1c0","Type":"Chassis"}]}`, "no component of type Node"},
		"no endpoints":         {dumpEndpoints, "", dumpEndpoints},
		"broken memberships":   {dumpMemberships, "{", dumpMemberships},
	} {
		t.Run(name, func(t *testing.T) {
			dir := siteDump(t)
			path := filepath.Join(dir, c.file)
			err := os.Remove(path)
			if c.text != "" {
				err = os.WriteFile(path, []byte(c.text), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := LoadDump(dir); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v does not say %s", err, c.says)
			}
		})
	}
}

func TestADumpNeedsNoMemberships(t *testing.T) {
	dir := siteDump(t)
	if err := os.Remove(filepath.Join(dir, dumpMemberships)); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadDump(dir); err != nil {
		t.Error(err)
	}
}
