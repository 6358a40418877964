package emulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stmcginnis/gofish"
	"github.com/stmcginnis/gofish/schemas"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// inbox is an address of this machine at which notifications arrive.
type inbox struct {
	url string
	got chan map[string]any
}

func openInbox(t *testing.T) inbox {
	t.Helper()
	in := inbox{got: make(chan map[string]any, 100)}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost {
			t.Errorf("%s: %v", r.Method, err)
		}
		in.got <- body
	}))
	t.Cleanup(s.Close)
	in.url = s.URL
	return in
}

// event waits for an event and returns its message and where it comes from.
func (in inbox) event(t *testing.T) (message, origin string) {
	t.Helper()
	raw, err := json.Marshal(<-in.got)
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Context string
		Events  []struct {
			MessageID         string `json:"MessageId"`
			OriginOfCondition struct {
				ID string `json:"@odata.id"`
			}
		}
	}
	if err := json.Unmarshal(raw, &body); err != nil || len(body.Events) != 1 || body.Context != "ours" {
		t.Fatalf("%s: %v", raw, err)
	}
	return body.Events[0].MessageID, body.Events[0].OriginOfCondition.ID
}

func subscribe(t *testing.T, client *gofish.APIClient, url string) {
	t.Helper()
	if err := subscribeTo(t, client, url); err != nil && !strings.Contains(err.Error(), "empty url") { // without a Location
		t.Fatal(err)
	}
}

func subscribeTo(t *testing.T, client *gofish.APIClient, url string) error {
	t.Helper()
	service, err := client.Service.EventService()
	if err != nil || !service.ServiceEnabled {
		t.Fatalf("%+v, %v", service, err)
	}
	types := []schemas.EventType{"StatusChange"}
	//nolint:staticcheck // most BMCs that are met are older than what replaces it
	_, err = service.CreateEventSubscription(url, types, nil, schemas.RedfishEventDestinationProtocol, "ours", nil)
	return err
}

func subscribed(t *testing.T, client *gofish.APIClient) []*schemas.EventDestination {
	t.Helper()
	service, err := client.Service.EventService()
	if err != nil {
		t.Fatal(err)
	}
	list, err := service.Subscriptions()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAnIndependentClientIsToldOfPowerByEveryMake(t *testing.T) {
	for name, want := range map[string][2]string{
		machineroom.ProfileCray:       {"CrayAlerts.1.0.ResourcePowerStateChanged", "CrayAlerts.1.0.ResourcePowerStateChanged"},
		machineroom.ProfileILO:        {"iLOEvents.1.0.ServerPoweredOn", "iLOEvents.1.0.ServerPoweredOff"},
		machineroom.ProfileIDRAC:      {"ResourceEvent.1.0.ResourcePowerStateChanged", "ResourceEvent.1.0.ResourcePowerStateChanged"},
		machineroom.ProfileOpenBMC:    {"ResourceEvent.1.0.ResourcePowerStateChanged", "ResourceEvent.1.0.ResourcePowerStateChanged"},
		machineroom.ProfileGigabyte:   {"EventLog.1.0.PowerStatusChange", "EventLog.1.0.PowerStatusChange"},
		machineroom.ProfileSupermicro: {"ResourceEvent.1.0.ResourcePowerStateChanged", "ResourceEvent.1.0.ResourcePowerStateChanged"},
	} {
		t.Run(name, func(t *testing.T) {
			never := time.Duration(0)
			s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 2, PowerTime: time.Millisecond, Profiles: []machineroom.ProfileOf{{Profile: name, IgnoreFor: &never}}}})
			client, err := connect(t, s, bos.BMCOf(first), func(*gofish.ClientConfig) {})
			if err != nil {
				t.Fatal(err)
			}
			in := openInbox(t)
			subscribe(t, client, in.url)
			if list := subscribed(t, client); len(list) != 1 || list[0].Destination != in.url {
				t.Fatalf("subscriptions %+v", list)
			}
			n, _ := s.Room().Node(second, time.Now())
			for i, kind := range []string{machineroom.ResetOn, machineroom.ResetForceOff} {
				if got := s.Room().Reset(second, kind, time.Now()); got != machineroom.AnswerAccepted {
					t.Fatalf("%s: %v", kind, got)
				}
				s.Kick()
				if message, origin := in.event(t); message != want[i] || origin != n.Endpoint.System {
					t.Errorf("%s: event %s of %s, want %s of %s", kind, message, origin, want[i], n.Endpoint.System)
				}
			}
			service, err := client.Service.EventService()
			if err != nil {
				t.Fatal(err)
			}
			if err := service.DeleteEventSubscription(subscribed(t, client)[0].ODataID); err != nil {
				t.Fatal(err)
			}
			if list := subscribed(t, client); len(list) != 0 {
				t.Errorf("left is %+v", list)
			}
		})
	}
}

func TestABMCThatRestartsLosesItsSessionsAndSubscriptions(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 2}})
	client, err := connect(t, s, bos.BMCOf(first), func(*gofish.ClientConfig) {})
	if err != nil {
		t.Fatal(err)
	}
	subscribe(t, client, openInbox(t).url)
	if err := s.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.Restart, Nodes: first, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Service.Systems(); err == nil {
		t.Error("the session outlived the restart")
	}
	if client, err = connect(t, s, bos.BMCOf(first), func(*gofish.ClientConfig) {}); err != nil {
		t.Fatal(err)
	}
	if list := subscribed(t, client); len(list) != 0 {
		t.Errorf("subscriptions %+v", list)
	}
}

func TestSubscriptionsOfABMCAreFewAndStayOnThisMachine(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 2}})
	client, err := connect(t, s, bos.BMCOf(first), func(*gofish.ClientConfig) {})
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]bool{"http://192.0.2.1/events": false, "ftp://127.0.0.1/events": false, "http://127.0.0.1/0": true} {
		if err := subscribeTo(t, client, url); (err == nil) != want {
			t.Errorf("%s: %v", url, err)
		}
	}
	for len(subscribed(t, client)) < 8 {
		subscribe(t, client, "http://127.0.0.1/more")
	}
	if err := subscribeTo(t, client, "http://127.0.0.1/last"); err == nil {
		t.Error("there is no limit")
	}
}
