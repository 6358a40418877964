package redfish_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// TestWhatAnILOSaysWithoutATextIsTold: its messages have ids and arguments alone, and the
// text of the error says that it is in them.
func TestWhatAnILOSaysWithoutATextIsTold(t *testing.T) {
	const other = "See @Message.ExtendedInfo for more information."
	for name, c := range map[string]struct {
		body, says string
		outcome    bos.CallOutcome
	}{
		"iLO 5": {`{"error":{"code":"iLO.0.10.ExtendedInfo","message":"` + other + `","@Message.ExtendedInfo":[
			{"MessageArgs":["Power is off"],"MessageId":"iLO.2.14.InvalidOperationForSystemState"}]}}`, "InvalidOperationForSystemState (Power is off)", bos.CallBusy},
		"iLO 4 with its own list besides": {`{"Messages":[{"MessageID":"iLO.0.10.UnableToModifyDuringSystemPOST"}],"Type":"ExtendedError.1.0.0","error":{
			"@Message.ExtendedInfo":[{"MessageID":"iLO.0.10.UnableToModifyDuringSystemPOST"}],"code":"iLO.0.10.ExtendedInfo","message":"` + other + `"}}`, "UnableToModifyDuringSystemPOST", bos.CallBusy},
		"iLO 4 with that alone": {
			`{"Messages":[{"MessageID":"iLO.0.10.UnableToModifyDuringSystemPOST"}],"Name":"Extended Error Information","Type":"ExtendedError.0.9.6"}`,
			"UnableToModifyDuringSystemPOST", bos.CallBusy,
		},
		"arguments of another shape": {`{"error":{"@Message.ExtendedInfo":[{"MessageArgs":"none","MessageId":"Base.1.8.InternalError"}]}}`, "InternalError", bos.CallRefused},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBMC(t, system("On", http.StatusBadRequest, c.body))
			got := apply(t.Context(), t, connectTo(t, b.endpoint("1")), bos.PowerForceOff, node).results[node]
			if got.Outcome != c.outcome || !strings.Contains(got.Detail, c.says) || strings.Contains(got.Detail, other) {
				t.Errorf("got %+v, want it to say %q", got, c.says)
			}
		})
	}
}

// startGate is the address of a BMC that looks after its credentials itself.
func startGate(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// TestASessionThatIsOverIsBegunAnewHoweverBrokenTheRefusal: iDRACs answer with 401 and a
// body that ends in the middle of a chunk.
func TestASessionThatIsOverIsBegunAnewHoweverBrokenTheRefusal(t *testing.T) {
	var logins, over atomic.Int32
	b := startGate(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/Sessions"):
			w.Header().Set("X-Auth-Token", fmt.Sprintf("t%d", logins.Add(1)))
			w.WriteHeader(http.StatusCreated)
		case r.Header.Get("X-Auth-Token") == "t1" && over.Load() > 0:
			raw, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(raw, "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n5\r\n{\"err")
			_ = raw.Close()
		case r.Method == http.MethodGet:
			_, _ = io.WriteString(w, `{"PowerState":"On"}`)
		}
	})
	c := connect(t, redfish.Config{Sessions: true, Endpoints: fixed(map[string]redfish.Endpoint{node: {Address: b, System: "/redfish/v1/Systems/Self"}})})
	probeOn(t, c)
	over.Store(1)
	probeOn(t, c)
	probeOn(t, c)
	if n := logins.Load(); n != 2 {
		t.Errorf("it was logged in to %d times", n)
	}
}

// TestASessionIsEndedAlsoWhereItsAddressIsTakenWithAnotherEndAlone: it would stay open, and
// BMCs have few.
func TestASessionIsEndedAlsoWhereItsAddressIsTakenWithAnotherEndAlone(t *testing.T) {
	const path = "/redfish/v1/SessionService/Sessions/root7"
	for name, c := range map[string]struct {
		location, taken string
		refusal         int
	}{
		"without a slash": {path + "/", path, http.StatusMethodNotAllowed},
		"with a slash":    {path, path + "/", http.StatusPermanentRedirect},
	} {
		t.Run(name, func(t *testing.T) {
			var ended atomic.Int32
			b := startGate(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/redfish/v1/SessionService/Sessions":
					w.Header().Set("X-Auth-Token", "t")
					w.Header().Set("Location", c.location)
					w.WriteHeader(http.StatusCreated)
				case r.Method == http.MethodDelete && r.URL.Path == c.taken && r.Header.Get("X-Auth-Token") == "t":
					ended.Add(1)
				case r.Method == http.MethodDelete:
					w.Header().Set("Location", c.taken)
					w.WriteHeader(c.refusal)
				default:
					_, _ = io.WriteString(w, `{"PowerState":"On"}`)
				}
			})
			client := redfish.New(redfish.Config{Sessions: true, User: user, Password: password, Insecure: true, Endpoints: fixed(map[string]redfish.Endpoint{node: {Address: b, System: "/redfish/v1/Systems/Self"}})})
			probeOn(t, client)
			client.Close()
			if ended.Load() != 1 {
				t.Error("it is still open")
			}
		})
	}
}
