package assembly

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// TestARebootThroughPCSAsksForNoNodeThatItsOwnTransitionStillHas: PCS keeps the nodes of
// a transition reserved until the last of them is done, and one is slow.
func TestARebootThroughPCSAsksForNoNodeThatItsOwnTransitionStillHas(t *testing.T) {
	atSite(t, 16, "pcs", 10*time.Second, func(s *site) {
		s.runs("boot", "boot", "")
		if err := s.room.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.Drop, Resets: "graceful", Nodes: "x1000c0s2b0n0"}); err != nil {
			s.t.Fatal(err)
		}
		s.runs("reboot", "reboot", "")
		for _, transition := range s.room.Room().Transitions(time.Now()) {
			told, _ := s.room.Room().Transition(transition.ID, time.Now())
			for _, task := range told.Tasks {
				if strings.Contains(task.Error, "reserve") {
					s.t.Errorf("%s of %s: %s", transition.Operation, task.Xname, task.Error)
				}
			}
		}
	})
}
