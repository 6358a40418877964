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
		{"a refused graceful shutdown, and no force", bos.PowerSoftOff, all, "On", map[string]int{"GracefulShutdown": 501}, []string{"GracefulShutdown"}, bos.CallRefused},
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
			got := apply(t.Context(), t, one(t, e), c.op, node).results[node]
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
	apply(ctx, t, one(t, e), bos.PowerOn, node)
	if !slices.Equal(sent(b), []string{"On"}) {
		t.Errorf("sent %q", sent(b))
	}
}
