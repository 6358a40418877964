package bos

import (
	"fmt"
	"strings"
	"testing"
	"time"
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

// TestTheCountsOfARolloutAreByWhatBecameOfItsNodes: what failed is what a resume forgives,
// so one that is said to have failed and is in work is among it, and none that left is.
func TestTheCountsOfARolloutAreByWhatBecameOfItsNodes(t *testing.T) {
	state := &RolloutState{Batches: []RolloutBatch{{Name: "batch 1", Count: 9, Nodes: "x0c0s0b0n[0-8]"}}}
	over := Time{Time: time.Unix(1, 0)}
	var nodes []NodeOutcome
	for i, n := range []NodeOutcome{
		{Status: StatusStable, Finished: over},
		{Status: StatusFailed, Finished: over},
		{Status: StatusDeleted, Finished: over},
		{Status: StatusFailed}, // by a client, and the engine has not looked yet
		{Status: StatusTakenOver, Finished: over},
		{Status: StatusReleased, Finished: over},
		{Status: StatusExcluded, Finished: over},
		{Status: StatusStable}, // it is in work yet
		{Status: StatusOnHold, Wait: &NodeWait{Reason: WaitRollout}},
	} {
		n.ID = fmt.Sprintf("x0c0s0b0n%d", i)
		nodes = append(nodes, n)
	}
	got := RolloutStatusOf(SessionRecord{Rollout: state}, append(nodes, NodeOutcome{ID: "x0c0s0b0n9", Status: StatusFailed, Finished: over}))
	if want := (RolloutCounts{Waiting: 1, InFlight: 1, Done: 1, Failed: 3, Left: 3}); got.RolloutCounts != want {
		t.Errorf("%+v, want %+v", got.RolloutCounts, want)
	}
	if failed := Fold(state.Failed(nodes)); failed != got.FailedNodes || failed != Fold([]string{"x0c0s0b0n1", "x0c0s0b0n2", "x0c0s0b0n3"}) {
		t.Errorf("%q failed, and %q are shown", failed, got.FailedNodes)
	}
}
