package assembly

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/bootservice"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// newPair is a site with inventory-service and boot-service at an emulated room.
type newPair struct {
	t         *testing.T
	room      *emulator.Server
	inventory string
	macs      map[string]string // by node
	boots     *bootservice.Service
	bootsAt   string
}

// inventoryService serves what HSM has as inventory-service does: whole lists whatever is
// asked for, BMCs among the nodes, no partitions and no locks, and what it lacks is the
// plain 404 of its router.
func (p *newPair) inventoryService() http.Handler {
	read := func(path string, into any) {
		req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.room.Endpoints().HSM+path, nil)
		if err != nil {
			p.t.Error(err)
			return
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return // the test is over
		}
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			p.t.Error(err)
		}
	}
	answer := func(w http.ResponseWriter, body any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body) // the client is gone if this fails
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hsm/v2/State/Components", func(w http.ResponseWriter, _ *http.Request) {
		var list struct{ Components []map[string]any }
		read("/State/Components", &list)
		for _, n := range list.Components {
			list.Components = append(list.Components, map[string]any{"ID": bos.BMCOf(fmt.Sprint(n["ID"])), "Type": "NodeBMC", "State": "Ready", "Enabled": true})
		}
		answer(w, list)
	})
	for _, path := range []string{"/Inventory/ComponentEndpoints", "/groups"} {
		mux.HandleFunc("GET /hsm/v2"+path, func(w http.ResponseWriter, _ *http.Request) {
			var whole json.RawMessage
			read(path, &whole)
			answer(w, whole)
		})
	}
	mux.HandleFunc("GET /hsm/v2/Inventory/EthernetInterfaces", func(w http.ResponseWriter, _ *http.Request) {
		list := []map[string]any{}
		for id, mac := range p.macs {
			list = append(list, map[string]any{"ID": strings.ReplaceAll(mac, ":", ""), "MACAddress": mac, "ComponentID": id, "Type": "Node", "IPAddresses": nil})
		}
		answer(w, list)
	})
	mux.HandleFunc("GET /hsm/v2/Inventory/RedfishEndpoints", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"RedfishEndpoints": []any{}})
	})
	return mux
}

// setLine is what a script of boot-service sets.
var setLine = regexp.MustCompile(`(?m)^set (kernel|initrd|params) (.*)$`)

// asIPXE is what nodes run of boot-service's scripts, which they ask for by MAC address:
// its variables are put in.
func (p *newPair) asIPXE() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set := make(map[string]string)
		for _, line := range setLine.FindAllStringSubmatch(p.boots.Script(p.macs[r.URL.Query().Get("name")]), -1) {
			set[line[1]] = html.UnescapeString(line[2])
		}
		if set["kernel"] == "" {
			_, _ = io.WriteString(w, "#!ipxe\nhalt\n")
			return
		}
		_, _ = fmt.Fprintf(w, "#!ipxe\nkernel --name kernel %s %s || goto again\ninitrd --name initrd %s || goto again\n", set["kernel"], set["params"], set["initrd"])
	})
}

// serve runs BOS with the settings as they are shipped, with the addresses of this site.
func (p *newPair) serve(listening *atomic.Pointer[http.Handler]) {
	body, err := os.ReadFile(examples + "config/openchami-v0.2.yaml")
	if err != nil {
		p.t.Fatal(err)
	}
	text, e := string(body), p.room.Endpoints()
	for was, is := range map[string]string{
		"http://inventory-service:8080/hsm/v2": p.inventory, "http://boot-service:8080": p.bootsAt, "10.2.0.0/16": "127.0.0.0/8", "/etc/bos/bmc-ca.pem": e.CAFile,
		`endpoint: "http://10.1.0.1:9000"`: fmt.Sprintf("endpoint: %q", e.S3),
	} {
		if !strings.Contains(text, was) {
			p.t.Errorf("it has no %s", was)
		}
		text = strings.ReplaceAll(text, was, is)
	}
	p.t.Setenv("BMC_PASSWORD", e.Password)
	p.t.Setenv("S3_ACCESS_KEY", e.AccessKey)
	p.t.Setenv("S3_SECRET_KEY", e.SecretKey)
	settings, err := Parse(text)
	if err != nil {
		p.t.Fatal(err)
	}
	settings.Database, settings.Auth = filepath.Join(p.t.TempDir(), "bos.db"), config.Auth{Mode: config.AuthOff}
	made, err := New(p.t.Context(), settings, "test", slog.New(slog.NewTextHandler(p.t.Output(), nil)))
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(p.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- made.Run(ctx) }()
	p.t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, made.Close()); err != nil {
			p.t.Error(err)
		}
	})
	h := made.Handler()
	listening.Store(&h)
}

// TestANewOpenCHAMIBootsItsNodesWithTheConfigurationAsShipped: inventory-service in place
// of SMD, and boot-service in place of BSS.
func TestANewOpenCHAMIBootsItsNodesWithTheConfigurationAsShipped(t *testing.T) {
	const nodes = 8
	var listening atomic.Pointer[http.Handler]
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := listening.Load(); h != nil {
			(*h).ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(api.Close)
	room, err := emulator.Start(t.Context(), emulator.ServerConfig{
		Config: machineroom.Config{Nodes: nodes, NodesPerBMC: 2, Seed: 1, PowerTime: 20 * time.Millisecond, BootTime: 40 * time.Millisecond, ReportEvery: time.Hour},
		Listen: "127.0.0.1:0", BOSURL: api.URL, StateDir: t.TempDir(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := room.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &newPair{t: t, room: room, macs: make(map[string]string)}
	for i, n := range room.Room().Inventory().Nodes {
		p.macs[n.ID] = fmt.Sprintf("02:00:00:00:00:%02x", i+1)
	}
	inventory := httptest.NewServer(p.inventoryService())
	t.Cleanup(inventory.Close)
	p.inventory = inventory.URL + "/hsm/v2"
	p.boots = bootservice.New(bootservice.Config{Nodes: func() (list []bootservice.Node) {
		for id, mac := range p.macs {
			list = append(list, bootservice.Node{XName: id, BootMAC: mac})
		}
		return list
	}})
	boots := httptest.NewServer(p.boots.Handler())
	t.Cleanup(boots.Close)
	p.bootsAt = boots.URL
	ipxe := httptest.NewServer(p.asIPXE())
	t.Cleanup(ipxe.Close)
	room.SetBootScripts(ipxe.URL)
	p.serve(&listening)

	client := patient{t, api.URL}
	client.until("/v2/components", func(list []bos.Component) bool { return len(list) == nodes })
	client.must(http.MethodPut, "/v2/sessiontemplates/compute", `{"enable_cfs":false,"boot_sets":{"compute":{
		"path":"s3://boot-images/`+services.ImageX86+`/manifest.json","type":"s3","kernel_parameters":"quiet","node_roles_groups":["Compute"]}}}`, nil)
	for _, operation := range []string{"boot", "reboot", "shutdown"} {
		client.must(http.MethodPost, "/v2/sessions", fmt.Sprintf(`{"name":%q,"template_name":"compute","operation":%q}`, operation, operation), nil)
		status := until(client, "/v2/sessions/"+operation+"/status", func(s bos.ExtendedStatus) bool { return s.Status == bos.SessionComplete })
		if status.ManagedComponentsCount != nodes || status.PercentSuccessful != 100 {
			t.Fatalf("%s: %+v", operation, status)
		}
	}
	for _, n := range room.Room().States(time.Now()) {
		if resets := room.Room().Resets(n.ID); len(resets) != 4 { // on, off and on, off
			t.Errorf("%s was reset %d times", n.ID, len(resets))
		}
	}
}

// patient asks the API over a socket.
type patient struct {
	t   *testing.T
	url string
}

func (p patient) must(method, path, body string, into any) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= http.StatusMultipleChoices {
		p.t.Fatalf("%s %s: %s %s, %v", method, path, res.Status, text, err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			p.t.Fatal(err)
		}
	}
}

// until asks for components until they are as wanted.
func (p patient) until(path string, ok func([]bos.Component) bool) { until(p, path, ok) }

// until asks until the answer is as wanted, for a minute at most.
func until[T any](p patient, path string, ok func(T) bool) (last T) {
	p.t.Helper()
	for over := time.Now().Add(time.Minute); time.Now().Before(over); <-time.After(50 * time.Millisecond) {
		var now T
		if p.must(http.MethodGet, path, "", &now); ok(now) {
			return now
		}
		last = now
	}
	p.t.Fatalf("%s never is as wanted: %+v", path, last)
	return last
}
