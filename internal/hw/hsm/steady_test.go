package hsm_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
)

// endpointsOf is HSM's answer with the BMCs of nodes x9c0s<n>b0n0, each at its own
// address unless at says another.
func endpointsOf(at map[int]string, numbers ...int) answer {
	var list []string
	for _, n := range numbers {
		host := fmt.Sprintf("bmc%d", n)
		if at[n] != "" {
			host = at[n]
		}
		list = append(list, fmt.Sprintf(`{"ID":"x9c0s%db0n0","Type":"Node","OdataID":"/redfish/v1/Systems/1","RedfishEndpointFQDN":%q}`, n, host))
	}
	return answer{200, `{"ComponentEndpoints":[` + strings.Join(list, ",") + `]}`}
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// room is an HSM whose answer can be changed, with a clock and a log.
type room struct {
	*testing.T
	*hsm.Client
	site *site
	now  time.Time
	log  bytes.Buffer
}

func newRoom(t *testing.T, first answer) *room {
	t.Helper()
	r := &room{T: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	r.Client, r.site = start(t, map[string]answer{endpointsPath: first})
	r.SetClock(func() time.Time { return r.now })
	r.Telling(slog.New(slog.NewTextHandler(&r.log, nil)))
	return r
}

func (r *room) says(a answer) { r.site.says(endpointsPath, a) }

func (r *room) want(n int) map[string]hsm.Endpoint {
	r.Helper()
	got, err := r.Endpoints(r.Context())
	if err != nil || len(got) != n {
		r.Errorf("%d BMCs are known, %v; want %d", len(got), err, n)
	}
	return got
}

func TestWhereBMCsAreIsKeptWhileHSMLeavesManyOrAllOut(t *testing.T) {
	r := newRoom(t, endpointsOf(nil, upTo(20)...))
	r.want(20)
	r.says(endpointsOf(nil))
	for range 3 {
		r.want(20)
		r.now = r.now.Add(24 * time.Hour) // a site is never gone
	}
	if n := strings.Count(r.log.String(), "no more"); n != 1 {
		t.Errorf("it is logged %d times:\n%s", n, r.log.String())
	}
	r.says(endpointsOf(nil, upTo(20)...))
	r.want(20)
	if !strings.Contains(r.log.String(), "again") {
		t.Errorf("that it is over is not logged:\n%s", r.log.String())
	}
	r.says(endpointsOf(nil, upTo(15)...))
	r.want(20)
	r.now = r.now.Add(hsm.VanishFor)
	r.want(15) // who is gone for so long is gone
}

func TestAFewNodesLeaveTheSiteAtOnce(t *testing.T) {
	r := newRoom(t, endpointsOf(nil, upTo(20)...))
	r.want(20)
	r.says(endpointsOf(nil, upTo(18)...))
	r.want(18)
	r.says(endpointsOf(nil, 0, 1, 2))
	r.want(18)
	if r := newRoom(t, endpointsOf(nil, 0, 1)); true {
		r.want(2)
		r.says(endpointsOf(nil, 0))
		r.want(1) // one of two is no tenth, but few
	}
}

func TestAnAddressThatIsAnotherBMCsNowIsNotKeptForANodeThatIsGone(t *testing.T) {
	r := newRoom(t, endpointsOf(nil, upTo(10)...))
	r.want(10)
	r.says(endpointsOf(map[int]string{0: "bmc9"}, 0, 1, 2)) // the board of slot 9 is in slot 0 now
	got := r.want(9)
	if _, kept := got["x9c0s9b0n0"]; kept || got["x9c0s0b0n0"].FQDN != "bmc9" {
		t.Errorf("known is %+v", got)
	}
}

func TestAnHSMThatListsNoBMCAtAllSaysNothingOfNodes(t *testing.T) {
	r := newRoom(t, endpointsOf(nil))
	if got, err := r.Endpoints(t.Context()); err == nil || got != nil || !strings.Contains(err.Error(), "ComponentEndpoints") {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestASiteDoesNotLoseAllItsNodesOrInterfacesAtOnce(t *testing.T) {
	const interfaces = "/hsm/v2/Inventory/EthernetInterfaces"
	answers := healthy()
	answers[interfaces] = answer{200, `[{"MACAddress":"a4:bf:01:28:90:a8","ComponentID":"x9c0s10b0n0"}]`}
	c, s := start(t, answers)
	if _, err := c.Inventory(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.NodeNames(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.says(interfaces, answer{200, `[]`})
	if names, err := c.NodeNames(t.Context()); err == nil {
		t.Errorf("without interfaces: %v", names)
	}
	s.says(componentsPath, answer{200, `{"Components":[]}`})
	if inv, err := c.Inventory(t.Context()); err == nil || !strings.Contains(err.Error(), "3") {
		t.Errorf("without nodes: %v, %v", inv.Nodes, err)
	}
	if names, err := c.NodeNames(t.Context()); err == nil {
		t.Errorf("without nodes: %v", names)
	}
}
