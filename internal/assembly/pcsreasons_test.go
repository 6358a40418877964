package assembly

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// TestWhyANodeIsPutOffThroughPCSIsOnTheNode, as it is where BMCs are asked directly, and
// it goes on by itself when that is over.
func TestWhyANodeIsPutOffThroughPCSIsOnTheNode(t *testing.T) {
	const node, bmc = "x1000c0s0b1n0", "x1000c0s0b1"
	faulty := func(rule fault.Rule) func(s *site) {
		return func(s *site) {
			rule.Name = "it"
			if err := s.room.Room().AddFaults(time.Now(), rule); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	lift := func(s *site) { s.room.Room().LiftFaults("it") }
	for name, c := range map[string]struct {
		keep, free func(s *site)
		cause      bos.Cause
		says       string
	}{
		"a locked node": {
			func(s *site) { s.room.Room().SetLocked(node, true) }, func(s *site) { s.room.Room().SetLocked(node, false) },
			bos.CauseLocked, "the node is locked or reserved in HSM: unlock it, or wait for who works on it",
		},
		"a reserved node": {
			func(s *site) { s.room.Room().SetReserved(node, time.Now(), time.Now().Add(time.Hour)) },
			func(s *site) { s.room.Room().SetReserved(node, time.Time{}, time.Time{}) },
			bos.CauseLocked, "the node is locked or reserved in HSM: unlock it, or wait for who works on it",
		},
		"a dead BMC": {
			faulty(fault.Rule{Fault: fault.Dead, Nodes: bmc}), lift,
			bos.CauseBMCUnreachable, "PCS gets no answer from the node's BMC; check the BMC's power and network",
		},
		"a BMC that is busy": {faulty(fault.Rule{Fault: fault.Refuse, Form: "503", Nodes: node}), lift, bos.CauseResetRefused, "503"},
		"a power that is neither": {
			faulty(fault.Rule{Fault: fault.PowerWord, Form: "Reset", Nodes: node}), lift,
			bos.CausePowerUndetermined, "PCS says that the node's power is neither on nor off now",
		},
		"a PCS without HSM": {
			faulty(fault.Rule{Fault: fault.Unreserved, Service: fault.PCS}), lift,
			bos.CauseUpstreamOutage, "PCS could not reserve it in HSM",
		},
	} {
		t.Run(name, func(t *testing.T) {
			atSite(t, 4, "pcs", 20*time.Second, func(s *site) {
				s.runs("boot", "boot", "")
				s.must(http.MethodPost, "/v2/sessions", `{"name":"s","operation":"reboot","template_name":"t"}`, nil)
				s.until(node, "is set up", func(c bos.Component) bool { return c.Session == "s" && c.Enabled })
				c.keep(s)
				s.until(node, "is told of with "+c.says, func(held bos.Component) bool { return strings.Contains(held.Error, c.says) })
				var page bos.NodeOutcomes
				s.must(http.MethodGet, "/x/v1/sessions/s/components", "", &page)
				for _, o := range page.Components {
					if o.ID == node && o.Cause != c.cause {
						s.t.Errorf("its cause is %q: %s", o.Cause, o.Error)
					}
				}
				c.free(s)
				if done := s.until(node, "is done", func(c bos.Component) bool { return !c.Enabled }); done.Error != "" {
					s.t.Errorf("when it is over: %q", done.Error)
				}
			})
		})
	}
}
