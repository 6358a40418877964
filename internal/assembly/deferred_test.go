package assembly

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// historyOf are the lines of a node in the history, each its kind and what it says.
func (s *site) historyOf(id string) (lines []string) {
	var page struct {
		Events []bos.Event `json:"events"`
	}
	s.must(http.MethodGet, "/x/v1/events?limit=10000&component="+id, "", &page)
	for _, e := range page.Events {
		lines = append(lines, strings.TrimSuffix(e.Kind+": "+e.Detail, ": "))
	}
	return lines
}

// TestABMCThatPutsAResetOffIsInTheHistoryWhenThatBeginsAndWhenItEnds, and not with each
// try in between, in which nothing was taken.
func TestABMCThatPutsAResetOffIsInTheHistoryWhenThatBeginsAndWhenItEnds(t *testing.T) {
	const node = "x1000c0s1b0n0"
	for name, c := range map[string]struct {
		rule fault.Rule
		// kinds are those of the lines about the node's power.
		kinds []string
	}{
		"a power-on": {fault.Rule{Fault: fault.Refuse, Resets: "on", RetryAfter: 2 * time.Second, For: 5 * time.Minute}, []string{
			"power_off_graceful", "power_on", "put_off", "taken", "component_reported", "desired_state_reached",
		}},
		"a power-on that is never taken": {fault.Rule{Fault: fault.Refuse, Resets: "on", RetryAfter: 2 * time.Second}, []string{
			"power_off_graceful", "power_on", "put_off", "unreachable",
		}},
		"a graceful power-off": {fault.Rule{Fault: fault.NotReady, Resets: "graceful", For: 2 * time.Minute}, []string{
			"power_off_graceful", "put_off", "taken", "power_on", "component_reported", "desired_state_reached",
		}},
		"a power-off until it is forced": {fault.Rule{Fault: fault.Refuse, Resets: "graceful", RetryAfter: 2 * time.Second}, []string{
			"power_off_graceful", "put_off", "power_off_forceful", "power_on", "component_reported", "desired_state_reached",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			atSite(t, 4, "redfish", 10*time.Second, func(s *site) {
				s.runs("boot", "boot", "")
				before := len(s.historyOf(node))
				c.rule.Nodes = node
				if err := s.room.Room().AddFaults(time.Now(), c.rule); err != nil {
					s.t.Fatal(err)
				}
				s.must(http.MethodPost, "/v2/sessions", `{"name":"s","operation":"reboot","template_name":"t"}`, nil)
				s.until(node, "begins", func(c bos.Component) bool { return c.Session == "s" && c.Enabled })
				s.until(node, "is over", func(c bos.Component) bool { return !c.Enabled })
				var kinds []string
				lines := s.historyOf(node)[before:]
				for _, line := range lines {
					kind, _, _ := strings.Cut(line, ":")
					kinds = append(kinds, kind)
				}
				if strings.Join(kinds, " ") != strings.Join(c.kinds, " ") {
					s.t.Errorf("its history is %d lines, want %v:\n%s", len(lines), c.kinds, strings.Join(lines[:min(len(lines), 12)], "\n"))
				}
			})
		})
	}
}
