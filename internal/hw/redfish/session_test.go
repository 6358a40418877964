package redfish_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// host is a BMC with a session service.
type host struct {
	address string

	mu       sync.Mutex
	requests []string // "GET basic", "GET 1" with the number of the session
	logins   int
	open     map[string]bool // by token
	most     int
	// refusal is the status of logins, 0 for success; guarded is a service that
	// wants Basic credentials for logins too; lost hangs up on them;
	// without is the header that their answer lacks; forgetful makes every
	// token unknown at once.
	refusal   int
	guarded   bool
	lost      bool
	without   string
	forgetful bool
	body      string // of the answer to a login
	echo      bool   // resets fail with what was sent
}

func startHost(t *testing.T, h *host) (*host, *redfish.Client) {
	t.Helper()
	h.open = make(map[string]bool)
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	h.address = s.Listener.Addr().String()
	return h, connect(t, redfish.Config{
		Sessions: true,
		Endpoints: fixed(map[string]redfish.Endpoint{node: {
			Address: h.address, System: "/redfish/v1/Systems/1", Target: resetPath, ResetTypes: []string{"On", "ForceOff"},
		}}),
	})
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	token := r.Header.Get("X-Auth-Token")
	u, p, basic := r.BasicAuth()
	if r.URL.Path == "/redfish/v1/SessionService/Sessions" {
		h.login(w, r)
		return
	}
	who := strings.TrimPrefix(token, "t0ken-")
	if basic {
		who = "basic"
	}
	h.requests = append(h.requests, r.Method+" "+who)
	if !h.open[token] && (u != user || p != password) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch r.Method {
	case http.MethodDelete:
		delete(h.open, "t0ken-"+r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
	case http.MethodPost:
		if h.echo {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "failed for "+token)
		}
	case http.MethodGet:
		_, _ = io.WriteString(w, `{"PowerState":"On"}`)
	}
}

func (h *host) login(w http.ResponseWriter, r *http.Request) {
	h.requests = append(h.requests, "login")
	if h.lost {
		panic(http.ErrAbortHandler)
	}
	if _, _, basic := r.BasicAuth(); h.guarded && !basic {
		w.Header().Set("WWW-Authenticate", `Basic realm="Redfish"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var body struct{ UserName, Password string }
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.UserName != user || body.Password != password {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if h.refusal != 0 {
		w.WriteHeader(h.refusal)
		return
	}
	h.logins++
	token := fmt.Sprintf("t0ken-%d", h.logins)
	if !h.forgetful {
		h.open[token] = true
	}
	h.most = max(h.most, len(h.open))
	w.Header().Set("X-Auth-Token", token)
	w.Header().Set("Location", fmt.Sprintf("https://bmc.example/redfish/v1/SessionService/Sessions/%d", h.logins))
	w.Header().Del(h.without)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, h.body)
}

// expire forgets all sessions, as a BMC does that was reset.
func (h *host) expire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.open)
}

func (h *host) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if diff := cmp.Diff(want, h.requests); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func probeOn(t *testing.T, c *redfish.Client) {
	t.Helper()
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
}

func TestASessionIsBegunOnceRenewedWhenItExpiredAndEnded(t *testing.T) {
	h, c := startHost(t, &host{})
	probeOn(t, c)
	probeOn(t, c)
	h.expire()
	wantResult(t, apply(t.Context(), t, c, bos.PowerForceOff, node).results[node], bos.CallDone, bos.CauseNone)
	c.Close()
	h.wantAsked(t, "login", "GET 1", "GET 1", "POST 1", "login", "POST 2", "DELETE 2")
	if len(h.open) != 0 || h.most != 1 {
		t.Errorf("%d sessions are left, there were up to %d", len(h.open), h.most)
	}
}

func TestABMCWithoutSessionsToGiveGetsBasicCredentials(t *testing.T) {
	for name, h := range map[string]*host{
		"no session service":  {refusal: http.StatusNotFound},
		"no token":            {without: "X-Auth-Token"},
		"logins need a login": {guarded: true},
		"a way to elsewhere":  {refusal: http.StatusFound}, // as where logins are by a page
		"a way to https":      {refusal: http.StatusPermanentRedirect},
		"no such method":      {refusal: http.StatusMethodNotAllowed},
		"not built":           {refusal: http.StatusNotImplemented},
	} {
		t.Run(name, func(t *testing.T) {
			h, c := startHost(t, h)
			probeOn(t, c)
			probeOn(t, c)
			c.Close()
			h.wantAsked(t, "login", "GET basic", "GET basic")
		})
	}
}

func TestALoginThatIsRefusedForAnotherReasonIsAskedAgainBeforeBasicCredentialsAre(t *testing.T) {
	h, c := startHost(t, &host{refusal: http.StatusInternalServerError})
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCError, "500")
	h.mu.Lock()
	h.refusal = 0
	h.mu.Unlock()
	probeOn(t, c)
	c.Close()
	h.wantAsked(t, "login", "login", "GET 1", "DELETE 1")

	h, c = startHost(t, &host{refusal: http.StatusServiceUnavailable})
	// What was to follow a login that broke was not sent.
	wantResult(t, apply(t.Context(), t, c, bos.PowerForceOff, node).results[node], bos.CallBusy, bos.CauseBMCError, "503")
	probeOn(t, c)
	probeOn(t, c)
	c.Close()
	h.wantAsked(t, "login", "login", "GET basic", "GET basic")
}

func TestASessionWithoutALocationIsThatOfTheBody(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		last string
	}{
		"in the body": {`{"@odata.id":"/redfish/v1/SessionService/Sessions/1"}`, "DELETE 1"},
		"nowhere":     {``, "GET 1"},
	} {
		t.Run(name, func(t *testing.T) {
			h, client := startHost(t, &host{without: "Location", body: c.body})
			probeOn(t, client)
			probeOn(t, client)
			client.Close()
			want := []string{"login", "GET 1", "GET 1"}
			if c.last != "GET 1" {
				want = append(want, c.last)
			}
			h.wantAsked(t, want...)
		})
	}
}

func TestATokenThatIsRefusedAtOnceIsTheLast(t *testing.T) {
	h, c := startHost(t, &host{forgetful: true})
	probeOn(t, c)
	probeOn(t, c)
	c.Close()
	h.wantAsked(t, "login", "GET 1", "login", "GET 2", "GET basic", "GET basic")
}

func TestAResetAfterALoginWithoutAnswerWasNotAttempted(t *testing.T) {
	h, c := startHost(t, &host{lost: true})
	wantResult(t, apply(t.Context(), t, c, bos.PowerForceOff, node).results[node], bos.CallNotAttempted, bos.CauseBMCUnreachable)
	probeOn(t, c)
	c.Close()
	h.wantAsked(t, "login", "GET basic")
}

func TestAnEchoedTokenIsNotShown(t *testing.T) {
	_, c := startHost(t, &host{echo: true})
	got := apply(t.Context(), t, c, bos.PowerForceOff, node).results[node]
	wantResult(t, got, bos.CallUnknown, bos.CauseResetUnconfirmed, "failed for ***")
	if strings.Contains(got.Detail, "t0ken") {
		t.Errorf("detail %q", got.Detail)
	}
}

// TestARefusedLoginIsAboutTheCredentials: where the refusal may be about the login
// itself, Basic credentials are tried once; after two refusals nothing is, as BMCs
// count failures.
func TestARefusedLoginIsAboutTheCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		host   *host
		asked  []string
		causes []bos.Cause
	}{
		"for good":              {&host{}, []string{"login", "login"}, []bos.Cause{bos.CauseBMCAuth, bos.CauseBMCAuth, bos.CauseCredentialsHeld}},
		"perhaps for the login": {&host{guarded: true}, []string{"login", "GET basic"}, []bos.Cause{bos.CauseBMCAuth, bos.CauseCredentialsHeld, bos.CauseCredentialsHeld}},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := startHost(t, c.host)
			client := connect(t, redfish.Config{
				Sessions: true, User: user, Password: "wr0ng",
				Endpoints: fixed(map[string]redfish.Endpoint{node: {Address: h.address, System: "/redfish/v1/Systems/1"}}),
			})
			for _, cause := range c.causes {
				wantReading(t, probe(t.Context(), t, client, node).results[node], bos.PowerStateUnknown, bos.SymptomRefusing, cause)
			}
			wantResult(t, apply(t.Context(), t, client, bos.PowerOn, node).results[node], bos.CallNotAttempted, bos.CauseCredentialsHeld, "lest it locks the account", "power.redfish.credentials")
			h.wantAsked(t, c.asked...)
		})
	}
}
