package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

var brakes = tests{
	"the pause of the site is kept and told in the feed":                                       sitePause,
	"a hold is kept beside the component, also through passes of the engine, and goes with it": holds,
	"staged boot parameters are found by an engine that starts":                                stagedBoot,
	"the pause of a session is kept":                                                           sessionPause,
}

func sitePause(t *testing.T, s bos.Store) {
	if p, err := s.SitePause(t.Context()); err != nil || p.On() || p.Revision != 0 {
		t.Fatalf("a new store has the pause %+v (%v)", p, err)
	}
	fed, err := s.Changes(t.Context(), 0)
	must(t, err)
	want := bos.NewBrake(`a "leak" in row 3`, "ops", now.Add(time.Nanosecond))
	put, err := s.MutateSitePause(t.Context(), func(b *bos.Brake) error { *b = want; return nil }, bos.Event{Kind: "site_paused"})
	must(t, err)
	got, err := s.SitePause(t.Context())
	must(t, err)
	if got != put || got.Brake != want || got.Revision == 0 {
		t.Errorf("stored is %+v, written %+v", got, put)
	}
	if fed, err = s.Changes(t.Context(), fed.Newest); err != nil || !fed.SitePause || fed.Options {
		t.Errorf("the feed tells %+v (%v)", fed, err)
	}
	same, err := s.MutateSitePause(t.Context(), func(*bos.Brake) error { return bos.ErrSkip }, bos.Event{Kind: "not written"})
	if err != nil || same != got {
		t.Errorf("a change that is skipped returns %+v (%v)", same, err)
	}
	if _, err := s.MutateSitePause(t.Context(), func(*bos.Brake) error { return errors.New("no") }); err == nil {
		t.Error("a change that fails is no error")
	}
	_, err = s.MutateSitePause(t.Context(), func(b *bos.Brake) error { *b = bos.Brake{}; return nil })
	must(t, err)
	if got, err = s.SitePause(t.Context()); err != nil || got.On() || got.Revision <= put.Revision {
		t.Errorf("after it was taken off it is %+v (%v)", got, err)
	}
	if kinds := kinds(t, s, bos.EventFilter{Seen: bos.WholeSite()}); !slices.Equal(kinds, []string{"site_paused"}) {
		t.Errorf("the history says %q", kinds)
	}
}

func holds(t *testing.T, s bos.Store) {
	commit(t, s, bos.Commit{Components: []bos.Record{record("a"), record("b")}})
	want := bos.NewBrake("board out", "ops", now)
	want.Again = now.Add(time.Hour)
	written, err := s.MutateComponents(t.Context(), []string{"a"}, func(r *bos.Record, _ bool) error { r.Held = want; return nil })
	must(t, err)
	if got := stored(t, s, "a"); got.Held != want || got.Revision != written[0].Revision {
		t.Errorf("the hold is %+v at revision %d", got.Held, got.Revision)
	}
	held := func() []string {
		ids, err := s.ComponentIDs(t.Context(), bos.ComponentFilter{Held: true})
		must(t, err)
		return ids
	}
	if got := held(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("held are %q", got)
	}
	next := stored(t, s, "a")
	next.Error = "engine"
	commit(t, s, bos.Commit{Components: []bos.Record{next}})
	if got := stored(t, s, "a"); got.Held != want || got.Error != "engine" {
		t.Errorf("after a pass the record is %+v", got)
	}
	must(t, s.DeleteComponent(t.Context(), "a"))
	commit(t, s, bos.Commit{Components: []bos.Record{record("a")}})
	if got := held(); len(got) != 0 || stored(t, s, "a").Held.On() {
		t.Errorf("a component that was made anew is held: %q", got)
	}
}

func sessionPause(t *testing.T, s bos.Store) {
	rec := bos.SessionRecord{Session: bos.Session{Name: "s"}, Paused: bos.NewBrake("wait", "ops", now)}
	must(t, s.CreateSession(t.Context(), rec))
	got, err := s.Session(t.Context(), rec.Key())
	if err != nil || got.Paused != rec.Paused {
		t.Errorf("the pause is %+v (%v)", got.Paused, err)
	}
}
