package redfish_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// listen is this service as BMCs reach it; it tells the nodes hinted at.
func listen(t *testing.T, c *redfish.Client) (url string, hints chan []string) {
	t.Helper()
	hints = make(chan []string, 1000)
	mux := http.NewServeMux()
	mux.Handle(redfish.EventsPath, c.Events(func(nodes ...string) { hints <- nodes }))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL, hints
}

func wantSending(t *testing.T, c *redfish.Client, url string, want int) {
	t.Helper()
	if sending, err := c.SubscribeDue(t.Context(), url); sending != want {
		t.Fatalf("%d BMCs send events, want %d; %v", sending, want, err)
	}
}

// subscribers is how many subscriptions the first BMC of a room has.
func subscribers(s *emulator.Server) int { return s.BMCs().Subscriptions(bos.BMCOf(first)) }

func TestEveryMakeHintsAtTheNodeWhosePowerChanged(t *testing.T) {
	for _, profile := range machineroom.ProfileNames() {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			never := time.Duration(0)
			s, c := startRoom(t, emulator.ServerConfig{Config: machineroom.Config{
				Nodes: 4, Profiles: []machineroom.ProfileOf{{Profile: profile, IgnoreFor: &never}},
			}}, redfish.Config{})
			url, hints := listen(t, c)
			wantSending(t, c, url, 2)
			for _, op := range []bos.PowerOp{bos.PowerOn, bos.PowerForceOff} {
				wantResult(t, apply(t.Context(), t, c, op, second).results[second], bos.CallDone, bos.CauseNone)
				if got := <-hints; !slices.Equal(got, []string{second}) {
					t.Errorf("%s: hinted at %v", op, got)
				}
			}
			asked := s.Requests(false)["BMC POST"]
			wantSending(t, c, url, 2) // nothing is due
			if more := s.Requests(false)["BMC POST"] - asked; more != 0 || subscribers(s) != 1 {
				t.Errorf("%d more requests, %d subscriptions", more, subscribers(s))
			}
			c.Close()
			if left := subscribers(s); left != 0 {
				t.Errorf("%d subscriptions are left", left)
			}
		})
	}
}

// TestWhoClosesLeavesSubscriptionsToTheOthersBehindTheSameAddress, who would be sent no
// events until they looked for them.
func TestWhoClosesLeavesSubscriptionsToTheOthersBehindTheSameAddress(t *testing.T) {
	s, c := startRoom(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 2}}, redfish.Config{})
	url, _ := listen(t, c)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	c.KeepSubscribed(over, url, true, slog.New(slog.DiscardHandler))
	wantSending(t, c, url, 1)
	c.Close()
	if left := subscribers(s); left != 1 {
		t.Errorf("%d subscriptions are left", left)
	}
}

func TestABMCThatRestartedIsSubscribedToAgain(t *testing.T) {
	for name, c := range map[string]struct {
		sessions bool
		faults   []fault.Rule
	}{
		"and lost our session":      {true, []fault.Rule{{Name: "now", Fault: fault.Restart, Nodes: first, Times: 1}}},
		"and was silent meanwhile":  {false, []fault.Rule{{Name: "now", Fault: fault.Dead, Nodes: first}, {Fault: fault.Restart, Nodes: first, Times: 1}}},
		"silent with a session too": {true, []fault.Rule{{Name: "now", Fault: fault.Dead, Nodes: first}, {Fault: fault.Restart, Nodes: first, Times: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, client := startRoom(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 2}}, redfish.Config{Sessions: c.sessions, Timeouts: redfish.Timeouts{Connect: patience, TLS: patience, Read: patience, Reset: patience}})
			url, hints := listen(t, client)
			wantSending(t, client, url, 1)
			if err := s.Room().AddFaults(time.Now(), c.faults...); err != nil {
				t.Fatal(err)
			}
			probe(t.Context(), t, client, first)
			s.Room().LiftFaults("now")
			becomes(t, client, first, bos.PowerStateOff)
			if left := subscribers(s); left != 0 {
				t.Fatalf("%d subscriptions outlived the restart", left)
			}
			wantSending(t, client, url, 1)
			if now := subscribers(s); now != 1 {
				t.Errorf("%d subscriptions", now)
			}
			wantResult(t, apply(t.Context(), t, client, bos.PowerOn, first).results[first], bos.CallDone, bos.CauseNone)
			if got := <-hints; !slices.Equal(got, []string{first}) {
				t.Errorf("hinted at %v", got)
			}
		})
	}
}

func TestASubscriptionOfAnEarlierRunIsTakenOver(t *testing.T) {
	s, killed := startRoom(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 2}}, redfish.Config{})
	url, _ := listen(t, killed)
	wantSending(t, killed, url, 1)
	again := connectRoom(t, s, redfish.Config{})
	wantSending(t, again, url, 1)
	if now := subscribers(s); now != 1 {
		t.Errorf("%d subscriptions", now)
	}
}

// eventful is a handler for a BMC with an EventService, whose subscriptions are
// made and answered by post.
func eventful(service string, members []string, post func(w http.ResponseWriter, body string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redfish/v1/EventService":
			_, _ = io.WriteString(w, service)
		case "/subs":
			if r.Method == http.MethodPost {
				body, _ := io.ReadAll(r.Body)
				post(w, string(body))
				return
			}
			_, _ = fmt.Fprintf(w, `{"Members":[%s]}`, strings.Join(members, ","))
		case "/subs/theirs":
			_, _ = io.WriteString(w, `{"Destination":"https://theirs"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
}

func TestHowBMCsTakeASubscription(t *testing.T) {
	const whole = `{"ServiceEnabled":true,"EventTypesForSubscription":["StatusChange","Other"],"Subscriptions":{"@odata.id":"/subs"}}`
	theirs := []string{`{"@odata.id":"/subs/theirs"}`, `{"@odata.id":"https://elsewhere/subs/2"}`}
	for _, c := range []struct {
		name, service string
		status        int
		refuseTypes   bool
		posts         int
		types         string // of the last
		sends         int
		says          string
	}{
		{"with types", whole, 201, false, 1, `["StatusChange"]`, 1, ""},
		{"that refuses types", whole, 201, true, 2, "", 1, ""},
		{"without types", `{"Subscriptions":{"@odata.id":"/subs"}}`, 200, false, 1, "", 1, ""},
		{"that has no more", whole, 503, false, 1, `["StatusChange"]`, 0, "503"},
		{"whose service is off", `{"ServiceEnabled":false,"Subscriptions":{"@odata.id":"/subs"}}`, 201, false, 0, "", 0, "no event service"},
		{"whose subscriptions are elsewhere", `{"Subscriptions":{"@odata.id":"https://elsewhere/subs"}}`, 201, false, 0, "", 0, "no event service"},
		{"with a page instead", `<html>`, 201, false, 0, "", 0, "cannot be used"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var posts []string // one request at a time
			s := httptest.NewTLSServer(eventful(c.service, theirs, func(w http.ResponseWriter, body string) {
				posts = append(posts, body)
				if c.refuseTypes && strings.Contains(body, "EventTypes") {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				w.WriteHeader(c.status)
			}))
			defer s.Close()
			client := connect(t, redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{node: {Address: s.Listener.Addr().String(), System: "/s"}})})
			sending, err := client.SubscribeDue(t.Context(), "https://bos/")
			if sending != c.sends || len(posts) != c.posts || (err == nil) != (c.says == "") {
				t.Fatalf("%d send, posted %q, %v", sending, posts, err)
			}
			if err != nil {
				wantSaid(t, err.Error(), []string{c.says})
			}
			if len(posts) == 0 {
				return
			}
			want := fmt.Sprintf(`"Destination":"https://bos/x/v1/redfish-events/%s","Protocol":"Redfish"`, s.Listener.Addr())
			if last := posts[len(posts)-1]; !strings.Contains(last, want) || strings.Contains(last, "EventTypes") != (c.types != "") || !strings.Contains(last, c.types) {
				t.Errorf("posted %s", last)
			}
		})
	}
}

func TestABMCThatShowsNoSubscriptionGetsNoSecondOne(t *testing.T) {
	posts := 0 // one request at a time
	s := httptest.NewTLSServer(eventful(`{"Subscriptions":{"@odata.id":"/subs"}}`, nil, func(w http.ResponseWriter, _ string) {
		posts++
		w.WriteHeader(http.StatusCreated)
	}))
	defer s.Close()
	address := s.Listener.Addr().String()
	c := connect(t, redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{node: {Address: address, System: "/s"}})})
	for range 3 {
		wantSending(t, c, "https://bos", 1)
		c.Doubt(address)
	}
	if posts != 1 {
		t.Errorf("posted %d times", posts)
	}
}

func TestAPathThatIsSomebodyElsesByNowIsLeftAlone(t *testing.T) {
	var made, asked []string // one request at a time
	ours := ""
	h := eventful(`{"Subscriptions":{"@odata.id":"/subs"}}`, nil, func(w http.ResponseWriter, body string) {
		made = append(made, body)
		w.Header().Set("Location", fmt.Sprintf("/subs/%d", len(made)))
		w.WriteHeader(http.StatusCreated)
	})
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		if r.URL.Path == "/subs/1" {
			_, _ = fmt.Fprintf(w, `{"Destination":%q}`, ours)
			return
		}
		h.ServeHTTP(w, r)
	}))
	defer s.Close()
	address := s.Listener.Addr().String()
	ours = "https://bos/x/v1/redfish-events/" + address
	c := connect(t, redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{node: {Address: address, System: "/s"}})})
	for i, want := range []int{1, 1, 2} {
		if i == 2 {
			ours = "https://theirs"
		}
		wantSending(t, c, "https://bos", 1)
		c.Doubt(address)
		if len(made) != want {
			t.Errorf("round %d: %d subscriptions, want %d", i, len(made), want)
		}
	}
	c.Close()
	if last := asked[len(asked)-1]; last != "DELETE /subs/2" || slices.Contains(asked, "DELETE /subs/1") {
		t.Errorf("asked %q", asked)
	}
}

func TestWhatIsPostedHintsAtNodesOfThatBMCAndAtNothingElse(t *testing.T) {
	const address = "bmc1"
	c := connect(t, redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{
		"x1c0s1b0n0": {Address: address, System: "/redfish/v1/Systems/1"}, "x1c0s1b0n1": {Address: address, System: "/redfish/v1/Systems/10"},
		"x1c0s2b0n0": {Address: "[fd00::2]:8443", System: "/redfish/v1/Systems/1"},
	})})
	c.Probe(t.Context(), nil, nil)
	c.Settle()
	var hinted []string
	h := c.Events(func(nodes ...string) { hinted = append(hinted, nodes...) })
	both := []string{"x1c0s1b0n0", "x1c0s1b0n1"}
	event := func(origin string) string {
		return `{"Events":[{"OriginOfCondition":` + origin + `,"PowerState":"Off"}]}`
	}
	for _, p := range []struct {
		method, bmc, body string
		status            int
		nodes             []string
	}{
		{"POST", address, event(`{"@odata.id":"/redfish/v1/Systems/1"}`), 200, both[:1]},
		{"POST", address, event(`"/redfish/v1/Systems/10/Processors/1"`), 200, both[1:]},
		{"POST", address, event(`{"@odata.id":"/redfish/v1/Chassis/1"}`), 200, both},
		{"POST", address, event(`null`), 200, both},
		{"POST", address, `{"Events":[]}`, 200, both},
		{"POST", "%5Bfd00::2%5D:8443", `{}`, 200, []string{"x1c0s2b0n0"}},
		{"POST", "elsewhere", event(`{"@odata.id":"/redfish/v1/Systems/1"}`), 404, nil},
		{"POST", "", event(`null`), 404, nil},
		{"POST", address, `{`, 400, nil},
		{"POST", address, `{"Events":7}`, 400, nil},
		{"POST", address, strings.Repeat(" ", 300<<10) + `{}`, 400, nil},
		{"GET", address, "", 405, nil},
	} {
		hinted = nil
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(p.method, redfish.EventsPath+p.bmc, strings.NewReader(p.body)))
		slices.Sort(hinted)
		if w.Code != p.status || !slices.Equal(hinted, p.nodes) {
			t.Errorf("%s to %s of %.60q: answered %d, hinted at %v; want %d, %v", p.method, p.bmc, p.body, w.Code, hinted, p.status, p.nodes)
		}
	}
}

func FuzzWhatBMCsSend(f *testing.F) {
	f.Add(`{"Events":[{"MessageId":"iLOEvents.1.0.ServerPoweredOff","OriginOfCondition":{"@odata.id":"/redfish/v1/Systems/1"}}],"Context":"ours"}`)
	f.Add(`{"Events":[{"OriginOfCondition":"/redfish/v1/Systems/2"},{"OriginOfCondition":null}]}`)
	f.Add(`{"events":{}}`)
	c := redfish.New(redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{
		"x1c0s1b0n0": {Address: "bmc", System: "/redfish/v1/Systems/1"}, "x1c0s1b0n1": {Address: "bmc", System: "/redfish/v1/Systems/2"},
		"x1c0s2b0n0": {Address: "other", System: "/redfish/v1/Systems/1"},
	})})
	c.Probe(f.Context(), nil, nil)
	c.Settle()
	f.Fuzz(func(t *testing.T, body string) {
		var hinted []string
		w := httptest.NewRecorder()
		c.Events(func(nodes ...string) { hinted = append(hinted, nodes...) }).ServeHTTP(w, httptest.NewRequest(http.MethodPost, redfish.EventsPath+"bmc", strings.NewReader(body)))
		slices.Sort(hinted)
		ofOthers := slices.ContainsFunc(hinted, func(id string) bool { return !strings.HasPrefix(id, "x1c0s1b0n") })
		if taken := w.Code == http.StatusOK; taken != (len(hinted) > 0) || !taken && w.Code != http.StatusBadRequest || ofOthers || len(slices.Compact(hinted)) > 2 {
			t.Errorf("answered %d, hinted at %v", w.Code, hinted)
		}
	})
}
