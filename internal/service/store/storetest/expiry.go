package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// report makes a node say that it runs a kernel.
func report(kernel string, at time.Time) func(*bos.Record, bool) error {
	return func(r *bos.Record, _ bool) error {
		r.ActualState = bos.ActualState{BootArtifacts: bos.BootArtifacts{Kernel: kernel}, BSSToken: "t", LastUpdated: bos.At(at)}
		return nil
	}
}

// repeatedReports are thousands in every few hours, and the history has room for a
// million lines.
func repeatedReports(t *testing.T, s bos.Store) {
	node := []string{"a"}
	say := func(kernel string, after time.Duration) {
		t.Helper()
		_, err := s.MutateComponents(t.Context(), node, report(kernel, now.Add(after)), bos.Event{Kind: fmt.Sprint(kernel, after)})
		must(t, err)
	}
	enable := func(is bool) {
		t.Helper()
		_, err := s.MutateComponents(t.Context(), node, func(r *bos.Record, _ bool) error { r.Enabled = is; return nil }, bos.Event{Kind: fmt.Sprint("enabled=", is)})
		must(t, err)
	}
	say("old", 0)
	say("old", time.Hour)
	say("new", 2*time.Hour)
	say("new", 3*time.Hour)
	enable(true)
	say("new", 4*time.Hour) // also of one in work
	enable(false)
	say("new", 5*time.Hour)
	_, err := s.MutateComponents(t.Context(), node, func(r *bos.Record, is bool) error {
		r.Error = "broken"
		return report("new", now.Add(6*time.Hour))(r, is)
	}, bos.Event{Kind: "more than a report"})
	must(t, err)
	// One that comes twice is news if it ever was.
	_, err = s.MutateComponents(t.Context(), []string{"a", "a"}, func() func(*bos.Record, bool) error {
		says := []string{"newer", "new"}
		return func(r *bos.Record, is bool) error {
			say := report(says[0], now.Add(7*time.Hour))
			says = says[1:]
			return say(r, is)
		}
	}(), bos.Event{Kind: "there and back"})
	must(t, err)
	want := []string{"old0s", "new2h0m0s", "enabled=true", "enabled=false", "more than a report", "there and back"}
	if got := kinds(t, s, bos.EventFilter{Seen: bos.WholeSite()}); !slices.Equal(got, want) {
		t.Errorf("the history says %q, want %q", got, want)
	}
	if at := stored(t, s, "a").ActualState.LastUpdated; !at.Equal(now.Add(7 * time.Hour)) {
		t.Errorf("the record says it reported last at %s", at)
	}
}

func unconfirmed(t *testing.T, s bos.Store) {
	ages := map[string]time.Duration{"a": time.Hour, "b": 2 * time.Hour, "c": 3 * time.Hour, "d": 3 * time.Hour, "e": 3 * time.Hour, "f": 3 * time.Hour}
	for id, age := range ages {
		_, err := s.MutateComponents(t.Context(), []string{id}, func(r *bos.Record, is bool) error {
			r.Enabled = id == "d"
			return report("k", now.Add(-age))(r, is)
		})
		must(t, err)
	}
	// One has lost its state, one says what it booted and not when, one never said it.
	_, err := s.MutateComponents(t.Context(), []string{"e", "f", "g"}, func(r *bos.Record, _ bool) error {
		if r.ID == "e" {
			r.ActualState = bos.ActualState{LastUpdated: r.ActualState.LastUpdated}
		}
		if r.ID == "f" {
			r.ActualState.LastUpdated = bos.Time{}
		}
		return nil
	})
	must(t, err)
	for _, c := range []struct {
		f    bos.ComponentFilter
		want []string
	}{
		{bos.ComponentFilter{Unconfirmed: now.Add(-90 * time.Minute)}, []string{"b", "c", "f"}},
		{bos.ComponentFilter{Unconfirmed: now.Add(-4 * time.Hour)}, []string{"f"}},
		{bos.ComponentFilter{Unconfirmed: now}, []string{"a", "b", "c", "f"}},
		{bos.ComponentFilter{Unconfirmed: now, After: "a", Limit: 2}, []string{"b", "c"}},
	} {
		if got, err := s.ComponentIDs(t.Context(), c.f); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q (%v)", c.f, got, c.want, err)
		}
	}
	// The columns follow a commit of the engine as well.
	r := stored(t, s, "b")
	r.ActualState = bos.ActualState{LastUpdated: bos.At(now)}
	armed := stored(t, s, "c")
	armed.Enabled = true
	commit(t, s, bos.Commit{Components: []bos.Record{r, armed}})
	if got, err := s.ComponentIDs(t.Context(), bos.ComponentFilter{Unconfirmed: now}); err != nil || !slices.Equal(got, []string{"a", "f"}) {
		t.Errorf("after the commit %q, %v", got, err)
	}
}

func expired(t *testing.T, s bos.Store) {
	old, changed := session("", "old", ""), session("blue", "changed", "")
	for _, r := range []bos.SessionRecord{old, changed} {
		must(t, s.CreateSession(t.Context(), r))
	}
	var known []bos.ChangedSession
	for _, r := range []bos.SessionRecord{old, changed} {
		stored, err := s.Session(t.Context(), r.Key())
		must(t, err)
		known = append(known, bos.ChangedSession{Key: r.Key(), Revision: stored.Revision})
	}
	known = append(known, bos.ChangedSession{Key: bos.SessionKey{Name: "gone"}, Revision: 1})
	_, err := s.MutateSession(t.Context(), changed.Key(), func(r *bos.SessionRecord) error { r.Limit = "x"; return nil })
	must(t, err)
	before, err := s.Changes(t.Context(), 0)
	must(t, err)
	done := commit(t, s, bos.Commit{Expired: known, Events: []bos.Event{
		{Session: "old", Kind: "gone"}, {Session: "changed", Tenant: "blue", Kind: "kept"}, {Session: "gone", Kind: "never was"},
	}})
	if _, err := s.Session(t.Context(), old.Key()); !errors.Is(err, bos.ErrNotFound) {
		t.Errorf("the old session: %v", err)
	}
	if _, err := s.Session(t.Context(), changed.Key()); err != nil {
		t.Errorf("a session that was written since was deleted: %v", err)
	}
	if len(done.Sessions) != 2 || done.Sessions[0] != changed.Key() {
		t.Errorf("conflicts %v", done.Conflicts)
	}
	if got := kinds(t, s, bos.EventFilter{Seen: bos.WholeSite()}); !slices.Equal(got, []string{"gone"}) {
		t.Errorf("the history says %q", got)
	}
	fed, err := s.Changes(t.Context(), before.Newest)
	must(t, err)
	if len(fed.Sessions) != 1 || fed.Sessions[0].Key != old.Key() {
		t.Errorf("the feed tells of %v", fed.Sessions)
	}
}

func oldTokens(t *testing.T, s bos.Store) {
	artifacts := bos.BootArtifacts{Kernel: "k"}
	commit(t, s, bos.Commit{Tokens: map[string]bos.BootArtifacts{"forgotten": artifacts, "given": artifacts, "reported": artifacts}})
	many := make(map[string]bos.BootArtifacts)
	for i := range 25_000 {
		many[fmt.Sprint(i)] = artifacts
	}
	commit(t, s, bos.Commit{Tokens: many})
	commit(t, s, bos.Commit{Tokens: map[string]bos.BootArtifacts{"newest": artifacts}})
	_, err := s.MutateComponents(t.Context(), []string{"a"}, func(r *bos.Record, _ bool) error {
		r.DesiredState.BSSToken, r.ActualState.BSSToken = "given", "reported"
		return nil
	})
	must(t, err)
	for _, token := range []string{"forgotten", "given"} {
		_, known, err := s.Token(t.Context(), token) // what was asked for once is no reason to know it
		if !known || err != nil {
			t.Errorf("token %s before: %t, %v", token, known, err)
		}
	}
	old, err := s.Lease(t.Context(), "one", now, bos.Lease{})
	must(t, err)
	_, err = s.Lease(t.Context(), "two", now, old)
	must(t, err)
	if err := s.Tidy(t.Context(), old.Fence); !errors.Is(err, bos.ErrFenced) {
		t.Errorf("the store was tidied under another fence: %v", err)
	}
	must(t, s.Tidy(t.Context(), bos.NoFence))
	for token, want := range map[string]bool{"forgotten": false, "given": true, "reported": true, "newest": true} {
		if got, known, err := s.Token(t.Context(), token); known != want || err != nil || known && got != artifacts {
			t.Errorf("token %s: %+v, %t, %v", token, got, known, err)
		}
	}
}
