package emulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// startServer runs a room on sockets until the test ends.
func startServer(t *testing.T, c ServerConfig) *Server {
	t.Helper()
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.PowerTime == 0 {
		c.PowerTime = 20 * time.Millisecond
	}
	if c.BootTime == 0 {
		c.BootTime = 20 * time.Millisecond
	}
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask sends a request to a service and decodes its answer, if any.
func ask(t *testing.T, method, url string, body, into any) *http.Response {
	t.Helper()
	var b []byte
	if body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s %s: %v in %s", method, url, err, text)
		}
	}
	return res
}

type object = map[string]any

func TestPowerStatusLooksLikePCSs(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 4}})
	if err := s.room.AddFaults(time.Now(), fault.Rule{Fault: fault.Dead, Nodes: third}); err != nil {
		t.Fatal(err)
	}
	url := s.Endpoints().PCS + "/power-status"
	row := func(id, state, managed, failure string) object {
		return object{
			"xname": id, "powerState": state, "managementState": managed, "error": failure, "lastUpdated": "",
			"supportedPowerTransitions": []any{"On", "Force-Off", "Soft-Off", "Off", "Soft-Restart", "Init", "Hard-Restart"},
		}
	}
	unknown := row(`x9c0s0b0n0`, "", "", "Component not found in component map.")
	unknown["supportedPowerTransitions"] = nil
	fourth := "x1000c0s0b1n1"
	ids := []string{first, third, "x9c0s0b0n0"}
	for _, c := range []struct {
		name, method, url string
		body              any
		want              []any
	}{
		{"those in a body", http.MethodPost, url, object{"xname": ids}, []any{row(first, "off", "available", ""), row(third, "undefined", "unavailable", "No response from target"), unknown}},
		{"those in a query", http.MethodGet, url + "?xname=" + strings.Join(ids[:2], "&xname="), nil, []any{row(first, "off", "available", ""), row(third, "undefined", "unavailable", "No response from target")}},
		{"all of a state", http.MethodGet, url + "?powerStateFilter=Off", nil, []any{row(first, "off", "available", ""), row(second, "off", "available", "")}},
		{"all that are managed or not", http.MethodPost, url, object{"managementStateFilter": "unavailable"}, []any{
			row(third, "undefined", "unavailable", "No response from target"), row(fourth, "undefined", "unavailable", "No response from target"),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got struct{ Status []any }
			if res := ask(t, c.method, c.url, c.body, &got); res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("answered %s as %s", res.Status, res.Header.Get("Content-Type"))
			}
			for _, r := range got.Status {
				row := r.(object)
				if stamp := row["lastUpdated"].(string); stamp != "" {
					if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil {
						t.Error(err)
					}
				}
				row["lastUpdated"] = ""
			}
			if diff := cmp.Diff(c.want, got.Status); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATransitionOnTheWire(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 2}})
	url := s.Endpoints().PCS + "/transitions"
	var made struct{ TransitionID, Operation string }
	res := ask(t, http.MethodPost, url, order("on", first, second), &made)
	if res.StatusCode != http.StatusOK || made.Operation != "On" || res.Header.Get("Location") != "../transitions/"+made.TransitionID {
		t.Fatalf("answered %s %+v, at %s", res.Status, made, res.Header.Get("Location"))
	}
	var told object
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for told["transitionStatus"] != "completed" {
		<-tick.C
		ask(t, http.MethodGet, url+"/"+made.TransitionID, nil, &told)
	}
	delete(told, "createTime")
	delete(told, "automaticExpirationTime")
	done := func(id string) object {
		return object{"xname": id, "taskStatus": "succeeded", "taskStatusDescription": "Transition confirmed, on"}
	}
	want := object{
		"transitionID": made.TransitionID, "operation": "On", "transitionStatus": "completed",
		"taskCounts": object{"total": 2.0, "new": 0.0, "in-progress": 0.0, "failed": 0.0, "succeeded": 2.0, "un-supported": 0.0},
		"tasks":      []any{done(first), done(second)},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("transition (-want +got):\n%s", diff)
	}
	var all struct{ Transitions []object }
	if ask(t, http.MethodGet, url, nil, &all); len(all.Transitions) != 1 || all.Transitions[0]["tasks"] != nil {
		t.Errorf("listed %v", all)
	}
}

func TestWhatPCSRefuses(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 1}})
	base := s.Endpoints().PCS
	if _, err := s.room.StartTransition("8d2b1c2e-0000-4000-8000-000000000001", order("Off", first), time.Now()); err != nil {
		t.Fatal(err)
	}
	many := order("On")
	many.Location = make([]machineroom.TransitionOf, machineroom.MaxTransitionNodes+1)
	for _, c := range []struct {
		name, method, path string
		body               any
		status             int
		detail             string
	}{
		{"an unknown operation", http.MethodPost, "/transitions", order("Bogus", first), 400, "invalid Operation type Bogus"},
		{"more nodes than fit into etcd", http.MethodPost, "/transitions", many, 500, "etcdserver: request is too large"},
		{"an unknown transition", http.MethodGet, "/transitions/8d2b1c2e-0000-4000-8000-000000000000", nil, 404, "Key /transition/8d2b1c2e-0000-4000-8000-000000000000 does not exist"},
		{"the end of an unknown transition", http.MethodDelete, "/transitions/8d2b1c2e-0000-4000-8000-000000000000", nil, 404, "Key /transition/8d2b1c2e-0000-4000-8000-000000000000 does not exist"},
		{"the end of one that is over", http.MethodDelete, "/transitions/8d2b1c2e-0000-4000-8000-000000000001", nil, 400, "Transition is already finished and cannot be aborted."},
		{"what is no id", http.MethodGet, "/transitions/t", nil, 400, "invalid UUID length: 1"},
		{"what is no xname", http.MethodPost, "/power-status", object{"xname": []string{"nid000001", first}}, 400, "invalid xnames detected: nid000001"},
		{"an unknown filter", http.MethodGet, "/power-status?powerStateFilter=up", nil, 400, "invalid PowerStateFilter type up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got object
			res := ask(t, c.method, base+c.path, c.body, &got)
			want := object{"type": "about:blank", "title": http.StatusText(c.status), "status": float64(c.status), "detail": c.detail}
			if diff := cmp.Diff(want, got); diff != "" || res.StatusCode != c.status || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("answered %s as %s (-want +got):\n%s", res.Status, res.Header.Get("Content-Type"), diff)
			}
		})
	}
}

func TestTheConfigurationNamesTheServicesThatAreWanted(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 1}, Also: []string{fault.CFS, fault.IMS}, Tenants: map[string]string{"blue": first}})
	path := filepath.Join(t.TempDir(), "bos.yaml")
	if err := s.WriteConfig(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"configuration: { cfs: { url: ", "images: { ims: { url: ", "tenants: { tapms: { url: "} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	_, err = Start(t.Context(), ServerConfig{Config: machineroom.Config{Nodes: 1}, Also: []string{"dns"}, Listen: "127.0.0.1:0"})
	if err == nil || !strings.Contains(err.Error(), `"dns"`) {
		t.Errorf("an unknown service: %v", err)
	}
}

func TestTheConfigurationNamesTheWayToPower(t *testing.T) {
	for _, c := range []struct{ power, want, not string }{
		{"", "power: { redfish: ", "pcs"}, {PowerRedfish, "power: { redfish: ", "pcs"}, {PowerPCS, "power: { pcs: { url: ", "redfish"},
	} {
		s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 1}, Power: c.power})
		path := filepath.Join(t.TempDir(), "bos.yaml")
		if err := s.WriteConfig(path); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), c.want) || strings.Contains(string(text), c.not) {
			t.Errorf("with power %q: %v\n%s", c.power, err, text)
		}
	}
	if _, err := Start(t.Context(), ServerConfig{Config: machineroom.Config{Nodes: 1}, Power: "ipmi", Listen: "127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), `"ipmi"`) {
		t.Errorf("an unknown way: %v", err)
	}
}
