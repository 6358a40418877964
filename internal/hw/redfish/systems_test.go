package redfish_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

const (
	uuid1 = "36383150-3630-584D-5130-313930323042"
	uuid2 = "36383150-3630-584D-5130-313930323043"
)

// listing is a handler for a BMC that lists systems and has them: a path and
// what more is in the resource.
func listing(systems ...[2]string) func(*bmc, http.ResponseWriter, *http.Request, string) {
	return func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		var links []string
		for _, s := range systems {
			links = append(links, fmt.Sprintf(`{"@odata.id":%q}`, s[0]))
			if r.URL.Path == s[0] {
				_, _ = fmt.Fprintf(w, `{"PowerState":"On"%s}`, s[1])
				return
			}
		}
		if r.URL.Path == "/redfish/v1/Systems" {
			_, _ = fmt.Fprintf(w, `{"Members":[%s]}`, strings.Join(links, ","))
			return
		}
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusNotFound)
		}
	}
}

func named(path, id, name, uuid string) [2]string {
	return [2]string{path, fmt.Sprintf(`,"Id":%q,"Name":%q,"UUID":%q`, id, name, uuid)}
}

func TestABMCIsAskedOnceForASystemTheInventoryHasNoPathOf(t *testing.T) {
	b := startBMC(t, listing([2]string{"/redfish/v1/Systems/Self", ""}))
	c := connectTo(t, redfish.Endpoint{Address: b.address, Target: "/Actions/ComputerSystem.Reset", ResetTypes: []string{"Off"}})
	probeOn(t, c)
	probeOn(t, c)
	wantResult(t, apply(t.Context(), t, c, bos.PowerForceOff, node).results[node], bos.CallDone, bos.CauseNone)
	want := []string{
		"GET /redfish/v1/Systems", "GET /redfish/v1/Systems/Self", "GET /redfish/v1/Systems/Self",
		"GET /redfish/v1/Systems/Self", // for the reset action
		"POST /redfish/v1/Systems/Self/Actions/ComputerSystem.Reset ForceOff",
	}
	if asked := b.asked(); !slices.Equal(asked, want) {
		t.Errorf("asked %q", asked)
	}
}

func TestOfSeveralSystemsTheOneThatIsCalledLikeTheNodeIsTaken(t *testing.T) {
	const zero, one = "/redfish/v1/Systems/Node0", "/redfish/v1/Systems/Node1"
	both := [][2]string{named(zero, "Node0", "System", uuid1), named(one, "Node1", "System", uuid2)}
	for _, c := range []struct {
		name    string
		systems [][2]string
		e       redfish.Endpoint
		path    string // of the system taken, empty for none
	}{
		{"by UUID", both, redfish.Endpoint{UUID: strings.ToLower(uuid2)}, one},
		{"by Id", both, redfish.Endpoint{Name: "Node0"}, zero},
		{"by Name", [][2]string{named(zero, "a", "left", ""), named(one, "b", "right", "")}, redfish.Endpoint{UUID: uuid1, Name: "right"}, one},
		{"by Name, but with another UUID", both, redfish.Endpoint{UUID: uuid1[:35] + "9", Name: "Node0"}, ""},
		{"by a Name that both have", both, redfish.Endpoint{Name: "System"}, ""},
		{"by a UUID that both have", [][2]string{named(zero, "", "", uuid1), named(one, "", "", uuid1)}, redfish.Endpoint{UUID: uuid1}, ""},
		{"by nothing", both, redfish.Endpoint{}, ""},
		{"of none", nil, redfish.Endpoint{UUID: uuid1}, ""},
		{"elsewhere", [][2]string{{"https://evil/redfish/v1/Systems/1", ""}}, redfish.Endpoint{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := startBMC(t, listing(c.systems...))
			c.e.Address = b.address
			client := connect(t, redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{node: c.e})})
			seen := probe(t.Context(), t, client, node).results[node]
			done := apply(t.Context(), t, client, bos.PowerForceOff, node).results[node]
			if c.path == "" {
				wantReading(t, seen, bos.PowerStateUnknown, bos.SymptomNone, bos.CauseUnknownToPower, b.address, "rediscover the node")
				wantResult(t, done, bos.CallNotAttempted, bos.CauseUnknownToPower, b.address, "rediscover the node")
				if len(b.posts()) != 0 {
					t.Errorf("sent %q", b.posts())
				}
				return
			}
			wantReading(t, seen, bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
			if !slices.Equal(b.posts(), []string{"POST " + c.path + "/Actions/ComputerSystem.Reset ForceOff"}) {
				t.Errorf("sent %q", b.posts())
			}
		})
	}
}

func TestTheOnlySystemOfABMCIsNotTakenForEachOfItsNodes(t *testing.T) {
	b := startBMC(t, listing(named("/redfish/v1/Systems/Node0", "Node0", "", uuid1)))
	c := connect(t, redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{
		"x1c0s0b0n0": {Address: b.address, UUID: uuid1}, "x1c0s0b0n1": {Address: b.address, UUID: uuid2},
	})})
	got := probe(t.Context(), t, c, "x1c0s0b0n0", "x1c0s0b0n1")
	wantReading(t, got.results["x1c0s0b0n0"], bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
	wantReading(t, got.results["x1c0s0b0n1"], bos.PowerStateUnknown, bos.SymptomNone, bos.CauseUnknownToPower, uuid2, "Node0")
}

func TestASystemThatIsNotWhereItWasIsAskedForAgain(t *testing.T) {
	var now atomic.Value
	now.Store("/redfish/v1/Systems/1")
	b := startBMC(t, func(b *bmc, w http.ResponseWriter, r *http.Request, reset string) {
		listing([2]string{now.Load().(string), ""})(b, w, r, reset)
	})
	c := connectTo(t, redfish.Endpoint{Address: b.address})
	probeOn(t, c)
	now.Store("/redfish/v1/Systems/Self")
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCError, "404")
	probeOn(t, c)
}

func TestABMCThatDoesNotTellItsSystemsIsInTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		body    string
		symptom bos.Symptom
		cause   bos.Cause
		outcome bos.CallOutcome
		acts    bos.Cause
	}{
		"busy":            {503, "", bos.SymptomRefusing, bos.CauseBMCError, bos.CallBusy, bos.CauseBMCError},
		"credentials":     {401, "", bos.SymptomRefusing, bos.CauseBMCAuth, bos.CallNotAttempted, bos.CauseBMCAuth},
		"without systems": {404, "", bos.SymptomRefusing, bos.CauseBMCError, bos.CallBusy, bos.CauseBMCError},
		"a page":          {200, "<html>", bos.SymptomRefusing, bos.CauseBMCError, bos.CallBusy, bos.CauseBMCError},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBMC(t, always(c.status, c.body))
			client := connectTo(t, redfish.Endpoint{Address: b.address})
			wantReading(t, probe(t.Context(), t, client, node).results[node], bos.PowerStateUnknown, c.symptom, c.cause, "/redfish/v1/Systems")
			wantResult(t, apply(t.Context(), t, client, bos.PowerOn, node).results[node], c.outcome, c.acts, "/redfish/v1/Systems")
			if len(b.posts()) != 0 {
				t.Errorf("sent %q", b.posts())
			}
		})
	}
	nobody := connectTo(t, redfish.Endpoint{Address: closedAddress(t)})
	wantReading(t, probe(t.Context(), t, nobody, node).results[node], bos.PowerStateUnknown, bos.SymptomSilent, bos.CauseNone, "refused")
	wantResult(t, apply(t.Context(), t, nobody, bos.PowerOn, node).results[node], bos.CallNotAttempted, bos.CauseBMCUnreachable, "refused")
}
