package redfish_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// TestAWrongPasswordIsGivenToThreeBMCsBeforeItIsDoubted: of those that are asked one after
// the other, the fourth is the first that is tried for all.
func TestAWrongPasswordIsGivenToThreeBMCsBeforeItIsDoubted(t *testing.T) {
	var asked []func() []string
	all, ids := make(map[string]redfish.Endpoint), []string{}
	for i := range 12 {
		b := startBMC(t, powered("On"))
		id := fmt.Sprintf("x1c0s%db0n0", i)
		all[id], ids = b.endpoint("Self"), append(ids, id)
		asked = append(asked, b.asked)
	}
	c := connect(t, redfish.Config{Endpoints: fixed(all), Password: "another", Concurrency: 1})
	seen := probe(t.Context(), t, c, ids...).results
	given, held := 0, 0
	for i, id := range ids {
		given += len(asked[i]())
		if seen[id].Cause == bos.CauseCredentialsHeld {
			held++
		}
	}
	if given > 4 || held < len(ids)-4 {
		t.Errorf("it was given %d times, and held back from %d of %d", given, held, len(ids))
	}
}

// TestARedirectToAnotherPlaceIsNotFollowedByAReset, nor guessed at.
func TestARedirectToAnotherPlaceIsNotFollowedByAReset(t *testing.T) {
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodPost {
			w.Header().Set("Location", "/redfish/v1/Systems/Other/Actions/ComputerSystem.Reset")
			w.WriteHeader(http.StatusPermanentRedirect)
		}
	})
	got := apply(t.Context(), t, connectTo(t, b.endpoint("Self")), bos.PowerForceOff, node).results[node]
	if got.Outcome == bos.CallDone || len(b.posts()) != 1 {
		t.Errorf("%+v after %q", got, b.posts())
	}
}
