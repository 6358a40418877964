package assembly

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/bss"
	"github.com/bootorch/terraform-provider-bos/internal/hw/cfs"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/pcs"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/service"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

// oneImage is an image store with one image.
type oneImage struct{}

func (oneImage) Image(_ context.Context, path string) (bos.Image, error) {
	return bos.Image{Path: path, ETag: "e", Kernel: bos.Artifact{Path: "k"}, Initrd: bos.Artifact{Path: "i"}}, nil
}

// site is a service with its real adapters at an emulated room, in virtual time
// and without sockets: what it asks for depends on nothing but the room.
type site struct {
	t       *testing.T
	room    *emulator.Server
	handler http.Handler
}

// atSite runs a test with a room of so many nodes, each with a BMC of its own.
func atSite(t *testing.T, nodes int, power string, powerTime time.Duration, test func(s *site)) {
	t.Helper()
	atSiteWith(t, nodes, power, powerTime, func(*redfish.Config) {}, test)
}

// atSiteWith is atSite with other settings of Redfish.
func atSiteWith(t *testing.T, nodes int, power string, powerTime time.Duration, set func(*redfish.Config), test func(s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		room, err := emulator.Unplugged(emulator.ServerConfig{Config: machineroom.Config{
			Nodes: nodes, NodesPerBMC: 1, Seed: 1, PowerTime: powerTime, BootTime: 3 * time.Second, ConfigTime: 3 * time.Second,
		}, StateDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bos.db"))
		if err != nil {
			t.Fatal(err)
		}
		e := room.Endpoints()
		at := func(url string) transport.Upstream { return transport.Upstream{URL: url, Dial: room.Dial} }
		inventory := hsm.New(at(e.HSM))
		config := service.Config{
			Store: store, Inventory: inventory, Boot: bss.New(at(e.BSS)), Configuration: cfs.New(at(e.CFS)), Artifacts: oneImage{},
			Power: pcs.New(pcs.Config{Upstream: at(e.PCS)}),
		}
		if power == "redfish" {
			rc := redfish.Config{Endpoints: ofHSM(inventory), Holds: inventory.HeedingReservations().Holds, CA: func() *x509.CertPool { return e.CA }, User: e.User, Password: e.Password, Dial: room.Dial}
			set(&rc)
			config.Power = redfish.New(rc)
		}
		made, err := service.New(config)
		if err != nil {
			t.Fatal(err)
		}
		s := &site{t, room, access.Open(made.Handler())}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- made.Run(ctx) }()
		reported := make(chan struct{})
		go func() { defer close(reported); s.report(ctx) }()
		<-time.After(time.Minute) // discovery
		test(s)
		stop()
		<-reported
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for _, part := range []any{config.Inventory, config.Power, config.Boot, config.Configuration} {
			if c, ok := part.(interface{ Close() }); ok {
				c.Close()
			}
		}
		<-time.After(time.Minute) // the last pause between questions
		if err := room.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// report tells the service what nodes boot, in their stead, until ctx ends.
func (s *site) report(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, r := range s.room.Room().Advance(time.Now()) {
			state := fmt.Sprintf(`{"bss_token":%q}`, r.Token)
			if r.Token == "" { // it boots what BSS never had for it
				state = fmt.Sprintf(`{"boot_artifacts":{"kernel":%q,"initrd":%q,"kernel_parameters":%q}}`, r.Artifacts.Kernel, r.Artifacts.Initrd, r.Artifacts.KernelParameters)
			}
			s.must(http.MethodPatch, "/v2/components/"+r.Node, `{"actual_state":`+state+`}`, nil)
		}
	}
}

func (s *site) must(method, path, body string, into any) {
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body)))
	if rec.Code >= http.StatusMultipleChoices {
		s.t.Errorf("%s %s answered %d %s", method, path, rec.Code, rec.Body)
		return
	}
	if into != nil {
		if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
			s.t.Error(err)
		}
	}
}

// runs runs a session on all nodes and returns the requests it cost, by route.
func (s *site) runs(name, operation, configuration string) map[string]int {
	s.must(http.MethodPut, "/v2/sessiontemplates/t", fmt.Sprintf(
		`{"enable_cfs":%t,"cfs":{"configuration":%q},"boot_sets":{"c":{"path":"s3://b/m","type":"s3","kernel_parameters":"run=%s","node_roles_groups":["Compute"]}}}`,
		configuration != "", configuration, name), nil)
	s.room.Requests(true)
	s.must(http.MethodPost, "/v2/sessions", fmt.Sprintf(`{"name":%q,"operation":%q,"template_name":"t"}`, name, operation), nil)
	for range 3600 {
		var status bos.ExtendedStatus
		s.must(http.MethodGet, "/v2/sessions/"+name+"/status", "", &status)
		if status.Status == bos.SessionComplete {
			if status.PercentSuccessful != 100 {
				s.t.Errorf("%s: %+v", name, status)
			}
			return s.room.Requests(true)
		}
		<-time.After(time.Second)
	}
	s.t.Fatalf("session %s does not end", name)
	return nil
}

// listed is what was asked, in an order to read.
func listed(requests map[string]int) string {
	var b strings.Builder
	for _, route := range slices.Sorted(maps.Keys(requests)) {
		fmt.Fprintf(&b, "\n%8d %s", requests[route], route)
	}
	return b.String()
}

// many is a number of nodes or rounds, or a tenth of it for the race detector: what goes on
// at the same time is the same in fewer, and make test has all of them, and counts
// requests, without it.
func many(n int) int {
	if raced {
		return n / 10
	}
	return n
}

func TestACleanRebootOfAThousandNodesCostsTwentyRequests(t *testing.T) {
	for _, configuration := range []string{"", "compute"} {
		t.Run("configuration="+configuration, func(t *testing.T) {
			atSite(t, many(1000), "pcs", time.Second, func(s *site) {
				// How long power takes is learned from the first.
				s.runs("first", "boot", configuration)
				s.runs("second", "reboot", configuration)
				requests := s.runs("third", "reboot", configuration)
				all := 0
				for _, n := range requests {
					all += n
				}
				t.Log(listed(requests))
				if all > 20 && !raced { // few nodes share what is asked for all
					t.Errorf("%d requests:%s", all, listed(requests))
				}
			})
		})
	}
}

// TestACleanRebootThroughRedfishCostsEightRequestsPerNode: also the first one of a
// room, when nobody knows yet how long its power takes. Nodes that boot for longer
// than two polling intervals are probed twice meanwhile.
func TestACleanRebootThroughRedfishCostsEightRequestsPerNode(t *testing.T) {
	nodes := many(300)
	for powerTime, most := range map[time.Duration]float64{time.Second: 8, 4 * time.Second: 8, 15 * time.Second: 8, 30 * time.Second: 9} {
		t.Run("power="+powerTime.String(), func(t *testing.T) {
			atSite(t, nodes, "redfish", powerTime, func(s *site) {
				for _, run := range []struct{ name, operation string }{{"boot", "boot"}, {"first", "reboot"}, {"second", "reboot"}} {
					requests := s.runs(run.name, run.operation, "")
					bmcs := 0
					for route, n := range requests {
						if strings.HasPrefix(route, "BMC ") {
							bmcs += n
						}
					}
					perNode := float64(bmcs) / float64(nodes)
					t.Logf("%s: %.2f requests to the BMC of each node", run.name, perNode)
					if perNode > most && !raced { // of few nodes one weighs more
						t.Errorf("%s: %.2f requests to the BMC of each node, want at most %.0f:%s", run.name, perNode, most, listed(requests))
					}
				}
			})
		})
	}
}
