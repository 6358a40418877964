package redfish_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// The nodes of the first BMC of an emulated room.
const (
	first  = "x1000c0s0b0n0"
	second = "x1000c0s0b0n1"
)

// startRoom starts an emulated room on real sockets, whose HSM says where the
// BMCs are, and a client for it.
func startRoom(t *testing.T, c emulator.ServerConfig, rc redfish.Config) (*emulator.Server, *redfish.Client) {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	if c.PowerTime == 0 {
		c.PowerTime = time.Millisecond
	}
	s, err := emulator.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, connectRoom(t, s, rc)
}

// connectRoom makes a client for a room.
func connectRoom(t *testing.T, s *emulator.Server, rc redfish.Config) *redfish.Client {
	t.Helper()
	e := s.Endpoints()
	inventory := hsm.New(transport.Upstream{URL: e.HSM})
	rc.Endpoints = func(ctx context.Context) (map[string]redfish.Endpoint, error) {
		list, err := inventory.Endpoints(ctx)
		found := make(map[string]redfish.Endpoint, len(list))
		for id, e := range list {
			found[id] = redfish.Endpoint{
				Address: e.FQDN, System: e.System, UUID: e.UUID, Name: e.Name, Target: e.Target, ResetTypes: e.ResetTypes,
			}
		}
		return found, err
	}
	rc.CA, rc.User, rc.Password = trusted(e.CA), e.User, e.Password
	client := redfish.New(rc)
	t.Cleanup(client.Close)
	return client
}

// becomes probes a node until it is in a state.
func becomes(t *testing.T, c *redfish.Client, id string, want bos.PowerState) {
	t.Helper()
	for {
		r := probe(t.Context(), t, c, id).results[id]
		if r.Symptom != bos.SymptomNone || r.Cause != bos.CauseNone {
			t.Fatalf("%s: %+v", id, r)
		}
		if r.State == want {
			return
		}
	}
}

func resetsOf(s *emulator.Server, id string) (types []string) {
	for _, r := range s.Room().Resets(id) {
		types = append(types, r.Type)
	}
	return types
}

// TestEveryMakeIsDrivenWhateverTheInventoryKnows takes the second node of a BMC
// of each make on and off again, with all that HSM may know of BMCs. The first
// node is not touched.
func TestEveryMakeIsDrivenWhateverTheInventoryKnows(t *testing.T) {
	for _, v := range []struct {
		profile, soft string
	}{
		{machineroom.ProfileCray, "Off"},
		{machineroom.ProfileILO, "GracefulShutdown"},
		{machineroom.ProfileIDRAC, "GracefulShutdown"},
		{machineroom.ProfileOpenBMC, "GracefulShutdown"},
		{machineroom.ProfileGigabyte, "GracefulShutdown"},
		{machineroom.ProfileSupermicro, "GracefulShutdown"},
	} {
		for _, inventory := range []string{services.InventoryDiscovered, services.InventoryPosted, services.InventoryTargets} {
			t.Run(v.profile+" "+inventory, func(t *testing.T) {
				t.Parallel()
				never := time.Duration(0)
				s, c := startRoom(t, emulator.ServerConfig{Inventory: inventory, Config: machineroom.Config{
					Nodes: 2, Profiles: []machineroom.ProfileOf{{Profile: v.profile, IgnoreFor: &never}},
				}}, redfish.Config{})
				becomes(t, c, second, bos.PowerStateOff)
				wantResult(t, apply(t.Context(), t, c, bos.PowerOn, second).results[second], bos.CallDone, bos.CauseNone)
				becomes(t, c, second, bos.PowerStateOn)
				want := []string{"On", "ForceOff"}
				soft := apply(t.Context(), t, c, bos.PowerSoftOff, second).results[second]
				if v.soft == "" {
					wantResult(t, soft, bos.CallUnsupported, bos.CauseResetRefused, "GracefulShutdown")
				} else {
					wantResult(t, soft, bos.CallDone, bos.CauseNone)
					becomes(t, c, second, bos.PowerStateOff)
					wantResult(t, apply(t.Context(), t, c, bos.PowerOn, second).results[second], bos.CallDone, bos.CauseNone)
					becomes(t, c, second, bos.PowerStateOn)
					want = []string{"On", v.soft, "On", "ForceOff"}
				}
				wantResult(t, apply(t.Context(), t, c, bos.PowerForceOff, second).results[second], bos.CallDone, bos.CauseNone)
				becomes(t, c, second, bos.PowerStateOff)
				if got := resetsOf(s, second); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("resets %v, want %v", got, want)
				}
				if got := resetsOf(s, first); len(got) != 0 {
					t.Errorf("its neighbour got the resets %v", got)
				}
				lists := s.Requests(false)["BMC GET"]
				becomes(t, c, second, bos.PowerStateOff)
				if more := s.Requests(false)["BMC GET"] - lists; more != 1 {
					t.Errorf("a probe costs %d requests once the system is known", more)
				}
			})
		}
	}
}
