package assembly

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// timed runs a session on all nodes and returns how long it took.
func (s *site) timed(name, operation, configuration string) time.Duration {
	s.must(http.MethodPut, "/v2/sessiontemplates/t", fmt.Sprintf(
		`{"enable_cfs":%t,"cfs":{"configuration":%q},"boot_sets":{"c":{"path":"s3://b/m","type":"s3","kernel_parameters":"run=%s","node_roles_groups":["Compute"]}}}`,
		configuration != "", configuration, name), nil)
	s.room.Requests(true)
	began := time.Now()
	s.must(http.MethodPost, "/v2/sessions", fmt.Sprintf(`{"name":%q,"operation":%q,"template_name":"t"}`, name, operation), nil)
	for time.Since(began) < time.Hour {
		<-time.After(10 * time.Millisecond)
		var complete []struct{}
		s.must(http.MethodGet, "/v2/sessions?status=complete&name="+name, "", &complete)
		if len(complete) == 0 {
			continue
		}
		took := time.Since(began)
		var status bos.ExtendedStatus
		s.must(http.MethodGet, "/v2/sessions/"+name+"/status", "", &status)
		if status.PercentSuccessful != 100 {
			s.t.Errorf("%s: %+v", name, status)
		}
		s.must(http.MethodDelete, "/v2/sessions/"+name, "", nil)
		return took
	}
	s.t.Fatalf("session %s does not end", name)
	return 0
}

// need is what the slowest node of the room takes from its reset to its report.
func need(t *testing.T, c machineroom.Config) time.Duration {
	t.Helper()
	room, err := machineroom.New(c)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(0, 0)
	settle := func() {
		for at, ok := room.Next(); ok; at, ok = room.Next() {
			now = at
			room.Advance(now)
		}
	}
	var ids []string
	for _, n := range room.Inventory().Nodes {
		ids = append(ids, n.ID)
	}
	room.SetBootParameters(ids, bos.BootArtifacts{Kernel: "k"}, "t")
	for _, id := range ids {
		room.Reset(id, machineroom.ResetOn, now)
	}
	settle()
	began := now
	for _, id := range ids {
		room.Reset(id, machineroom.ResetForceRestart, now)
	}
	settle()
	return now.Sub(began)
}

// TestWhatARebootAddsToItsNodesTime: at most 0.4 s for each of the reboots that
// follow the first, of which the report and the probe of this test take up to 60 ms. CFS
// acknowledges before the boots that nothing is wanted of it, and is not asked again.
func TestWhatARebootAddsToItsNodesTime(t *testing.T) {
	room := machineroom.Config{Nodes: many(1000), NodesPerBMC: 1, Seed: 1, PowerTime: time.Second, BootTime: 3 * time.Second}
	by := need(t, room)
	atSite(t, room.Nodes, "pcs", room.PowerTime, func(s *site) {
		s.timed("boot", "boot", "")
		for i := range 5 {
			took, requests := s.timed(fmt.Sprintf("reboot-%d", i), "reboot", ""), s.room.Requests(true)
			if took > by+400*time.Millisecond || requests["GET /cfs/v3/components"] > 0 {
				t.Errorf("reboot %d took %s beyond the %s of its nodes:%s", i, took-by, by, listed(requests))
			}
		}
	})
}

// TestTheHundredthRebootTakesNoLongerThanTheFirst: what is learned from one must not
// make the next ones later and later.
func TestTheHundredthRebootTakesNoLongerThanTheFirst(t *testing.T) {
	rounds := many(100)
	atSite(t, 60, "pcs", time.Second, func(s *site) {
		s.timed("boot", "boot", "")
		var first time.Duration
		for i := range rounds {
			took := s.timed(fmt.Sprintf("reboot-%d", i), "reboot", "")
			if i == 0 {
				first = took
			}
			if i > rounds-5 && took > first+first/10 {
				t.Errorf("reboot %d took %s, the first %s", i, took, first)
			}
		}
	})
}

// TestAConfigurationWhoseTimeIsKnownIsFoundAppliedSoon: the first reboot tells how long
// it takes, and the next one ends half a second after it at most.
func TestAConfigurationWhoseTimeIsKnownIsFoundAppliedSoon(t *testing.T) {
	room := machineroom.Config{Nodes: many(300), NodesPerBMC: 1, Seed: 1, PowerTime: time.Second, BootTime: 3 * time.Second, ConfigTime: 3 * time.Second}
	by := need(t, room) + room.ConfigTime + room.ConfigTime/10 // at the pace of the slowest
	atSite(t, room.Nodes, "pcs", room.PowerTime, func(s *site) {
		s.timed("boot", "boot", "compute")
		s.timed("first", "reboot", "compute")
		if took := s.timed("second", "reboot", "compute"); took > by+500*time.Millisecond {
			t.Errorf("took %s beyond the %s of nodes and CFS:%s", took-by, by, listed(s.room.Requests(false)))
		}
	})
}
