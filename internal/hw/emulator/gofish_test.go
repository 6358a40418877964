package emulator

import (
	"crypto/tls"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stmcginnis/gofish"
	"github.com/stmcginnis/gofish/schemas"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// connect opens a BMC by a Redfish client that has nothing to do with ours.
func connect(t *testing.T, s *Server, bmc string, change func(*gofish.ClientConfig)) (*gofish.APIClient, error) {
	t.Helper()
	e := s.Endpoints()
	c := gofish.ClientConfig{
		Endpoint: "https://" + s.BMCAddress(bmc), Username: e.User, Password: e.Password, ReuseConnections: true,
		HTTPClient: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: e.CA, MinVersion: tls.VersionTLS12}}},
	}
	change(&c)
	client, err := gofish.ConnectContext(t.Context(), c)
	if err == nil {
		t.Cleanup(client.Logout)
	}
	return client, err
}

// TestAnIndependentClientDrivesEveryMake takes each make's BMC through its
// service root, a session, its systems, what it lists, and a reset.
func TestAnIndependentClientDrivesEveryMake(t *testing.T) {
	for _, name := range append(machineroom.ProfileNames(), "") {
		for _, basic := range []bool{false, true} {
			t.Run(name+map[bool]string{false: " by session", true: " by password"}[basic], func(t *testing.T) {
				c := machineroom.Config{Nodes: 2}
				if name != "" {
					c.Profiles = []machineroom.ProfileOf{{Profile: name}}
				}
				s := startServer(t, ServerConfig{Config: c})
				client, err := connect(t, s, bos.BMCOf(first), func(c *gofish.ClientConfig) { c.BasicAuth = basic })
				if err != nil {
					t.Fatal(err)
				}
				systems, err := client.Service.Systems()
				if err != nil || len(systems) != 2 {
					t.Fatalf("%d systems: %v", len(systems), err)
				}
				n, _ := s.Room().Node(first, time.Now())
				profile := s.Room().SystemsOf(bos.BMCOf(first))[0].Profile
				of := slices.IndexFunc(systems, func(c *schemas.ComputerSystem) bool { return c.ODataID == n.Endpoint.System })
				if of < 0 {
					t.Fatalf("no system is %s", n.Endpoint.System)
				}
				system := systems[of]
				if system.Manufacturer != profile.Manufacturer || system.PowerState != schemas.OffPowerState {
					t.Errorf("system %+v", system)
				}
				listed, err := system.GetSupportedResetTypes()
				if err != nil || len(listed) == 0 != profile.Unlisted || len(listed) > 0 && !slices.Contains(listed, schemas.OnResetType) {
					t.Errorf("it lists %v: %v", listed, err)
				}
				if _, err := system.Reset(schemas.OnResetType); err != nil {
					t.Fatal(err)
				}
				for system.PowerState != schemas.OnPowerState {
					if system, err = schemas.GetComputerSystem(client, system.ODataID); err != nil {
						t.Fatal(err)
					}
				}
				if got := len(s.Room().Resets(first)); got != 1 || len(s.Room().Resets(second)) != 0 {
					t.Errorf("%d resets of the first node, %d of its neighbour", got, len(s.Room().Resets(second)))
				}
			})
		}
	}
}

func TestAnIndependentClientHasAsManySessionsAsTheMakeAllows(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 1, Profiles: []machineroom.ProfileOf{{Profile: machineroom.ProfileIDRAC}}}})
	bmc := bos.BMCOf(first)
	ordinary := func(*gofish.ClientConfig) {}
	for i := range 8 {
		if _, err := connect(t, s, bmc, ordinary); err != nil {
			t.Fatalf("session %d: %v", i+1, err)
		}
	}
	if _, err := connect(t, s, bmc, ordinary); err == nil {
		t.Error("an iDRAC gave a ninth session")
	}
	if _, err := connect(t, s, bmc, func(c *gofish.ClientConfig) { c.Password = "wrong" }); err == nil {
		t.Error("it takes any password")
	}
}

func TestAnIndependentClientMeetsTheFaultsOfABMC(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 2}})
	bmc := bos.BMCOf(first)
	client, err := connect(t, s, bmc, func(*gofish.ClientConfig) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []fault.Kind{fault.Busy, fault.Credentials, fault.Hang, fault.Dead} {
		if err := s.Room().AddFaults(time.Now(), fault.Rule{Name: "now", Fault: f}); err != nil {
			t.Fatal(err)
		}
		client.HTTPClient.Timeout = 200 * time.Millisecond
		if systems, err := client.Service.Systems(); err == nil {
			t.Errorf("%s: it lists %v", f, systems)
		}
		s.Room().LiftFaults("now")
		client.HTTPClient.Timeout = 10 * time.Second
		if _, err := client.Service.Systems(); err != nil {
			t.Errorf("%s is lifted: %v", f, err)
		}
	}
}
