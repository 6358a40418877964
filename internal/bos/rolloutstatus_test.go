package bos

import (
	"strings"
	"testing"
)

func TestWhatARolloutWaitsForCanBePastedAndIsGoneOnceItWasDone(t *testing.T) {
	s := SessionRecord{Session: Session{Name: "monday", Status: SessionStatus{Status: SessionRunning}}, Rollout: &RolloutState{RolloutProgress: RolloutProgress{
		Phase: RolloutRunning, Held: HoldPromotion, Detail: AwaitsPromotion("NAME"),
	}}}
	if got := RolloutStatusOf(s, nil); !strings.Contains(got.Detail, "/x/v1/sessions/monday/promote") {
		t.Error(got.Detail)
	}
	if err := s.Promote(); err != nil {
		t.Fatal(err)
	}
	if got := RolloutStatusOf(s, nil); got.HeldBy != HoldNone || got.Detail != "" {
		t.Errorf("after its promotion it is held by %q: %s", got.HeldBy, got.Detail)
	}
}
