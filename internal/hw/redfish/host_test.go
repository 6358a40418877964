package redfish_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// A BMC that knows its address and no name, as iDRACs do whose own name is another.
func TestABMCThatDoesNotKnowTheInventorysNameIsCalledByItsAddress(t *testing.T) {
	var mu sync.Mutex
	var called []string
	b := startBMC(t, func(b *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		mu.Lock()
		called = append(called, r.Method+" "+strings.Split(r.Host, ":")[0])
		mu.Unlock()
		if r.Host != b.address {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, `{"PowerState":"Off"}`)
	})
	e := b.endpoint("1")
	e.Address = strings.Replace(b.address, "127.0.0.1", "localhost", 1)
	e.Trust.Insecure = true
	c := connectTo(t, e)
	for range 2 {
		wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateOff, bos.SymptomNone, bos.CauseNone)
	}
	wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallDone, bos.CauseNone)
	if got := strings.Join(called, ", "); got != "GET localhost, GET 127.0.0.1, GET 127.0.0.1, POST 127.0.0.1" {
		t.Errorf("it was called: %s", got)
	}
}

func TestABMCThatCallsAllRequestsBadIsAskedOnceMoreAndToldAsItAnswers(t *testing.T) {
	b := startBMC(t, always(http.StatusBadRequest, `{"error":{"message":"malformed"}}`))
	e := b.endpoint("1")
	e.Address = strings.Replace(b.address, "127.0.0.1", "localhost", 1)
	e.Trust.Insecure = true
	wantReading(t, probe(t.Context(), t, connectTo(t, e), node).results[node], bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCError, "400", "malformed")
	if n := len(b.asked()); n != 2 {
		t.Errorf("it was asked %d times, want by its name and by its address", n)
	}
	e.Address = b.address
	probe(t.Context(), t, connectTo(t, e), node)
	if n := len(b.asked()); n != 3 {
		t.Errorf("by its address it was asked %d times, want once", n-2)
	}
}

// TestAResetThatIsCalledBadIsNotSentAgainUnderAnotherName: what a BMC wants to be called is
// found out by reads alone.
func TestAResetThatIsCalledBadIsNotSentAgainUnderAnotherName(t *testing.T) {
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, `{"PowerState":"Off"}`)
	})
	e := b.endpoint("1")
	e.Address = strings.Replace(b.address, "127.0.0.1", "localhost", 1)
	e.Trust.Insecure = true
	got := apply(t.Context(), t, connectTo(t, e), bos.PowerOn, node).results[node]
	if got.Outcome == bos.CallDone || len(b.posts()) != 1 {
		t.Errorf("%+v after %q", got, b.posts())
	}
}
