package assembly

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// TestASlowBMCGetsNoSecondResetWhileTheFirstRuns: each node is reset twice in a
// reboot, also where a BMC takes longer to answer than anybody waits for it.
func TestASlowBMCGetsNoSecondResetWhileTheFirstRuns(t *testing.T) {
	const nodes = 4
	for delay, timeouts := range map[time.Duration]redfish.Timeouts{
		12 * time.Second: {},
		45 * time.Second: {},
		20 * time.Second: {Reset: 15 * time.Second},
	} {
		t.Run(fmt.Sprintf("answers after %s", delay), func(t *testing.T) {
			atSiteWith(t, nodes, "redfish", 20*time.Second, func(c *redfish.Config) { c.Timeouts = timeouts }, func(s *site) {
				s.runs("boot", "boot", "")
				// What it did shows when its answer would have come.
				rules := []fault.Rule{{Fault: fault.SlowReset, Delay: delay}, {Fault: fault.Stale, Delay: delay + 2*time.Second}}
				if err := s.room.Room().AddFaults(time.Now(), rules...); err != nil {
					s.t.Fatal(err)
				}
				before := make(map[string]int)
				for _, n := range s.room.Room().Inventory().Nodes {
					before[n.ID] = len(s.room.Room().Resets(n.ID))
				}
				requests := s.runs("reboot", "reboot", "")
				for id, n := range before {
					if did := len(s.room.Room().Resets(id)) - n; did != 2 {
						s.t.Errorf("%s was reset %d times, want twice", id, did)
					}
				}
				if posts := requests["BMC POST"]; posts != 2*nodes {
					s.t.Errorf("%d resets were sent, want %d", posts, 2*nodes)
				}
			})
		})
	}
}

// TestABMCThatHangsFailsItsNodeAloneAndARoomOfThemNobody: answers are waited for
// longer than most take, and a lone failure is still told from an outage.
func TestABMCThatHangsFailsItsNodeAloneAndARoomOfThemNobody(t *testing.T) {
	const nodes = 20
	for name, c := range map[string]struct {
		rule   fault.Rule
		failed float64
	}{
		"one for ever":       {fault.Rule{Fault: fault.Hang, Nodes: "x1000c0s3b0n0"}, 5},
		"all for 20 minutes": {fault.Rule{Fault: fault.Hang, For: 20 * time.Minute}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			atSite(t, nodes, "redfish", time.Second, func(s *site) {
				s.runs("boot", "boot", "")
				if err := s.room.Room().AddFaults(time.Now(), c.rule); err != nil {
					s.t.Fatal(err)
				}
				s.must(http.MethodPost, "/v2/sessions", `{"name":"s","operation":"reboot","template_name":"t"}`, nil)
				var status bos.ExtendedStatus
				for range 3600 {
					if s.must(http.MethodGet, "/v2/sessions/s/status", "", &status); status.Status == bos.SessionComplete {
						break
					}
					<-time.After(time.Second)
				}
				if status.Status != bos.SessionComplete || status.PercentFailed != c.failed {
					s.t.Errorf("%+v", status)
				}
			})
		})
	}
}
