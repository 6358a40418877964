package assembly

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// TestARebootThroughPCSAsksForNoNodeThatItsOwnTransitionStillHas: PCS keeps the nodes of
// a transition reserved until the last of them is done, and one is slow, and also that
// whose BMC refused.
func TestARebootThroughPCSAsksForNoNodeThatItsOwnTransitionStillHas(t *testing.T) {
	atSite(t, 16, "pcs", 10*time.Second, func(s *site) {
		s.runs("boot", "boot", "")
		if err := s.room.Room().AddFaults(time.Now(),
			fault.Rule{Fault: fault.Drop, Resets: "graceful", Nodes: "x1000c0s2b0n0"},
			fault.Rule{Fault: fault.Refuse, Form: "400", Resets: "graceful", Nodes: "x1000c0s3b0n0"}); err != nil {
			s.t.Fatal(err)
		}
		s.runs("reboot", "reboot", "")
		forced := false
		for _, transition := range s.room.Room().Transitions(time.Now()) {
			told, _ := s.room.Room().Transition(transition.ID, time.Now())
			for _, task := range told.Tasks {
				forced = forced || strings.EqualFold(transition.Operation, "Force-Off") && task.Xname == "x1000c0s3b0n0"
				if strings.Contains(task.Error, "reserve") {
					s.t.Errorf("%s of %s: %s", transition.Operation, task.Xname, task.Error)
				}
			}
		}
		if !forced {
			s.t.Errorf("the node whose BMC refused was never forced off")
		}
	})
}
