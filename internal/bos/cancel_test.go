package bos_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func owned(id string, change func(*bos.Record)) bos.Record {
	r := bos.Record{Component: bos.Component{ID: id, Session: "s1", Enabled: true, Status: bos.ComponentStatus{Phase: bos.PhasePoweringOff}}}
	r.Work = bos.Work{Flight: bos.Flight{Kind: bos.EffectWriteBoot}, BackOff: bos.BackOff{Setbacks: 3}, Waiting: bos.Waiting{For: bos.WaitBackOff}}
	if change != nil {
		change(&r)
	}
	return r
}

func TestACancelledSessionLeavesItsNodesWhereTheyStand(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	s := bos.SessionRecord{Session: bos.Session{Name: "s1", Status: bos.SessionStatus{Status: bos.SessionRunning}}}
	list := []bos.Record{
		owned("working", nil),
		owned("held", func(r *bos.Record) { r.Status.StatusOverride = bos.StatusOnHold }),
		owned("done", func(r *bos.Record) { r.Enabled, r.Status.Phase = false, bos.PhaseNone }),
		owned("failed", func(r *bos.Record) {
			r.Enabled, r.Error, r.Status.StatusOverride = false, "broken", bos.StatusFailed
		}),
		owned("staged", func(r *bos.Record) {
			r.Session, r.StagedState = "other", bos.StagedState{Session: "s1", Configuration: "c"}
		}),
	}
	if err := bos.Cancel(&s, list, bos.Tally{}, "wrong image", now); err != nil {
		t.Fatal(err)
	}
	if s.Status.Status != bos.SessionComplete || *s.Status.Error != "cancelled: wrong image" || s.Status.EndTime != bos.At(now) {
		t.Errorf("the session is %+v", s.Status)
	}
	if e := s.Extended; e == nil || e.ManagedComponentsCount != 4 || e.PercentFailed != 75 || e.PercentSuccessful != 25 || e.Status != bos.SessionComplete {
		t.Errorf("the saved status is %+v", e)
	}
	for _, r := range list[:2] {
		if r.Enabled || r.Status.Phase != bos.PhasePoweringOff || r.Status.StatusOverride != bos.StatusFailed ||
			!strings.Contains(r.Error, "session s1 was cancelled: wrong image") || r.Work != (bos.Work{Flight: bos.Flight{Kind: bos.EffectWriteBoot}, Cause: bos.CauseCancelled}) {
			t.Errorf("%+v", r)
		}
	}
	if r := list[2]; r.Error != "" {
		t.Errorf("a node that was done has the error %q", r.Error)
	}
	if r := list[3]; r.Error != "broken" || r.Status.StatusOverride != bos.StatusFailed {
		t.Errorf("a failed node became %+v", r)
	}
	if r := list[4]; !r.Enabled || r.Error != "" || r.StagedState != bos.NothingStaged(bos.At(now)) {
		t.Errorf("a staged node became %+v", r)
	}
}

func TestCancellingTouchesNothingThatIsNotTheSessions(t *testing.T) {
	complete := bos.SessionRecord{Session: bos.Session{Name: "s1", Status: bos.SessionStatus{Status: bos.SessionComplete}}}
	list := []bos.Record{owned("n", nil)}
	if err := bos.Cancel(&complete, list, bos.Tally{}, "", time.Now()); !errors.Is(err, bos.ErrSkip) || !list[0].Enabled {
		t.Errorf("a complete session: %v, %+v", err, list)
	}
	pending := bos.SessionRecord{Session: bos.Session{Name: "s1", Status: bos.SessionStatus{Status: bos.SessionPending}}}
	if err := bos.Cancel(&pending, list, bos.Tally{}, "", time.Now()); err != nil || !list[0].Enabled || *pending.Status.Error != "cancelled" {
		t.Errorf("a pending session of the same name: %v, %+v, %+v", err, pending, list)
	}
}

func TestNodesThatNobodyTouchedBeforeACancellationAreNoSuccess(t *testing.T) {
	s := bos.SessionRecord{Session: bos.Session{Name: "s1", Status: bos.SessionStatus{Status: bos.SessionRunning}}}
	armed := func(r *bos.Record) { r.Status = bos.ComponentStatus{StatusOverride: bos.StatusOnHold} }
	list := []bos.Record{owned("a", armed), owned("b", armed)}
	if err := bos.Cancel(&s, list, bos.Tally{}, "", time.Now()); err != nil {
		t.Fatal(err)
	}
	if e := s.Extended; e.PercentSuccessful != 0 || e.PercentFailed != 100 || e.Phases.PercentComplete != 100 {
		t.Errorf("the saved status is %+v", e)
	}
}
