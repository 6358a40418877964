package storetest

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// glimpsed is what is shown of the components of some ids.
func glimpsed(t *testing.T, s bos.Store, ids ...string) map[string]bos.Glimpse {
	t.Helper()
	list, err := s.Glimpses(t.Context(), ids)
	must(t, err)
	of := make(map[string]bos.Glimpse, len(list))
	for i, g := range list {
		if i > 0 && list[i-1].ID >= g.ID {
			t.Errorf("%s comes after %s", g.ID, list[i-1].ID)
		}
		of[g.ID] = g
	}
	return of
}

// change changes one component.
func change(t *testing.T, s bos.Store, id string, fn func(*bos.Record)) {
	t.Helper()
	_, err := s.MutateComponents(t.Context(), []string{id}, func(r *bos.Record, _ bool) error { fn(r); return nil })
	must(t, err)
}

// called has a power action of a node sent.
func called(phase bos.Phase, action bos.Action) func(*bos.Record) {
	return func(r *bos.Record) {
		r.Status.Phase, r.LastAction.Action = phase, action
		r.EventStats.PowerOnAttempts, r.EventStats.PowerOffForcefulAttempts = 2, 1
	}
}

func glimpses(t *testing.T, s bos.Store) {
	must(t, s.CreateSession(t.Context(), session("blue", "s", "")))
	planned, err := s.Session(t.Context(), bos.SessionKey{Tenant: "blue", Name: "s"})
	must(t, err)
	all := ids(6)
	fill(t, s, all, nil)
	_, _, err = s.SetUp(t.Context(), arming(planned, all[1:]...))
	must(t, err)
	before := time.Now()
	change(t, s, all[2], called(bos.PhasePoweringOff, bos.ActionPowerOffForceful))
	change(t, s, all[3], called(bos.PhasePoweringOn, bos.ActionPoweringOn))
	change(t, s, all[4], func(r *bos.Record) { r.Enabled = false })
	change(t, s, all[5], func(r *bos.Record) {
		r.Status.StatusOverride, r.Enabled, r.Work.Cause = bos.StatusFailed, false, bos.CauseBootTimeout
	})
	change(t, s, all[1], func(r *bos.Record) {
		r.Wait(bos.Waiting{For: bos.WaitBMC, Cause: bos.CauseBMCUnreachable})
		r.Held = bos.NewBrake("look", "me", now)
	})
	got := glimpsed(t, s)
	for i, want := range []bos.NodeState{bos.StateIdle, bos.StatePending, bos.StatePoweringOff, bos.StateBooting, bos.StateDone, bos.StateFailed} {
		g := got[all[i]]
		if g.State != want {
			t.Errorf("%s is %s, want %s", all[i], g.State, want)
		}
		if named := g.Session == planned.Key(); named != (i > 0) {
			t.Errorf("%s is of session %v", all[i], g.Session)
		}
		if i > 1 && g.Since.Before(before) || g.Since.IsZero() || g.Since.After(time.Now()) {
			t.Errorf("%s is so since %s, changed after %s", all[i], g.Since, before)
		}
	}
	if g := got[all[1]]; g.Wait != bos.WaitBMC || g.Cause != bos.CauseBMCUnreachable || !g.Held || !g.Since.Before(before) {
		t.Errorf("the node that waits is shown as %+v; its status has not changed", g)
	}
	if got[all[2]].Attempts != 1 || got[all[3]].Attempts != 2 || got[all[5]].Cause != bos.CauseBootTimeout {
		t.Errorf("attempts and cause are shown as %+v, %+v, %+v", got[all[2]], got[all[3]], got[all[5]])
	}
	if some := glimpsed(t, s, all[3], "unknown"); len(some) != 1 || some[all[3]] != got[all[3]] {
		t.Errorf("of one node %v is shown", some)
	}
}

func begun(t *testing.T, s bos.Store) {
	must(t, s.CreateSession(t.Context(), session("", "s", "")))
	planned, err := s.Session(t.Context(), bos.SessionKey{Name: "s"})
	must(t, err)
	all := ids(2)
	fill(t, s, all, nil)
	_, _, err = s.SetUp(t.Context(), arming(planned, all...))
	must(t, err)
	change(t, s, all[0], called(bos.PhasePoweringOff, bos.ActionPowerOffGraceful))
	first := glimpsed(t, s)[all[0]].Began
	change(t, s, all[0], called(bos.PhasePoweringOn, bos.ActionPoweringOn))
	change(t, s, all[0], func(r *bos.Record) { r.Enabled, r.Status.Phase = false, bos.PhaseNone })
	change(t, s, all[1], func(r *bos.Record) { r.Enabled = false })
	nodes, err := s.SessionNodes(t.Context(), planned.Key(), "", bos.AllNodes)
	must(t, err)
	worked, idle := nodes[0], nodes[1]
	if first.IsZero() || !worked.Began.Equal(first) || worked.Finished.Before(worked.Began.Time) || worked.Since.IsZero() {
		t.Errorf("something was first sent at %s, and the session has %+v", first, worked)
	}
	if !idle.Began.IsZero() || idle.Finished.IsZero() {
		t.Errorf("nothing was sent for the node of which it says %+v", idle)
	}
}
