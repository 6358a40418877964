package emulator

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// TestAServerComesBackWhereItWas starts it three times on one state folder, the
// last with another number of BMCs.
func TestAServerComesBackWhereItWas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	start := func(c machineroom.Config) *Server {
		t.Helper()
		c.PowerTime, c.BootTime = time.Millisecond, time.Millisecond
		s, err := Start(t.Context(), ServerConfig{Config: c, Listen: "127.0.0.1:0", StateDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	stop := func(s *Server) {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := start(machineroom.Config{Nodes: 4, Seed: 7})
	endpoints, ca := s.Endpoints(), s.CAPEM()
	ask(t, http.MethodPut, endpoints.BSS+"/bootparameters", object{"hosts": []string{first}, "kernel": "k", "initrd": "i"}, nil)
	s.Room().Reset(first, machineroom.ResetOn, time.Now())
	s.Kick()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for booted := false; !booted; <-tick.C {
		n, _ := s.Room().Node(first, time.Now())
		booted = n.Booted
	}
	before := s.Room().States(time.Now())
	addresses := map[string]string{}
	for _, n := range before {
		addresses[n.ID] = s.BMCAddress(bos.BMCOf(n.ID))
	}
	stop(s)

	s = start(machineroom.Config{Nodes: 4})
	if diff := cmp.Diff(before, s.Room().States(time.Now())); diff != "" || s.config.Seed != 7 {
		t.Errorf("seed %d, nodes (-before +after):\n%s", s.config.Seed, diff)
	}
	if string(s.CAPEM()) != string(ca) || s.Endpoints().HSM != endpoints.HSM {
		t.Errorf("another CA, or HSM at %s and not %s", s.Endpoints().HSM, endpoints.HSM)
	}
	stop(s)

	s = start(machineroom.Config{Nodes: 8})
	defer stop(s)
	for id, was := range addresses {
		if now := s.BMCAddress(bos.BMCOf(id)); now != was {
			t.Errorf("the BMC of %s was at %s and is at %s", id, was, now)
		}
	}
}
