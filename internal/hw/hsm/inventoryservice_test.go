package hsm_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
)

// ofInventoryService are answers of an inventory-service: filters change nothing, what
// it lacks is a plain 404, and ids are what somebody called them.
func ofInventoryService() map[string]answer {
	components := answer{200, `{"Components":[
		{"ID":"compute-10","Type":"Node","State":"On","Enabled":true,"Role":"Compute","NID":10},
		{"ID":"Compute-2","Type":"Node","Role":"Compute","Locked":true},
		{"ID":"compute-2","Type":"Node","Enabled":false,"Role":"Application","SubRole":"UAN","Arch":"ARM"},
		{"ID":"login","Type":"Node","Role":"Compute"},
		{"ID":"bmc-login","Type":"NodeBMC","Enabled":true,"Locked":true},
		{"ID":"x1000c0s0b0","Type":"NodeBMC","Enabled":true}]}`}
	endpoint := `{"Type":"Node","RedfishType":"ComputerSystem","OdataID":"/redfish/v1/Systems/1","Enabled":true,"RedfishEndpointFQDN":"bmc","RedfishEndpointID":`
	return map[string]answer{
		componentsPath:                         components,
		"/hsm/v2/State/Components":             components,
		groupsPath:                             {200, `[{"label":"io","members":{"ids":["Compute-2"]}}]`},
		"/hsm/v2/Inventory/EthernetInterfaces": {200, `[{"ID":"525400beef01","MACAddress":"52:54:00:BE:EF:01","ComponentID":"Compute-2","Type":"Node","IPAddresses":[{"IPAddress":"172.16.0.1"}]},{"ID":"decafc0ffee1","MACAddress":"de:ca:fc:0f:fe:e1","ComponentID":"bmc-login","Type":"NodeBMC","IPAddresses":[]}]`},
		endpointsPath:                          {200, `{"ComponentEndpoints":[` + endpoint + `"bmc-login","ID":"login"},` + endpoint + `"bmc-2","ID":"Compute-2"},{"ID":"bmc-2","Type":"NodeBMC","RedfishType":"Manager"}]}`},
	}
}

func startInventoryService(t *testing.T, answers map[string]answer) (*hsm.Client, *site) {
	t.Helper()
	s := &site{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return hsm.NewImpatientInventoryService(server.URL+"/hsm/v2", 5*time.Second), s
}

func TestAnInventoryServiceIsReadWithNamesThatAreNoXnames(t *testing.T) {
	c, s := startInventoryService(t, ofInventoryService())
	if endpoints, err := c.Endpoints(t.Context()); err != nil || len(endpoints) != 2 || endpoints["login"].BMC != "bmc-login" {
		t.Fatalf("%+v, %v", endpoints, err)
	}
	got, err := c.Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := bos.Inventory{
		Nodes: []bos.Node{
			{ID: "Compute-2", Role: "Compute", Enabled: true, Locked: true},
			{ID: "compute-2", Role: "Application", SubRole: "UAN", Arch: "ARM"},
			{ID: "compute-10", Role: "Compute", Enabled: true, Seen: bos.PowerStateOn},
			{ID: "login", Role: "Compute", Enabled: true, BMCHeld: true},
		},
		Groups: map[string][]string{"io": {"Compute-2"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inventory (-want +got):\n%s", diff)
	}
	for _, asked := range s.asked {
		if strings.Contains(asked, "partitions") || strings.Contains(asked, "locks") {
			t.Errorf("it was asked %s, which it does not have", asked)
		}
	}
	names, err := c.NodeNames(t.Context())
	if i := slices.IndexFunc(names, func(n bos.NodeName) bool { return n.ID == "Compute-2" }); err != nil || i < 0 || !slices.Equal(names[i].MACs, []string{"52:54:00:be:ef:01"}) {
		t.Errorf("%+v, %v", names, err)
	}
}

func TestLocksOfAnInventoryServiceAreThoseThatComponentsHave(t *testing.T) {
	c, s := startInventoryService(t, ofInventoryService())
	if _, err := c.Endpoints(t.Context()); err != nil {
		t.Fatal(err)
	}
	holds, err := c.Holds(t.Context(), []string{"Compute-2", "compute-2", "compute-10", "login"})
	if err != nil || len(holds) != 2 || holds["Compute-2"].Cause != bos.CauseLocked || !strings.Contains(holds["login"].Detail, "its BMC bmc-login is locked in inventory-service") {
		t.Errorf("%+v, %v", holds, err)
	}
	for _, broken := range []answer{{200, `{}`}, {503, `{"error":"busy"}`}, {404, "404 page not found"}} {
		s.says("/hsm/v2/State/Components", broken)
		if holds, err := c.Holds(t.Context(), []string{"compute-10"}); err == nil || !strings.Contains(err.Error(), "inventory.inventory_service.url") {
			t.Errorf("with %v: %+v, %v", broken, holds, err)
		}
	}
}

func TestAnInventoryServiceThatCannotBeReadIsNamed(t *testing.T) {
	for path, a := range map[string]answer{componentsPath: {404, "404 page not found"}, groupsPath: {500, `{"error":"failed to load groups"}`}, "/hsm/v2/State/Components": {200, `{}`}} {
		answers := ofInventoryService()
		answers[path] = a
		c, _ := startInventoryService(t, answers)
		if _, err := c.Inventory(t.Context()); err == nil || !strings.Contains(err.Error(), "inventory-service") || !strings.Contains(err.Error(), "inventory.inventory_service.url") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
