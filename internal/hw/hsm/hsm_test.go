package hsm_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
)

const (
	componentsPath = "/hsm/v2/State/Components?type=Node"
	groupsPath     = "/hsm/v2/groups"
	partitionsPath = "/hsm/v2/partitions"
	locksPath      = "/hsm/v2/locks/status?type=Node&type=NodeBMC"
	endpointsPath  = "/hsm/v2/Inventory/ComponentEndpoints?type=Node"
)

// site answers each path with a status and a body; others with 404.
type site struct {
	answers map[string]answer
	mu      sync.Mutex
	asked   []string
}

type answer struct {
	status int
	body   string
}

// says gives a path another answer, while the site is asked.
func (s *site) says(path string, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = a
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI())
	a, ok := s.answers[r.URL.RequestURI()]
	s.mu.Unlock()
	if !ok {
		a = answer{http.StatusNotFound, `{"title":"Not Found","detail":"no such path","status":404}`}
	}
	w.Header().Set("Content-Type", "application/json")
	if strings.HasPrefix(a.body, "<html") {
		w.Header().Set("Content-Type", "text/html")
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func healthy() map[string]answer {
	return map[string]answer{
		componentsPath: {200, `{"Components":[
			{"ID":"x9c0s10b0n0","Type":"Node","State":"Ready","Enabled":true,"Role":"Compute","Arch":"ARM","NID":7},
			{"ID":"X9C0S02B0N0","Type":"Node","State":"Off","Enabled":false,"Role":"Application","SubRole":"UAN","Locked":true},
			{"ID":"x9c0s3b0n0","Type":"Node","Role":"Compute","Arch":"UNKNOWN"},
			{"ID":"x9c0s3b0","Type":"NodeBMC","State":"Ready"}]}`},
		groupsPath:     {200, `[{"label":"blue","description":"d","members":{"ids":["X9c0s10b0n0","x9c0s2b0n0"]}},{"label":"empty","members":{"ids":[]}}]`},
		partitionsPath: {200, `[{"name":"p1","members":{"ids":["x9c0s3b0n0"]}}]`},
		locksPath:      {200, `{"Components":[{"ID":"x9c0s3b0n0","Locked":true},{"ID":"x9c0s10b0n0","Locked":false}]}`},
	}
}

func start(t *testing.T, answers map[string]answer) (*hsm.Client, *site) {
	t.Helper()
	s := &site{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return hsm.NewImpatient(server.URL+"/hsm/v2/", 5*time.Second, time.Millisecond), s
}

func TestTheInventoryHoldsNodesGroupsPartitionsAndLocks(t *testing.T) {
	c, s := start(t, healthy())
	got, err := c.Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := bos.Inventory{
		Nodes: []bos.Node{
			{ID: "x9c0s2b0n0", Role: "Application", SubRole: "UAN", Locked: true, Seen: bos.PowerStateOff},
			{ID: "x9c0s3b0n0", Role: "Compute", Arch: "UNKNOWN", Enabled: true, Locked: true},
			{ID: "x9c0s10b0n0", Role: "Compute", Arch: "ARM", Enabled: true, Seen: bos.PowerStateOn},
		},
		Groups:     map[string][]string{"blue": {"x9c0s10b0n0", "x9c0s2b0n0"}, "empty": {}},
		Partitions: map[string][]string{"p1": {"x9c0s3b0n0"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inventory (-want +got):\n%s", diff)
	}
	for _, asked := range s.asked {
		if !strings.HasPrefix(asked, "GET ") || strings.Contains(asked, "Query") {
			t.Errorf("asked %s", asked)
		}
	}
}

func TestWhatHSMSawOfTheNodesPowerIsInItsState(t *testing.T) {
	for state, want := range map[string]bos.PowerState{
		"Off": bos.PowerStateOff, "On": bos.PowerStateOn, "Standby": bos.PowerStateOn, "Ready": bos.PowerStateOn, "Halt": bos.PowerStateOn,
		"Active": bos.PowerStateOn, "Empty": bos.PowerStateUnknown, "Populated": bos.PowerStateUnknown, "Unknown": bos.PowerStateUnknown,
		"Set": bos.PowerStateUnknown, "Banana": bos.PowerStateUnknown,
	} {
		answers := healthy()
		answers[componentsPath] = answer{200, `{"Components":[{"ID":"x9c0s1b0n0","Type":"Node","State":"` + state + `"}]}`}
		c, _ := start(t, answers)
		if got, err := c.Inventory(t.Context()); err != nil || got.Nodes[0].Seen != want || got.Nodes[0].Empty != (state == "Empty") {
			t.Errorf("%s: %+v, %v; want %q", state, got.Nodes, err, want)
		}
	}
}

func TestAnHSMWithoutLocksHasNoLockedNodesBeyondTheirOwnMark(t *testing.T) {
	for _, status := range []int{404, 405, 501} {
		answers := healthy()
		answers[locksPath] = answer{status, `{"title":"none","detail":"there are no locks here"}`}
		c, _ := start(t, answers)
		got, err := c.Inventory(t.Context())
		if err != nil || !got.Nodes[0].Locked || got.Nodes[1].Locked {
			t.Errorf("status %d: %+v, %v", status, got.Nodes, err)
		}
	}
}

// nothingMeets is what SMD answers to a question about locks that no component
// meets.
const nothingMeets = `{"type":"about:blank","title":"Bad Request","detail":"Component not found","status":400}`

func TestAGatewayThatKnowsNoPathSaysNothingOfLocks(t *testing.T) {
	for _, body := range []string{"", "404 page not found", "<html>404</html>"} {
		answers := healthy()
		answers[locksPath] = answer{404, body}
		c, _ := start(t, answers)
		if got, err := c.Inventory(t.Context()); err == nil {
			t.Errorf("%q: %+v, although nobody knows which nodes are locked", body, got.Nodes)
		}
	}
}

func TestAnHSMWithoutALockedNodeHasAnInventory(t *testing.T) {
	answers := healthy()
	answers[locksPath] = answer{200, `{"Components":[{"ID":"x9c0s3b0n0","Locked":false},{"ID":"x9c0s10b0n0","Locked":false}]}`}
	answers[locksPath+"&Locked=true"] = answer{400, nothingMeets}
	c, _ := start(t, answers)
	got, err := c.Inventory(t.Context())
	if err != nil || len(got.Nodes) != 3 || got.Nodes[1].Locked || got.Nodes[2].Locked {
		t.Errorf("got %+v, %v", got.Nodes, err)
	}
}

func TestABadQuestionAboutLocksIsNoneOnlyWhereThereIsNoNode(t *testing.T) {
	answers := healthy()
	answers[locksPath] = answer{400, nothingMeets}
	c, _ := start(t, answers)
	if got, err := c.Inventory(t.Context()); err == nil {
		t.Errorf("with nodes: got %+v, although nobody knows which of them are locked", got.Nodes)
	}
	answers[componentsPath] = answer{200, `{"Components":[]}`}
	c, _ = start(t, answers)
	if got, err := c.Inventory(t.Context()); err != nil || len(got.Nodes) != 0 {
		t.Errorf("without nodes: got %+v, %v", got.Nodes, err)
	}
}

func TestAnHSMWithoutGroupsMayAnswerNull(t *testing.T) {
	answers := healthy()
	answers[groupsPath] = answer{200, "null"}
	c, _ := start(t, answers)
	if got, err := c.Inventory(t.Context()); err != nil || len(got.Groups) != 0 {
		t.Errorf("got %v, %v", got.Groups, err)
	}
}

func TestThereIsNoHalfInventory(t *testing.T) {
	for _, path := range []string{componentsPath, groupsPath, partitionsPath, locksPath} {
		for name, bad := range map[string]answer{
			"an empty body":     {200, ""},
			"another type":      {200, `"x"`},
			"half a body":       {200, `{"Components":[{"ID":"x9c0s2b0n0"`},
			"a page":            {200, "<html>login</html>"},
			"an internal error": {500, `{"detail":"database gone"}`},
			"an outage":         {503, ""},
			"no permission":     {403, ""},
		} {
			t.Run(fmt.Sprintf("%s answered with %s", path, name), func(t *testing.T) {
				answers := healthy()
				answers[path] = bad
				c, _ := start(t, answers)
				got, err := c.Inventory(t.Context())
				if err == nil || got.Nodes != nil || got.Groups != nil || got.Partitions != nil {
					t.Fatalf("got %+v, %v", got, err)
				}
				for _, part := range []string{"HSM", strings.SplitN(path, "?", 2)[0], "inventory.hsm.url"} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("error %q does not say %q", err, part)
					}
				}
			})
		}
	}
}

func TestAListThatLacksWhatMattersIsAnError(t *testing.T) {
	for _, c := range []struct{ name, path, body string }{
		{"no Components", componentsPath, "{}"},
		{"Components that are null", componentsPath, `{"Components":null}`},
		{"a component without ID", componentsPath, `{"Components":[{"Type":"Node"}]}`},
		{"locks without Components", locksPath, "{}"},
		{"a group without label", groupsPath, `[{"members":{"ids":["x9c0s2b0n0"]}}]`},
		{"groups with another shape of members", groupsPath, `[{"label":"a","members":["x9c0s2b0n0"]}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers := healthy()
			answers[c.path] = answer{200, c.body}
			client, _ := start(t, answers)
			if _, err := client.Inventory(t.Context()); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestAnEmptySiteIsAnInventoryOfNothing(t *testing.T) {
	answers := healthy()
	answers[componentsPath] = answer{200, `{"Components":[]}`}
	c, _ := start(t, answers)
	if got, err := c.Inventory(t.Context()); err != nil || len(got.Nodes) != 0 {
		t.Errorf("got %v, %v", got.Nodes, err)
	}
}

func TestAnHSMThatIsNotThereIsAnErrorThatNamesTheSetting(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for _, url := range []string{server.URL, "smd:27779/hsm/v2", ""} {
		_, err := hsm.NewImpatient(url, time.Second, time.Millisecond).Inventory(t.Context())
		if err == nil || !strings.Contains(err.Error(), "inventory.hsm.url") {
			t.Errorf("url %q: %v", url, err)
		}
	}
}

func TestEndpointsTolerateWhatDiscoveryLeftOut(t *testing.T) {
	const actions = `"RedfishSystemInfo":{"Actions":{"#ComputerSystem.Reset":%s}}`
	entry := func(id, fields string) string {
		return fmt.Sprintf(`{"ID":%q,"Type":"Node","OdataID":"/redfish/v1/Systems/1","RedfishEndpointFQDN":"bmc:8443",%s}`, id, fields)
	}
	body := `{"ComponentEndpoints":[` + strings.Join([]string{
		entry("X9c0s01b0n0", fmt.Sprintf(actions, `{"target":"/reset","ResetType@Redfish.AllowableValues":["On","ForceOff"],"@Redfish.ActionInfo":""}`)),
		entry("x9c0s2b0n0", fmt.Sprintf(actions, `{"target":"/reset","ResetType@Redfish.AllowableValues":"On"}`)),
		entry("x9c0s3b0n0", fmt.Sprintf(actions, `[]`)),
		entry("x9c0s4b0n0", `"RedfishSystemInfo":null`),
		entry("x9c0s5b0n0", `"RedfishSystemInfo":"?"`),
		entry("x9c0s6b0n0", `"Enabled":true`),
		entry("x9c0s14b0n0", `"Enabled":false`),
		entry("x9c0s11b0n0", `"RedfishSystemInfo":{"Actions":{"Oem":{"a":1},"#ComputerSystem.Reset":{"target":"/reset","ResetType@Redfish.AllowableValues":null}}}`),
		`{"ID":"x9c0s7b0n0","Type":"Node","OdataID":"/redfish/v1/Systems/1","RedfishURL":"bmc7/redfish/v1/Systems/1"}`,
		`{"ID":"x9c0s8b0n0","Type":"Node","OdataID":"/redfish/v1/Systems/1"}`,
		`{"ID":"x9c0s9b0n0","Type":"Node","RedfishEndpointFQDN":"bmc","RedfishURL":"bmc","UUID":"36383150-3630-584d-5130-313930323042","RedfishSystemInfo":{"EthernetNICInfo":[]}}`,
		`{"ID":"x9c0s12b0n0","Type":"Node","RedfishEndpointFQDN":"bmc","RedfishSystemInfo":{"Name":"Node0","Actions":{"#ComputerSystem.Reset":{"target":"/Actions/ComputerSystem.Reset"}}}}`,
		`{"ID":"x9c0s13b0n0","Type":"Node","RedfishEndpointFQDN":"bmc","OdataID":"Systems/1"}`,
		`{"ID":"x9c0s1b0","Type":"NodeBMC","OdataID":"/redfish/v1/Managers/BMC","RedfishEndpointFQDN":"bmc"}`,
		`{"OdataID":"/redfish/v1/Systems/1","RedfishEndpointFQDN":"bmc"}`,
	}, ",") + `]}`
	c, _ := start(t, map[string]answer{endpointsPath: {200, body}})
	got, err := c.Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bare := hsm.Endpoint{FQDN: "bmc:8443", System: "/redfish/v1/Systems/1"}
	withTarget := bare
	withTarget.Target = "/reset"
	full := withTarget
	full.ResetTypes = []string{"On", "ForceOff"}
	want := map[string]hsm.Endpoint{
		"x9c0s1b0n0": full, "x9c0s2b0n0": withTarget, "x9c0s11b0n0": withTarget,
		"x9c0s3b0n0": bare, "x9c0s4b0n0": bare, "x9c0s5b0n0": bare, "x9c0s6b0n0": bare,
		"x9c0s14b0n0": {FQDN: "bmc:8443", System: "/redfish/v1/Systems/1", Disabled: true},
		"x9c0s7b0n0":  {FQDN: "bmc7", System: "/redfish/v1/Systems/1"},
		"x9c0s9b0n0":  {FQDN: "bmc", UUID: "36383150-3630-584d-5130-313930323042"},
		"x9c0s12b0n0": {FQDN: "bmc", Name: "Node0"},
		// Who asks BMCs says of these alone what is odd.
		"x9c0s13b0n0": {FQDN: "bmc", System: "Systems/1"},
		"x9c0s8b0n0":  {System: "/redfish/v1/Systems/1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("endpoints (-want +got):\n%s", diff)
	}
}

func TestEndpointsThatCannotBeReadAreAnError(t *testing.T) {
	for name, a := range map[string]answer{
		"an empty body": {200, ""}, "no list": {200, "{}"}, "null": {200, `{"ComponentEndpoints":null}`},
		"another type": {200, "[]"}, "an outage": {503, ""}, "nothing": {404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := start(t, map[string]answer{endpointsPath: a})
			if got, err := c.Endpoints(t.Context()); err == nil || got != nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
