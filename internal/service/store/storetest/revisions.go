package storetest

import (
	"slices"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// neverAgain makes records, deletes them and makes them anew: a reader that knows
// the first must see that the second is newer, whoever wrote it.
func neverAgain(t *testing.T, s bos.Store) {
	last := int64(0)
	newer := func(what string, revision int64) {
		t.Helper()
		if revision <= last {
			t.Errorf("%s has revision %d, and %d was used before", what, revision, last)
		}
		last = revision
	}
	commit(t, s, bos.Commit{Components: []bos.Record{record("other")}})
	newer("another component", stored(t, s, "other").Revision)
	key := bos.SessionKey{Tenant: "blue", Name: "s"}
	for range 3 {
		_, err := s.MutateComponents(t.Context(), []string{"a"}, func(*bos.Record, bool) error { return nil })
		must(t, err)
		newer("a component", stored(t, s, "a").Revision)
		must(t, s.DeleteComponent(t.Context(), "a"))
		must(t, s.CreateSession(t.Context(), session("blue", "s", "")))
		rec, err := s.Session(t.Context(), key)
		must(t, err)
		newer("a session", rec.Revision)
		must(t, s.DeleteSession(t.Context(), key))
		done := commit(t, s, bos.Commit{Components: []bos.Record{record("a")}})
		newer("a component that a commit creates", done.Revision)
		if got := stored(t, s, "a").Revision; got != done.Revision {
			t.Errorf("the commit says that it wrote revision %d, the component has %d", done.Revision, got)
		}
		must(t, s.DeleteComponent(t.Context(), "a"))
	}
}

// sameEverywhere compares the revision that a write returns with the stored one.
func sameEverywhere(t *testing.T, s bos.Store) {
	must(t, s.CreateSession(t.Context(), session("", "s", "a")))
	fill(t, s, []string{"a", "b"}, func(_ int, r *bos.Record) { r.Session = "s" })
	list, err := s.MutateComponents(t.Context(), []string{"a", "b", "a"}, func(r *bos.Record, _ bool) error { r.Error += "x"; return nil })
	must(t, err)
	for _, r := range list {
		if got := stored(t, s, r.ID).Revision; got != r.Revision {
			t.Errorf("%s was written as revision %d and has %d", r.ID, r.Revision, got)
		}
	}
	changed, err := s.MutateSession(t.Context(), bos.SessionKey{Name: "s"}, func(r *bos.SessionRecord) error { r.Limit = "x"; return nil })
	must(t, err)
	rec, err := s.Session(t.Context(), changed.Key())
	must(t, err)
	if rec.Revision != changed.Revision {
		t.Errorf("the session was written as revision %d and has %d", changed.Revision, rec.Revision)
	}
	changed, owned, err := s.MutateOwned(t.Context(), rec.Key(), func(_ *bos.SessionRecord, owned []bos.Record, _ bos.Tally) error { owned[0].Error = "y"; return nil })
	must(t, err)
	if len(owned) != 1 || owned[0].Revision != stored(t, s, "a").Revision || changed.Revision <= rec.Revision {
		t.Errorf("%+v, %+v", changed, owned)
	}
}

// fed is what the feed tells since a position, the ids alone.
func fed(t *testing.T, s bos.Store, after int64) (bos.Changes, []string) {
	t.Helper()
	c, err := s.Changes(t.Context(), after)
	must(t, err)
	var names []string
	for _, changed := range c.Components {
		names = append(names, changed.ID)
	}
	for _, changed := range c.Sessions {
		names = append(names, changed.Key.Tenant+"/"+changed.Key.Name)
	}
	slices.Sort(names)
	return c, names
}

func feed(t *testing.T, s bos.Store) {
	commit(t, s, bos.Commit{Components: []bos.Record{record("a"), record("b"), record("c")}})
	start, _ := fed(t, s, 0)
	if !start.All {
		t.Error("a reader that knows nothing is not told to load all")
	}
	_, err := s.MutateComponents(t.Context(), []string{"a", "b"}, func(r *bos.Record, _ bool) error {
		if r.ID == "b" {
			return bos.ErrSkip
		}
		r.Error = "x"
		return nil
	})
	must(t, err)
	must(t, s.DeleteComponent(t.Context(), "c"))
	must(t, s.CreateSession(t.Context(), session("blue", "s", "")))
	must(t, s.CreateSession(t.Context(), session("", "t", "")))
	must(t, s.DeleteSession(t.Context(), bos.SessionKey{Name: "t"}))
	next, names := fed(t, s, start.Newest)
	if want := []string{"/t", "a", "blue/s", "c"}; next.All || !slices.Equal(names, want) || next.Options || next.Templates {
		t.Errorf("%v changed (%+v), want %v", names, next, want)
	}
	for _, changed := range next.Components {
		if changed.ID == "a" && changed.Revision != stored(t, s, "a").Revision {
			t.Errorf("a is told as revision %d and has %d", changed.Revision, stored(t, s, "a").Revision)
		}
	}
	must(t, s.PutTemplate(t.Context(), bos.SessionTemplate{Name: "t"}))
	_, err = s.MutateOptions(t.Context(), func(o *bos.Options) error { o.PollingFrequency++; return nil })
	must(t, err)
	last, names := fed(t, s, next.Newest)
	if len(names) > 0 || !last.Options || !last.Templates {
		t.Errorf("%+v after a template and the options", last)
	}
	must(t, s.DeleteTemplate(t.Context(), "", "t"))
	gone, _ := fed(t, s, last.Newest)
	if !gone.Templates || gone.Options {
		t.Errorf("%+v after a template was deleted", gone)
	}
	quiet(t, s, gone.Newest)
}

// quiet makes writes that change nothing anybody follows.
func quiet(t *testing.T, s bos.Store, after int64) {
	t.Helper()
	commit(t, s, bos.Commit{Events: []bos.Event{{Kind: "k"}}, Components: []bos.Record{{Component: bos.Component{ID: "a"}, Revision: 1 << 40}}})
	_, err := s.MutateComponents(t.Context(), []string{"a"}, func(*bos.Record, bool) error { return nil })
	must(t, err)
	_, _ = s.MutateComponents(t.Context(), []string{"a", "b"}, func(r *bos.Record, _ bool) error {
		if r.ID == "b" {
			return bos.ErrNotFound
		}
		r.Error = "undone"
		return nil
	})
	if c, names := fed(t, s, after); c.All || len(names) > 0 || c.Options || c.Templates || c.Newest != after {
		t.Errorf("nothing was written, and the feed tells %+v", c)
	}
	if c, _ := fed(t, s, after+1000); !c.All {
		t.Error("a reader that is ahead of the store, as after a restored backup, is not told to load all")
	}
}

// fallenBehind lets so much change that the feed does not keep it all.
func fallenBehind(t *testing.T, s bos.Store) {
	all := ids(20_000)
	fill(t, s, all, nil)
	start, _ := fed(t, s, 0)
	again := func() {
		t.Helper()
		_, err := s.MutateComponents(t.Context(), all, func(r *bos.Record, _ bool) error { r.EventStats.PowerOnAttempts++; return nil })
		must(t, err)
	}
	again()
	if c, names := fed(t, s, start.Newest); c.All || len(names) != len(all) {
		t.Errorf("%d changed, want %d; all anew %t", len(names), len(all), c.All)
	}
	middle := start.Newest
	for range 20 {
		c, _ := fed(t, s, middle)
		middle = c.Newest
		again()
	}
	if c, _ := fed(t, s, start.Newest); !c.All {
		t.Errorf("%d components changed 21 times are all kept", len(all))
	}
	if c, names := fed(t, s, middle); c.All || len(names) != len(all) {
		t.Errorf("the newest change is told as %d components, all anew %t", len(names), c.All)
	}
}
