package assembly

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// until asks for a component until it is as wanted, for an hour at most.
func (s *site) until(id, what string, ok func(bos.Component) bool) bos.Component {
	var c bos.Component
	for range 3600 {
		if s.must(http.MethodGet, "/v2/components/"+id, "", &c); ok(c) {
			return c
		}
		<-time.After(time.Second)
	}
	s.t.Fatalf("%s never %s: %+v", id, what, c)
	return c
}

// TestANodeThatIsLockedOrReservedAfterItsSessionBeganIsNotReset and goes on when that
// ends; an HSM that cannot say holds all, and fails nobody.
func TestANodeThatIsLockedOrReservedAfterItsSessionBeganIsNotReset(t *testing.T) {
	const node, bmc = "x1000c0s0b1n0", "x1000c0s0b1"
	for name, c := range map[string]struct {
		keep, free func(s *site)
		says       string
	}{
		"a reserved node": {
			func(s *site) { s.room.Room().SetReserved(node, time.Now(), time.Now().Add(time.Hour)) },
			func(s *site) { s.room.Room().SetReserved(node, time.Time{}, time.Time{}) }, node + " is reserved in HSM",
		},
		"a locked BMC": {
			func(s *site) { s.room.Room().SetLocked(bmc, true) },
			func(s *site) { s.room.Room().SetLocked(bmc, false) }, "its BMC " + bmc + " is locked in HSM",
		},
		"an HSM that is away": {
			func(s *site) {
				if err := s.room.Room().AddFaults(time.Now(), fault.Rule{Name: "away", Fault: fault.Outage, Service: fault.HSM}); err != nil {
					s.t.Fatal(err)
				}
			},
			func(s *site) { s.room.Room().LiftFaults("away") }, "whether it is locked",
		},
	} {
		t.Run(name, func(t *testing.T) {
			atSite(t, 4, "redfish", 20*time.Second, func(s *site) {
				s.runs("boot", "boot", "")
				before := len(s.room.Room().Resets(node))
				s.must(http.MethodPost, "/v2/sessions", `{"name":"s","operation":"reboot","template_name":"t"}`, nil)
				s.until(node, "is set up", func(c bos.Component) bool { return c.Session == "s" && c.Enabled })
				c.keep(s)
				s.until(node, "is held", func(held bos.Component) bool { return strings.Contains(held.Error, c.says) })
				// It has been asked to shut down, and is not powered on again.
				<-time.After(5 * time.Minute)
				if n := len(s.room.Room().Resets(node)) - before; n != 1 {
					s.t.Errorf("it was reset %d times", n)
				}
				c.free(s)
				done := s.until(node, "is done", func(c bos.Component) bool { return !c.Enabled })
				if done.Error != "" || len(s.room.Room().Resets(node))-before != 2 {
					s.t.Errorf("%d resets, %q", len(s.room.Room().Resets(node))-before, done.Error)
				}
			})
		})
	}
}

func TestAPreviewLeavesOutWhatIsLockedOrReserved(t *testing.T) {
	atSite(t, 4, "redfish", time.Second, func(s *site) {
		s.runs("boot", "boot", "")
		s.room.Room().SetReserved("x1000c0s0b1n0", time.Now(), time.Now().Add(time.Hour))
		s.room.Room().SetLocked("x1000c0s1b0", true)
		s.room.Room().SetLocked("x1000c0s1b1n0", true)
		var p bos.Preview
		s.must(http.MethodPost, "/x/v1/previews", `{"operation":"reboot","template_name":"t"}`, &p)
		skipped := make(map[string]string)
		for _, skip := range p.Skipped {
			skipped[skip.Nodes] = skip.Reason
		}
		if p.Count != 1 || !strings.HasPrefix(skipped["x1000c0s0b1n0"], "reserved") || !strings.HasPrefix(skipped["x1000c0s1b0n0"], "its BMC is locked") || !strings.HasPrefix(skipped["x1000c0s1b1n0"], "locked") {
			s.t.Errorf("%d nodes, skipped %v", p.Count, skipped)
		}
	})
}
