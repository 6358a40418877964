package redfish_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// sent are the reset types a BMC got, in their order.
func sent(b *bmc) (types []string) {
	for _, p := range b.posts() {
		types = append(types, p[strings.LastIndex(p, " ")+1:])
	}
	return types
}

// picky is a handler for a node that is in a state and answers resets by their
// type, those it is not told of with success.
func picky(state string, answers map[string]int) func(*bmc, http.ResponseWriter, *http.Request, string) {
	return func(_ *bmc, w http.ResponseWriter, r *http.Request, reset string) {
		if r.Method == http.MethodGet {
			_, _ = fmt.Fprintf(w, `{"PowerState":%q}`, state)
			return
		}
		if status, ok := answers[reset]; ok {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"error":{"message":"no `+reset+` here"}}`)
		}
	}
}

func TestATypeThatIsMissingOrRefusedIsReplacedByOneOfTheSameMeaning(t *testing.T) {
	all := []string{"On", "ForceOn", "ForceOff", "Off", "GracefulShutdown", "GracefulRestart", "ForceRestart", "PowerCycle", "PushPowerButton"}
	for _, c := range []struct {
		name    string
		op      bos.PowerOp
		types   []string
		state   string
		answers map[string]int
		sent    []string
		outcome bos.CallOutcome
	}{
		{"ForceOn for a missing On", bos.PowerOn, []string{"ForceOn", "ForceOff"}, "Off", nil, []string{"ForceOn"}, bos.CallDone},
		{"Off for a missing ForceOff", bos.PowerForceOff, []string{"On", "Off"}, "On", nil, []string{"Off"}, bos.CallDone},
		{"ForceOff before Off", bos.PowerForceOff, []string{"On", "Off", "ForceOff"}, "On", nil, []string{"ForceOff"}, bos.CallDone},
		{"a joined entry", bos.PowerForceOff, []string{"OnForceOff", "Off"}, "On", nil, []string{"ForceOff"}, bos.CallDone},
		{"an On that is not implemented", bos.PowerOn, all, "Off", map[string]int{"On": 501}, []string{"On", "ForceOn"}, bos.CallDone},
		{"an On that is a bad request", bos.PowerOn, all, "Off", map[string]int{"On": 400}, []string{"On", "ForceOn"}, bos.CallDone},
		{"a ForceOff that is not implemented", bos.PowerForceOff, all, "On", map[string]int{"ForceOff": 501}, []string{"ForceOff", "Off"}, bos.CallDone},
		{"neither, and no restart", bos.PowerOn, all, "Off", map[string]int{"On": 501, "ForceOn": 400}, []string{"On", "ForceOn"}, bos.CallRefused},
		{"a refused graceful shutdown, and no force", bos.PowerSoftOff, all, "On", map[string]int{"GracefulShutdown": 501}, []string{"GracefulShutdown"}, bos.CallUnsupported},
		{"a substitute that is not advertised", bos.PowerOn, []string{"On", "ForceRestart"}, "Off", map[string]int{"On": 501}, []string{"On"}, bos.CallRefused},
		{"a refusal where the node is there", bos.PowerOn, all, "On", map[string]int{"On": 400}, []string{"On"}, bos.CallDone},
		{"a busy BMC", bos.PowerOn, all, "Off", map[string]int{"On": 503}, []string{"On"}, bos.CallBusy},
		{"a BMC that broke over it", bos.PowerForceOff, all, "On", map[string]int{"ForceOff": 500}, []string{"ForceOff"}, bos.CallUnknown},
		{"a substitute over which it broke", bos.PowerOn, all, "Off", map[string]int{"On": 501, "ForceOn": 500}, []string{"On", "ForceOn"}, bos.CallUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := startBMC(t, picky(c.state, c.answers))
			e := b.endpoint("1")
			e.ResetTypes = c.types
			got := apply(t.Context(), t, connectTo(t, e), c.op, node).results[node]
			if got.Outcome != c.outcome {
				t.Errorf("got %+v, want outcome %v", got, c.outcome)
			}
			if !slices.Equal(sent(b), c.sent) {
				t.Errorf("sent %q, want %q", sent(b), c.sent)
			}
			if c.outcome != bos.CallDone {
				last := c.sent[len(c.sent)-1]
				wantSaid(t, got.Detail, append([]string{"no " + last + " here"}, c.sent...))
			}
		})
	}
}

func TestNoSubstituteIsSentAfterACancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, _ *http.Request, _ string) {
		cancel()
		w.WriteHeader(http.StatusNotImplemented)
	})
	e := b.endpoint("1")
	e.ResetTypes = []string{"On", "ForceOn"}
	apply(ctx, t, connectTo(t, e), bos.PowerOn, node)
	if !slices.Equal(sent(b), []string{"On"}) {
		t.Errorf("sent %q", sent(b))
	}
}

// TestARefusalIsComparedWithWhatTheBMCOffers is about an inventory that knows a
// reset target and no types, as it may have made the target up.
func TestARefusalIsComparedWithWhatTheBMCOffers(t *testing.T) {
	const elsewhere = "/redfish/v1/Systems/1/Actions/Oem.Reset"
	for _, c := range []struct {
		name    string
		op      bos.PowerOp
		action  string // of the system
		info    string // what its ActionInfo is answered with
		gone    bool   // the inventory's target is not there
		refuses []string
		sent    []string
		outcome bos.CallOutcome
	}{
		{"an ActionInfo without On", bos.PowerOn, `"@Redfish.ActionInfo":"/info"`, `{"Parameters":[{"Name":"ResetType","AllowableValues":["ForceOn","ForceOff"]}]}`, false, []string{"On"}, []string{"On", "ForceOn"}, bos.CallDone},
		{"a list without ForceOff", bos.PowerForceOff, `"ResetType@Redfish.AllowableValues":["On","Off"]`, "", false, []string{"ForceOff"}, []string{"ForceOff", "Off"}, bos.CallDone},
		{"a list with nothing else", bos.PowerOn, `"ResetType@Redfish.AllowableValues":["On","ForceOff"]`, "", false, []string{"On"}, []string{"On"}, bos.CallRefused},
		{"no list", bos.PowerOn, `"target":"` + resetPath + `"`, "", false, []string{"On"}, []string{"On"}, bos.CallRefused},
		{"an ActionInfo that is not there", bos.PowerForceOff, `"@Redfish.ActionInfo":"/info"`, "", false, []string{"ForceOff"}, []string{"ForceOff"}, bos.CallRefused},
		{"nothing refused", bos.PowerOn, `"@Redfish.ActionInfo":"/info"`, "", false, nil, []string{"On"}, bos.CallDone},
		{"a target made up", bos.PowerForceOff, `"target":"` + elsewhere + `","ResetType@Redfish.AllowableValues":["On","ForceOff"]`, "", true, nil, []string{"ForceOff", "ForceOff"}, bos.CallDone},
		{"a target made up, and the same from the BMC", bos.PowerForceOff, `"target":"` + resetPath + `","ResetType@Redfish.AllowableValues":["On","ForceOff"]`, "", true, nil, []string{"ForceOff"}, bos.CallRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, reset string) {
				switch {
				case r.URL.Path == "/info" && c.info == "", r.URL.Path == resetPath && c.gone:
					w.WriteHeader(http.StatusNotFound)
				case r.URL.Path == "/info":
					_, _ = io.WriteString(w, c.info)
				case r.Method == http.MethodGet:
					_, _ = fmt.Fprintf(w, `{"PowerState":"PoweringOff","Actions":{"#ComputerSystem.Reset":{%s}}}`, c.action)
				case slices.Contains(c.refuses, reset):
					w.WriteHeader(http.StatusBadRequest)
				}
			})
			e := b.endpoint("1")
			e.ResetTypes = nil
			got := apply(t.Context(), t, connectTo(t, e), c.op, node).results[node]
			if got.Outcome != c.outcome || !slices.Equal(sent(b), c.sent) {
				t.Errorf("sent %q, got %+v; want %q, outcome %v", sent(b), got, c.sent, c.outcome)
			}
		})
	}
}
