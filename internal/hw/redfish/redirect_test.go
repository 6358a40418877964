package redfish_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestARedirectThatOnlyAddsASlashIsFollowedOnceAtTheBMCsOwnAddress: some BMCs name
// themselves otherwise in it, and answer so to resets too.
func TestARedirectThatOnlyAddsASlashIsFollowedOnceAtTheBMCsOwnAddress(t *testing.T) {
	for _, status := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
			if !strings.HasSuffix(r.URL.Path, "/") {
				http.Redirect(w, r, "https://ilo.example.com"+r.URL.Path+"/", status)
				return
			}
			_, _ = w.Write([]byte(`{"PowerState":"Off"}`))
		})
		c := connectTo(t, b.endpoint("1"))
		wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateOff, bos.SymptomNone, bos.CauseNone)
		wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallDone, bos.CauseNone)
		if want := []string{"POST " + resetPath + " On", "POST " + resetPath + "/ On"}; !slices.Equal(b.posts(), want) {
			t.Errorf("sent %q", b.posts())
		}
	}
}

func TestARedirectThatGoesRoundIsNotFollowedForEver(t *testing.T) {
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		to := strings.TrimSuffix(r.URL.Path, "/")
		if to == r.URL.Path {
			to += "/"
		}
		http.Redirect(w, r, "https://ilo.example.com"+to, http.StatusPermanentRedirect)
	})
	wantResult(t, apply(t.Context(), t, connectTo(t, b.endpoint("1")), bos.PowerOn, node).results[node], bos.CallRefused, bos.CauseResetRefused, "308")
	if len(b.posts()) != 2 {
		t.Errorf("sent %q", b.posts())
	}
}

func TestADisabledBMCIsAskedForNothing(t *testing.T) {
	b := startBMC(t, powered("On"))
	e := b.endpoint("1")
	e.Disabled = true
	c := connectTo(t, e)
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomNone, bos.CauseBMCDisabled, "disabled in HSM")
	wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallNotAttempted, bos.CauseBMCDisabled, "disabled in HSM")
	if len(b.asked()) != 0 {
		t.Errorf("asked %v", b.asked())
	}
}
