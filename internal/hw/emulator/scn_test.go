package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
)

// ask sends one request to HSM and reads its answer.
func askHSM(t *testing.T, s *Server, method, path, body string, into any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.Endpoints().HSM+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if into != nil {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return res.StatusCode
}

func subscription(url string) string {
	return fmt.Sprintf(`{"Subscriber":"us","Enabled":true,"States":["on","Ready","Off"],"Url":%q}`, url)
}

// change waits for a notification and returns its nodes and its state.
func (in inbox) change(t *testing.T) (nodes []string, state string) {
	t.Helper()
	body := <-in.got
	for _, n := range body["Components"].([]any) {
		nodes = append(nodes, n.(string))
	}
	state, _ = body["State"].(string)
	if enabled, told := body["Enabled"]; told {
		state = fmt.Sprint("enabled ", enabled)
	}
	slices.Sort(nodes)
	return nodes, state
}

func (in inbox) wantChange(t *testing.T, state string, nodes ...string) {
	t.Helper()
	if got, was := in.change(t); was != state || !slices.Equal(got, nodes) {
		t.Errorf("told that %v are %s, want %v %s", got, was, nodes, state)
	}
}

func TestHSMTellsItsSubscribersOfChanges(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 4, PowerTime: time.Millisecond, BootTime: time.Millisecond}})
	in := openInbox(t)
	for _, want := range []int{1, 1} { // the same subscriber is subscribed once
		var got services.Subscription
		if status := askHSM(t, s, http.MethodPost, "/Subscriptions/SCN", subscription(in.url), &got); status != http.StatusOK || got.ID != want {
			t.Fatalf("answered %d, %+v", status, got)
		}
	}
	reset := func(kind string) {
		if got := s.Room().Reset(first, kind, time.Now()); got != machineroom.AnswerAccepted {
			t.Fatalf("%s: %v", kind, got)
		}
		s.Kick()
	}
	reset(machineroom.ResetOn)
	in.wantChange(t, "On", first)
	reset(machineroom.ResetForceOff)
	in.wantChange(t, "Off", first)
	if status := askHSM(t, s, http.MethodPatch, "/State/Components/"+second+"/Enabled", `{"Enabled":false}`, nil); status != http.StatusNoContent {
		t.Fatalf("answered %d", status)
	}
	in.wantChange(t, "enabled false", second)

	if err := s.Room().AddFaults(time.Now(), fault.Rule{Name: "out", Fault: fault.Outage, Service: fault.HSM}); err != nil {
		t.Fatal(err)
	}
	s.services.Notify([]machineroom.News{{Node: first, State: "On"}})
	s.Room().LiftFaults("out")
	s.services.Notify([]machineroom.News{{Node: first, State: "Ready"}, {Node: first, State: "Halt"}, {Node: second, State: "Ready"}})
	in.wantChange(t, "Ready", first, second)
}

func TestSubscriptionsToHSMAreListedAndEnded(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 2}})
	for i := range 3 {
		askHSM(t, s, http.MethodPost, "/Subscriptions/SCN", subscription(fmt.Sprintf("http://127.0.0.1/%d", i)), nil)
	}
	var one services.Subscription
	if status := askHSM(t, s, http.MethodGet, "/Subscriptions/SCN/2", "", &one); status != http.StatusOK || one.URL != "http://127.0.0.1/1" {
		t.Errorf("answered %d, %+v", status, one)
	}
	for path, want := range map[string]int{"/2": 200, "/9": 404, "/x": 400} {
		if status := askHSM(t, s, http.MethodDelete, "/Subscriptions/SCN"+path, "", nil); status != want {
			t.Errorf("DELETE %s answered %d, want %d", path, status, want)
		}
	}
	var list struct{ SubscriptionList []services.Subscription }
	if askHSM(t, s, http.MethodGet, "/Subscriptions/SCN", "", &list); len(list.SubscriptionList) != 2 {
		t.Errorf("left are %+v", list)
	}
	askHSM(t, s, http.MethodDelete, "/Subscriptions/SCN", "", nil)
	if askHSM(t, s, http.MethodGet, "/Subscriptions/SCN", "", &list); len(list.SubscriptionList) != 0 {
		t.Errorf("left are %+v", list)
	}
	if status := askHSM(t, s, http.MethodGet, "/Subscriptions/SCN/2", "", nil); status != http.StatusNotFound {
		t.Errorf("answered %d", status)
	}
}

func TestASubscriptionToHSMSaysWhoWhereAndOfWhat(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 2}})
	for body, want := range map[string]int{
		`{`:                           500,
		`{"Url":"http://127.0.0.1/"}`: 400,
		`{"Subscriber":"us"}`:         400,
		`{"Subscriber":"us","Url":"http://127.0.0.1/"}`:                     400,
		`{"Subscriber":"us","Url":"http://192.0.2.1/","States":["On"]}`:     400,
		`{"Subscriber":"us","Url":"http://127.0.0.1/","Roles":["Compute"]}`: 200,
	} {
		if status := askHSM(t, s, http.MethodPost, "/Subscriptions/SCN", body, nil); status != want {
			t.Errorf("%s: answered %d, want %d", body, status, want)
		}
	}
}

func TestAQuestionAboutLocksThatNoNodeMeetsIsBadAsItIsToSMD(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 2}})
	var all struct{ Components []struct{ ID string } }
	if status := askHSM(t, s, http.MethodGet, "/locks/status?type=Node", "", &all); status != http.StatusOK || len(all.Components) != 2 {
		t.Fatalf("all nodes were answered %d %+v", status, all)
	}
	const locked = "/locks/status?type=Node&Locked=true"
	var said struct{ Detail string }
	if status := askHSM(t, s, http.MethodGet, locked, "", &said); status != http.StatusBadRequest || said.Detail != "Component not found" {
		t.Errorf("no locked node was answered %d %q", status, said.Detail)
	}
	askHSM(t, s, http.MethodPost, "/locks/lock", fmt.Sprintf(`{"ComponentIDs":[%q]}`, all.Components[0].ID), nil)
	if status := askHSM(t, s, http.MethodGet, locked, "", &all); status != http.StatusOK || len(all.Components) != 1 {
		t.Errorf("one locked node was answered %d %+v", status, all)
	}
}
