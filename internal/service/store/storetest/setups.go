package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// arming is a setup that marks its nodes.
func arming(s bos.SessionRecord, nodes ...string) bos.Setup {
	selected := make([]bos.SelectedNode, len(nodes))
	for i, id := range nodes {
		selected[i] = bos.SelectedNode{ID: id, BootSet: "set of " + id}
	}
	return bos.Setup{
		Session: s.Key(), Revision: s.Revision, Nodes: selected, Fence: bos.NoFence,
		Arm: func(s *bos.SessionRecord, nodes []bos.Record) bos.Armed {
			var armed bos.Armed
			for i := range nodes {
				if s.Stage {
					nodes[i].StagedState.Session = s.Name
				} else {
					nodes[i].Session, nodes[i].Tenant, nodes[i].Enabled, nodes[i].Error = s.Name, bos.TenantOf(s.Tenant), true, ""
					nodes[i].Status, nodes[i].Work = bos.ComponentStatus{}, bos.Work{}
				}
				armed.Nodes = append(armed.Nodes, nodes[i].ID)
				armed.Events = append(armed.Events, bos.Event{Component: nodes[i].ID, Session: s.Name, Kind: "armed"})
			}
			s.Status.Status = bos.SessionRunning
			return armed
		},
	}
}

func setUp(t *testing.T, s bos.Store) {
	must(t, s.CreateSession(t.Context(), session("blue", "s", "")))
	planned, err := s.Session(t.Context(), bos.SessionKey{Tenant: "blue", Name: "s"})
	must(t, err)
	all := ids(40)
	fill(t, s, all, nil)
	// Written after the setup was planned: nothing of it may be lost.
	_, err = s.MutateComponents(t.Context(), all, func(r *bos.Record, _ bool) error { r.ActualState.BSSToken = "reported"; return nil })
	must(t, err)
	must(t, s.DeleteComponent(t.Context(), all[39]))
	setup := arming(planned, append([]string{"unknown"}, all[30:]...)...)
	tried := 0
	arm := setup.Arm
	setup.Arm = func(s *bos.SessionRecord, nodes []bos.Record) bos.Armed {
		tried++
		return arm(s, nodes)
	}
	rec, written, err := s.SetUp(t.Context(), setup)
	must(t, err)
	stored, err := s.Session(t.Context(), planned.Key())
	must(t, err)
	list, err := s.SessionComponents(t.Context(), planned.Key())
	must(t, err)
	if list != strings.Join(all[30:39], ",") || stored.Status.Status != bos.SessionRunning || rec.Revision != stored.Revision || len(written) != 9 || tried == 0 {
		t.Errorf("%+v, %+v and %d nodes", rec, stored, len(written))
	}
	for i, r := range read(t, s, bos.ComponentFilter{}) {
		if armed := i >= 30; r.Enabled != armed || r.ActualState.BSSToken != "reported" {
			t.Errorf("%s is %+v", r.ID, r)
		} else if armed && r != written[i-30] {
			t.Errorf("%s is returned as %+v and stored as %+v", r.ID, written[i-30], r)
		}
	}
	if got := kinds(t, s, bos.EventFilter{Seen: bos.WholeSite(), Session: "s"}); len(got) != 9 {
		t.Errorf("the history has %d lines, want one for each node", len(got))
	}
}

func setUpOfAnother(t *testing.T, s bos.Store) {
	must(t, s.CreateSession(t.Context(), session("", "s", "")))
	fill(t, s, []string{"a"}, nil)
	planned, err := s.Session(t.Context(), bos.SessionKey{Name: "s"})
	must(t, err)
	refused := func(why string) {
		t.Helper()
		if _, written, err := s.SetUp(t.Context(), arming(planned, "a")); !errors.Is(err, bos.ErrChanged) || len(written) > 0 {
			t.Errorf("%s: %v, %v", why, written, err)
		}
		if stored(t, s, "a").Enabled || len(kinds(t, s, bos.EventFilter{Seen: bos.WholeSite()})) > 0 {
			t.Errorf("%s: something was written", why)
		}
	}
	_, err = s.MutateSession(t.Context(), planned.Key(), func(r *bos.SessionRecord) error { r.Limit = "x"; return nil })
	must(t, err)
	refused("a session that was written since")
	must(t, s.DeleteSession(t.Context(), planned.Key()))
	refused("a session that was deleted since")
	must(t, s.CreateSession(t.Context(), session("", "s", "")))
	refused("a session that was made anew since")
	first, err := s.Lease(t.Context(), "one", now, bos.Lease{})
	must(t, err)
	must(t, s.Release(t.Context(), "one"))
	_, err = s.Lease(t.Context(), "two", now, bos.Lease{})
	must(t, err)
	planned, err = s.Session(t.Context(), planned.Key())
	must(t, err)
	late := arming(planned, "a")
	late.Fence = first.Fence
	if _, _, err := s.SetUp(t.Context(), late); !errors.Is(err, bos.ErrFenced) || stored(t, s, "a").Enabled {
		t.Errorf("an engine that was replaced sets a session up: %v", err)
	}
	if left := kinds(t, s, bos.EventFilter{Seen: bos.WholeSite()}); slices.Contains(left, "armed") {
		t.Errorf("the history says %q", left)
	}
}
