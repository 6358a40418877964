package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// kinds lists the kinds of the events that pass a filter.
func kinds(t *testing.T, s bos.Store, f bos.EventFilter) []string {
	t.Helper()
	list, err := s.Events(t.Context(), f)
	must(t, err)
	var names []string
	for i, e := range list {
		names = append(names, e.Kind)
		if i > 0 && e.ID <= list[i-1].ID {
			t.Errorf("event %d comes after %d", e.ID, list[i-1].ID)
		}
	}
	return names
}

func history(t *testing.T, s bos.Store) {
	if last, err := s.LastEvent(t.Context()); err != nil || last != 0 {
		t.Errorf("the last of no events is %d, %v", last, err)
	}
	full := bos.Event{Time: now.Add(time.Nanosecond), Component: "a", Session: "s", Tenant: "blue", Kind: "k0", Detail: "d", Actor: "me", From: "10.0.0.1", Plan: "p"}
	events := []bos.Event{full}
	for i := 1; i < 10; i++ {
		events = append(events, bos.Event{Time: now, Kind: fmt.Sprint("k", i), Component: []string{"", "a", "b"}[i%3], Session: []string{"", "s"}[i%2]})
	}
	commit(t, s, bos.Commit{Events: events})
	list, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite(), Limit: 1})
	must(t, err)
	full.ID = list[0].ID
	if len(list) != 1 || list[0] != full {
		t.Errorf("%+v, want %+v", list, full)
	}
	for _, c := range []struct {
		f    bos.EventFilter
		want []string
	}{
		{bos.EventFilter{Seen: bos.WholeSite(), After: full.ID + 7}, []string{"k8", "k9"}},
		{bos.EventFilter{Seen: bos.WholeSite(), Component: "a"}, []string{"k0", "k1", "k4", "k7"}},
		{bos.EventFilter{Seen: bos.WholeSite(), Component: "a", Session: "s"}, []string{"k0", "k1", "k7"}},
		{bos.EventFilter{Seen: bos.WholeSite(), Session: "s", After: full.ID + 4, Limit: 2}, []string{"k5", "k7"}},
		{bos.EventFilter{Seen: bos.WholeSite(), Component: "none"}, nil},
		{bos.EventFilter{Seen: bos.WholeSite(), Since: now.Add(time.Nanosecond)}, []string{"k0"}},
		{bos.EventFilter{Seen: bos.WholeSite(), Since: now, After: full.ID + 7}, []string{"k8", "k9"}},
	} {
		if got := kinds(t, s, c.f); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.f, got, c.want)
		}
	}
	if last, err := s.LastEvent(t.Context()); err != nil || last != full.ID+9 {
		t.Errorf("the last event is %d, %v", last, err)
	}
}

// lone notes are about no change, and all are written or none.
func lone(t *testing.T, s bos.Store) {
	must(t, s.Note(t.Context()))
	news := s.NewEvents()
	must(t, s.Note(t.Context(), bos.Event{Time: now, Kind: "refused", Detail: "d", Actor: "me"}, bos.Event{Time: now, Kind: "read"}))
	<-news
	if got := kinds(t, s, bos.EventFilter{Seen: bos.WholeSite()}); !slices.Equal(got, []string{"refused", "read"}) {
		t.Errorf("the history has %q", got)
	}
}

func tenantHistory(t *testing.T, s bos.Store) {
	commit(t, s, bos.Commit{Events: []bos.Event{
		{Kind: "its node", Component: "a"},
		{Kind: "its node in another's session", Component: "a", Session: "s", Tenant: "red"},
		{Kind: "its session", Session: "s", Tenant: "blue"},
		{Kind: "another's session of that name", Session: "s", Tenant: "red"},
		{Kind: "a session of none", Session: "s"},
		{Kind: "another's node in its session", Component: "b", Session: "s", Tenant: "blue"},
		{Kind: "options"},
	}})
	scope := bos.TenantReach("blue", []string{"a"})
	if got := kinds(t, s, bos.EventFilter{Seen: scope}); !slices.Equal(got, []string{"its node", "its node in another's session", "its session"}) {
		t.Errorf("the tenant sees %q", got)
	}
	if got := kinds(t, s, bos.EventFilter{Seen: bos.TenantReach("green", nil)}); len(got) != 0 {
		t.Errorf("a tenant without anything sees %q", got)
	}
}

func notes(t *testing.T, s bos.Store) {
	note := func(kind string) bos.Event { return bos.Event{Time: now, Kind: kind, Actor: "me"} }
	fill(t, s, []string{"a", "b"}, func(_ int, r *bos.Record) { r.Session = "s" })
	_, err := s.MutateComponents(t.Context(), []string{"a", "b"}, func(r *bos.Record, _ bool) error {
		if r.ID == "b" {
			return bos.ErrSkip
		}
		r.Error = "e"
		return nil
	}, note("patched"))
	must(t, err)
	rec := session("blue", "s1", "")
	must(t, s.CreateSession(t.Context(), rec, note("created")))
	if err := s.CreateSession(t.Context(), rec, note("again")); !errors.Is(err, bos.ErrExists) {
		t.Error(err)
	}
	_, err = s.MutateSession(t.Context(), rec.Key(), func(*bos.SessionRecord) error { return nil }, note("changed"))
	must(t, err)
	must(t, s.DeleteSession(t.Context(), rec.Key(), note("deleted")))
	if err := s.DeleteSession(t.Context(), rec.Key(), note("again")); !errors.Is(err, bos.ErrNotFound) {
		t.Error(err)
	}
	must(t, s.DeleteComponent(t.Context(), "b", note("gone")))
	must(t, s.PutTemplate(t.Context(), bos.SessionTemplate{Name: "t"}, note("put")))
	must(t, s.DeleteTemplate(t.Context(), "", "t", note("dropped")))
	_, err = s.MutateOptions(t.Context(), func(*bos.Options) error { return nil }, note("options"))
	must(t, err)
	list, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite()})
	must(t, err)
	var got []string
	for _, e := range list {
		got = append(got, fmt.Sprintf("%s %s/%s/%s by %s", e.Kind, e.Component, e.Session, e.Tenant, e.Actor))
	}
	want := []string{
		"patched a/s/ by me", "created /s1/blue by me", "changed /s1/blue by me", "deleted /s1/blue by me",
		"gone b// by me", "put // by me", "dropped // by me", "options // by me",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
}

func wakes(t *testing.T, s bos.Store) {
	news := s.NewEvents()
	commit(t, s, bos.Commit{Components: []bos.Record{record("a")}})
	_, err := s.MutateComponents(t.Context(), []string{"a"}, func(*bos.Record, bool) error { return errors.New("no") }, bos.Event{Kind: "never"})
	if err == nil {
		t.Error("the change was made")
	}
	select {
	case <-news:
		t.Error("woken by commits without an event")
	default:
	}
	commit(t, s, bos.Commit{Events: []bos.Event{{Kind: "k"}}})
	select {
	case <-news:
	case <-t.Context().Done():
	}
	if got := kinds(t, s, bos.EventFilter{Seen: bos.WholeSite()}); !slices.Equal(got, []string{"k"}) {
		t.Errorf("who was woken sees %q", got)
	}
}

func unfenced(t *testing.T, s bos.Store) {
	_, err := s.Lease(t.Context(), "one", now, bos.Lease{})
	must(t, err)
	commit(t, s, bos.Commit{Fence: bos.NoFence, Components: []bos.Record{record("a")}})
	stored(t, s, "a")
}
