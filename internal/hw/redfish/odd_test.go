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

// TestAnOddEntryOfTheInventoryCostsItsOwnNodeAlone: with its reason, and before
// anything is sent.
func TestAnOddEntryOfTheInventoryCostsItsOwnNodeAlone(t *testing.T) {
	b := startBMC(t, powered("On"))
	odd := map[string]redfish.Endpoint{
		"x1c0s1b0n0": {Address: "", System: "/redfish/v1/Systems/1"},
		"x1c0s2b0n0": {Address: "http://bmc", System: "/redfish/v1/Systems/1"},
		"x1c0s3b0n0": {Address: b.address, System: "Systems/1"},
		"x1c0s4b0n0": {Address: b.address, System: "https://elsewhere/redfish/v1/Systems/1"},
		"x1c0s5b0n0": {Address: b.address, System: "/redfish/v1/Systems/1", Fault: "no password", FaultCause: bos.CauseBMCAuth},
	}
	all := map[string]redfish.Endpoint{node: b.endpoint("Self")}
	ids := []string{node}
	for id, e := range odd {
		all[id], ids = e, append(ids, id)
	}
	c := connect(t, redfish.Config{Endpoints: fixed(all)})
	seen, done := probe(t.Context(), t, c, ids...).results, apply(t.Context(), t, c, bos.PowerForceOff, ids...).results
	wantReading(t, seen[node], bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
	wantResult(t, done[node], bos.CallDone, bos.CauseNone)
	for id, e := range odd {
		symptom, cause, says := bos.SymptomNone, bos.CauseUnknownToPower, "the inventory"
		if e.Fault != "" {
			symptom, cause, says = bos.SymptomRefusing, e.FaultCause, e.Fault
		}
		wantReading(t, seen[id], bos.PowerStateUnknown, symptom, cause, says)
		wantResult(t, done[id], bos.CallNotAttempted, cause, says)
	}
	if len(b.asked()) != 2 {
		t.Errorf("asked %q", b.asked())
	}
}

// accelerated is a BMC of a board with accelerators, which are a system of their own.
func accelerated(host string, hostStatus *atomic.Int32) func(*bmc, http.ResponseWriter, *http.Request, string) {
	return func(b *bmc, w http.ResponseWriter, r *http.Request, reset string) {
		switch {
		case r.URL.Path == "/redfish/v1/Systems":
			_, _ = fmt.Fprint(w, `{"Members":[{"@odata.id":"/redfish/v1/Systems/HGX_Baseboard_0"},{"@odata.id":"/redfish/v1/Systems/System_0"}]}`)
		case strings.HasSuffix(r.URL.Path, "HGX_Baseboard_0"):
			_, _ = fmt.Fprint(w, `{"Id":"HGX_Baseboard_0","UUID":"`+uuid2+`","SystemType":"Physical","PowerState":"On","Actions":{}}`)
		case r.Method == http.MethodGet && hostStatus.Load() != http.StatusOK:
			w.WriteHeader(int(hostStatus.Load()))
		case r.Method == http.MethodGet:
			_, _ = fmt.Fprint(w, host)
		}
	}
}

// TestOfABoardWithAcceleratorsTheHostIsTaken: also where the inventory names neither
// its path nor its UUID, and never the baseboard while the host is not shown.
func TestOfABoardWithAcceleratorsTheHostIsTaken(t *testing.T) {
	host := `{"Id":"System_0","UUID":"` + uuid1 + `","SystemType":"Physical","PowerState":"Off","Actions":{"#ComputerSystem.Reset":{"target":"/redfish/v1/Systems/System_0/Actions/ComputerSystem.Reset"}}}`
	for name, e := range map[string]redfish.Endpoint{"by UUID": {UUID: uuid1}, "as the only computer": {}} {
		t.Run(name, func(t *testing.T) {
			var status atomic.Int32
			status.Store(http.StatusNotFound)
			b := startBMC(t, accelerated(host, &status))
			e.Address = b.address
			c := connectTo(t, e)
			wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomNone, bos.CauseUnknownToPower, "System_0")
			wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallNotAttempted, bos.CauseUnknownToPower)
			if len(b.posts()) != 0 {
				t.Fatalf("while the host is not shown it sent %q", b.posts())
			}
			status.Store(http.StatusOK)
			wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateOff, bos.SymptomNone, bos.CauseNone)
			wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallDone, bos.CauseNone)
			if want := []string{"POST /redfish/v1/Systems/System_0/Actions/ComputerSystem.Reset On"}; !slices.Equal(b.posts(), want) {
				t.Errorf("sent %q", b.posts())
			}
		})
	}
}

// TestAListOfSystemsInPartsIsReadToItsEnd: BMCs of chassis page it.
func TestAListOfSystemsInPartsIsReadToItsEnd(t *testing.T) {
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case r.URL.RawQuery == "$skip=1":
			_, _ = fmt.Fprint(w, `{"Members":[{"@odata.id":"/redfish/v1/Systems/2"}]}`)
		case r.URL.Path == "/redfish/v1/Systems":
			_, _ = fmt.Fprint(w, `{"Members":[{"@odata.id":"/redfish/v1/Systems/1"}],"Members@odata.nextLink":"/redfish/v1/Systems?$skip=1"}`)
		case r.URL.Path == "/redfish/v1/Systems/2":
			_, _ = fmt.Fprintf(w, `{"UUID":%q,"PowerState":"On"}`, uuid2)
		default:
			_, _ = fmt.Fprintf(w, `{"UUID":%q,"PowerState":"Off"}`, uuid1)
		}
	})
	probeOn(t, connectTo(t, redfish.Endpoint{Address: b.address, UUID: uuid2}))
}

// TestAPathThatTheBMCDoesNotHaveIsLookedForThere: inventories that were posted have
// invented ones.
func TestAPathThatTheBMCDoesNotHaveIsLookedForThere(t *testing.T) {
	b := startBMC(t, listing(named("/redfish/v1/Systems/Self", "Self", "System", uuid1)))
	e := b.endpoint("x1000c0s0b0n0")
	c := connectTo(t, e)
	probeOn(t, c)
	probeOn(t, c)
	wantResult(t, apply(t.Context(), t, c, bos.PowerForceOff, node).results[node], bos.CallDone, bos.CauseNone)
	if want := []string{"POST /redfish/v1/Systems/Self/Actions/ComputerSystem.Reset ForceOff"}; !slices.Equal(b.posts(), want) {
		t.Errorf("sent %q", b.posts())
	}
	if n := len(slices.DeleteFunc(b.asked(), func(r string) bool { return r != "GET "+e.System })); n != 1 {
		t.Errorf("it was asked for the path of the inventory %d times: %q", n, b.asked())
	}
}

// TestABMCThatStartsAndHasNothingYetKeepsItsPath: a path that is right, and not there
// for a moment, is not given up.
func TestABMCThatStartsAndHasNothingYetKeepsItsPath(t *testing.T) {
	var up atomic.Bool
	b := startBMC(t, func(b *bmc, w http.ResponseWriter, r *http.Request, reset string) {
		if r.URL.Path == "/redfish/v1/Systems/Self" && r.Method == http.MethodGet && !up.Load() {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		listing(named("/redfish/v1/Systems/Self", "Self", "System", uuid1))(b, w, r, reset)
	})
	c := connectTo(t, b.endpoint("Self"))
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCError, "404")
	up.Store(true)
	probeOn(t, c)
	wantResult(t, apply(t.Context(), t, c, bos.PowerForceOff, node).results[node], bos.CallDone, bos.CauseNone)
	if last := b.asked()[len(b.asked())-1]; !strings.HasPrefix(last, "POST") || strings.Contains(strings.Join(b.asked()[len(b.asked())-2:], " "), "Systems ") {
		t.Errorf("asked %q", b.asked())
	}
}

// TestAResetThatIsNotTakenAtAnAddressWithASlashIsSentWithoutIt: nothing was done, as
// the BMC has no such action there.
func TestAResetThatIsNotTakenAtAnAddressWithASlashIsSentWithoutIt(t *testing.T) {
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		if strings.HasSuffix(r.URL.Path, "/") {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	})
	e := b.endpoint("Self")
	e.Target += "/"
	wantResult(t, apply(t.Context(), t, connectTo(t, e), bos.PowerOn, node).results[node], bos.CallDone, bos.CauseNone)
	if want := []string{"POST " + e.Target + " On", "POST " + strings.TrimSuffix(e.Target, "/") + " On"}; !slices.Equal(b.posts(), want) {
		t.Errorf("sent %q", b.posts())
	}
}

// TestTwoNodesOfOneSystemAreBothLeftAlone: an inventory that was copied from line to line
// would have one node reset for the other.
func TestTwoNodesOfOneSystemAreBothLeftAlone(t *testing.T) {
	b := startBMC(t, powered("On"))
	twin := b.endpoint("Self")
	again := twin
	again.System, again.Target, again.Address = "https://"+b.address+"/redfish/v1/Systems/Self/", "", strings.ToUpper(b.address)
	all := map[string]redfish.Endpoint{node: b.endpoint("Other"), "x1c0s1b0n0": twin, "x1c0s1b0n1": again}
	c := connect(t, redfish.Config{Endpoints: fixed(all)})
	ids := []string{node, "x1c0s1b0n0", "x1c0s1b0n1"}
	seen, done := probe(t.Context(), t, c, ids...).results, apply(t.Context(), t, c, bos.PowerForceOff, ids...).results
	wantReading(t, seen[node], bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
	wantResult(t, done[node], bos.CallDone, bos.CauseNone)
	for _, id := range ids[1:] {
		wantReading(t, seen[id], bos.PowerStateUnknown, bos.SymptomNone, bos.CauseUnknownToPower, "x1c0s1b0n[0-1]")
		wantResult(t, done[id], bos.CallNotAttempted, bos.CauseUnknownToPower, "/redfish/v1/Systems/Self")
	}
	if len(b.posts()) != 1 {
		t.Errorf("sent %q", b.posts())
	}
}
