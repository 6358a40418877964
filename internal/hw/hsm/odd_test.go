package hsm_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// oddComponents are entries of which each is wrong in a way of its own, beside two that
// are right.
const oddComponents = `{"Components":[
	{"ID":"x9c0s1b0n0","Type":"Node","State":"On","Enabled":true,"Role":"Compute"},
	{"ID":"x9c0s2b0n0","Type":"Node","Enabled":"yes","Role":"Compute"},
	{"ID":"x9c0s3b0n0","Type":"Node","Role":["Compute"]},
	null, {}, {"Type":"Node","Role":"Compute"}, {"ID":7,"Type":"Node"},
	{"ID":"x9c0s4b0n0","Type":"Node","Role":"Compute","Enabled":null,"State":null,"Arch":null,"Locked":null},
	{"ID":"x9c0s5b0n0","Type":"Node","Role":"Compute","Enabled":true},
	{"ID":"X9C0S05B0N0","Type":"Node","Role":"Compute","Enabled":true,"Locked":true,"State":"On"},
	{"ID":"x9c0s6b0n0","Type":"Node","Role":"Compute","Enabled":true},
	{"ID":"x9c0s06b0n0","Type":"Node","Role":"Application","Enabled":true},
	{"ID":"x9c0s7b0n0","Type":"Node","Role":"Compute","Enabled":true},
	{"ID":"x9c0s7b0n0","Type":"Node","Role":"Compute","Enabled":false}]}`

// TestAnOddEntryOfAnInventoryCostsItsOwnNodeAlone, whichever service it is of: it is left
// out of sessions, and the log says what is odd, once.
func TestAnOddEntryOfAnInventoryCostsItsOwnNodeAlone(t *testing.T) {
	for _, plain := range []bool{false, true} {
		answers, begin := healthy(), start
		if plain {
			answers, begin = ofInventoryService(), startInventoryService
			answers["/hsm/v2/State/Components"] = answer{200, oddComponents}
		}
		answers[componentsPath] = answer{200, oddComponents}
		answers[groupsPath] = answer{200, `[{"label":"a","members":{"ids":["x9c0s1b0n0"]}},{"label":"b","members":{"ids":null}},{"label":"c"},null,{"label":7},{"label":"d","members":{"ids":"all"}}]`}
		c, _ := begin(t, answers)
		var log bytes.Buffer
		c.Telling(slog.New(slog.NewTextHandler(&log, nil)))
		for range 2 {
			inv, err := c.Inventory(t.Context())
			if err != nil {
				t.Fatalf("plain %t: %v", plain, err)
			}
			odd := make(map[string]bool)
			for _, n := range inv.Nodes {
				if _, twice := odd[n.ID]; twice {
					t.Errorf("%s is there twice", n.ID)
				}
				odd[n.ID] = n.Odd
				if locked := n.ID == "x9c0s5b0n0"; n.Locked != locked && !n.Odd {
					t.Errorf("plain %t: %+v", plain, n)
				}
			}
			for id, want := range map[string]bool{
				"x9c0s1b0n0": false, "x9c0s2b0n0": true, "x9c0s3b0n0": true, "x9c0s4b0n0": false, "x9c0s5b0n0": false, "x9c0s6b0n0": true, "x9c0s7b0n0": true,
			} {
				if is, known := odd[id]; !known || is != want {
					t.Errorf("plain %t: %s is known %t, odd %t", plain, id, known, is)
				}
			}
			if len(odd) != 7 || !slices.Equal(inv.Groups["a"], []string{"x9c0s1b0n0"}) || inv.Groups["b"] == nil || inv.Groups["c"] == nil || len(inv.Groups) != 3 {
				t.Errorf("plain %t: nodes %v, groups %v", plain, odd, inv.Groups)
			}
		}
		for _, says := range []string{"x9c0s2b0n0", "x9c0s3b0n0", "x9c0s6b0n0", "x9c0s7b0n0"} {
			if !strings.Contains(log.String(), says) {
				t.Errorf("plain %t: nothing says that %s is odd:\n%s", plain, says, log.String())
			}
		}
		if n := strings.Count(log.String(), "x9c0s2b0n0"); n != 1 {
			t.Errorf("plain %t: it is told %d times", plain, n)
		}
	}
}

// TestAGroupThatIsThereTwiceHasWhomBothHave: of whom one of them has, nobody knows.
func TestAGroupThatIsThereTwiceHasWhomBothHave(t *testing.T) {
	answers := healthy()
	answers[groupsPath] = answer{200, `[{"label":"a","members":{"ids":["x9c0s2b0n0","x9c0s3b0n0"]}},{"label":"a","members":{"ids":["x9c0s03b0n0","x9c0s10b0n0"]}}]`}
	c, _ := start(t, answers)
	inv, err := c.Inventory(t.Context())
	if err != nil || len(inv.Groups["a"]) != 3 {
		t.Fatalf("%v, %v", inv.Groups, err)
	}
	for _, n := range inv.Nodes {
		if n.Odd != (n.ID != "x9c0s3b0n0") {
			t.Errorf("%+v", n)
		}
	}
}

// TestAListOfNothingButOddEntriesIsNoInventory: it is another service's, or another version.
func TestAListOfNothingButOddEntriesIsNoInventory(t *testing.T) {
	for _, body := range []string{
		`{"Components":[{"ID":7},{"ID":8}]}`, `{"Components":[null]}`, `{"Components":[{"uid":"cmp-1","spec":{"ID":"x9c0s1b0n0"}}]}`, `{"Components":["x9c0s1b0n0"]}`,
		`{"Components":{}}`, `{"Components":null}`, `[]`, `null`, `{"items":[]}`,
	} {
		answers := healthy()
		answers[componentsPath] = answer{200, body}
		c, _ := start(t, answers)
		if inv, err := c.Inventory(t.Context()); err == nil || !strings.Contains(err.Error(), "inventory.hsm.url") {
			t.Errorf("%s: %v, %v", body, inv.Nodes, err)
		}
	}
}

// TestANodeWithTwoBMCsIsLeftAlone: nobody knows which of them is the node's.
func TestANodeWithTwoBMCsIsLeftAlone(t *testing.T) {
	const entry = `{"Type":"Node","OdataID":"/redfish/v1/Systems/1","RedfishEndpointFQDN":`
	answers := healthy()
	answers[endpointsPath] = answer{200, `{"ComponentEndpoints":[
		` + entry + `"bmc1","ID":"x9c0s1b0n0"},` + entry + `"bmc2","ID":"X9c0s01b0n0"},
		` + entry + `"bmc3","ID":"x9c0s3b0n0"},` + entry + `"bmc3","ID":"x9c0s3b0n0","Enabled":false},
		{"ID":"x9c0s4b0n0","Type":"Node","OdataID":7,"RedfishEndpointFQDN":"bmc4"}, null, {"Type":"Node"}]}`}
	c, _ := start(t, answers)
	got, err := c.Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e := got["x9c0s1b0n0"]; !strings.Contains(e.Fault, "bmc1") || !strings.Contains(e.Fault, "bmc2") {
		t.Errorf("with two: %+v", e)
	}
	if e := got["x9c0s3b0n0"]; e.Fault != "" || e.FQDN != "bmc3" || !e.Disabled {
		t.Errorf("with one that is there twice: %+v", e)
	}
	if e := got["x9c0s4b0n0"]; !strings.Contains(e.Fault, "cannot be read") {
		t.Errorf("with one that cannot be read: %+v", e)
	}
	if len(got) != 3 {
		t.Errorf("%+v", got)
	}
}

// TestALockThatCannotBeReadHoldsItsOwnNodeAlone: it may be locked.
func TestALockThatCannotBeReadHoldsItsOwnNodeAlone(t *testing.T) {
	components := `{"Components":[{"ID":"login","Type":"Node"},{"ID":"compute-2","Type":"Node","Locked":"true"},{"ID":"Compute-2","Type":"Node","Locked":true},
		{"ID":"compute-10","Type":"Node","Locked":null},{"ID":"bmc-login","Type":"NodeBMC","Locked":1},null]}`
	answers := ofInventoryService()
	answers["/hsm/v2/State/Components"] = answer{200, components}
	c, _ := startInventoryService(t, answers)
	if _, err := c.Endpoints(t.Context()); err != nil {
		t.Fatal(err)
	}
	holds, err := c.Holds(t.Context(), []string{"login", "compute-2", "Compute-2", "compute-10", "compute-11"})
	if err != nil {
		t.Fatal(err)
	}
	for id, says := range map[string]string{"login": "bmc-login", "compute-2": "compute-2", "compute-11": "without naming it"} {
		if h := holds[id]; h.Cause != bos.CauseUpstreamOutage || !strings.Contains(h.Detail, says) {
			t.Errorf("%s: %+v", id, h)
		}
	}
	if holds["Compute-2"].Cause != bos.CauseLocked || len(holds) != 4 {
		t.Errorf("%+v", holds)
	}
}

// TestAnOddInterfaceCostsItsOwnAddressAlone.
func TestAnOddInterfaceCostsItsOwnAddressAlone(t *testing.T) {
	answers := healthy()
	answers["/hsm/v2/Inventory/EthernetInterfaces"] = answer{200, `[
		{"MACAddress":"02:00:00:00:00:01","ComponentID":"x9c0s10b0n0","IPAddresses":null},{"MACAddress":7,"ComponentID":"x9c0s10b0n0"},null,{},
		{"MACAddress":"02:00:00:00:00:02","ComponentID":"x9c0s3b0n0","IPAddresses":[{"IPAddress":7}]},
		{"MACAddress":"02:00:00:00:00:03","ComponentID":"x9c0s3b0n0","IPAddresses":[{"IPAddress":"10.1.0.3"},null]}]`}
	c, _ := start(t, answers)
	names, err := c.NodeNames(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	macs := make(map[string][]string)
	for _, n := range names {
		macs[n.ID] = n.MACs
	}
	if !slices.Equal(macs["x9c0s10b0n0"], []string{"02:00:00:00:00:01"}) || !slices.Equal(macs["x9c0s3b0n0"], []string{"02:00:00:00:00:03"}) {
		t.Errorf("%v", macs)
	}
}
