package storetest

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

var brakes = tests{
	"the pause of the site is kept and told in the feed":                                       sitePause,
	"a hold is kept beside the component, also through passes of the engine, and goes with it": holds,
	"staged boot parameters are found by an engine that starts":                                stagedBoot,
	"the pause of a session is kept":                                                           sessionPause,
	"what is asked to be heard is known until it was":                                          heard,
	"hints that some leave others take once":                                                   told,
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

func heard(t *testing.T, s bos.Store) {
	is := func(want bos.Heard) {
		t.Helper()
		if got, err := s.Heard(t.Context()); err != nil || got != want {
			t.Errorf("heard is %+v (%v), want %+v", got, err, want)
		}
	}
	is(bos.Heard{Nobody: true})
	if _, err := s.Ask(t.Context()); err != nil {
		t.Errorf("asked of nobody: %v", err)
	}
	is(bos.Heard{Nobody: true})
	first, err := s.Lease(t.Context(), "one", now, bos.Lease{})
	must(t, err)
	is(bos.Heard{})
	pause, err := s.MutateSitePause(t.Context(), func(b *bos.Brake) error { *b = bos.NewBrake("r", "ops", now); return nil })
	must(t, err)
	asked, err := s.Ask(t.Context())
	must(t, err)
	if asked < pause.Revision {
		t.Errorf("%d is asked for after revision %d was written", asked, pause.Revision)
	}
	is(bos.Heard{Asked: asked})
	renewed, err := s.Lease(t.Context(), "one", now.Add(time.Second), bos.Lease{})
	must(t, err)
	if renewed.Asked != asked {
		t.Errorf("a renewal tells %+v, want that %d is asked for", renewed, asked)
	}
	// That is no renewal, nor does it keep who saw the lease stand from taking it.
	if seen := (bos.Lease{Holder: "one", Fence: first.Fence, Clock: renewed.Clock}); !renewed.Same(seen) {
		t.Errorf("%+v is another than %+v", renewed, seen)
	}
	must(t, s.Hear(t.Context(), renewed.Fence, asked))
	is(bos.Heard{Asked: asked, Upto: asked})
	must(t, s.Hear(t.Context(), renewed.Fence, asked-1)) // late
	is(bos.Heard{Asked: asked, Upto: asked})
	seen := renewed
	seen.Asked = 0
	second, err := s.Lease(t.Context(), "two", now.Add(time.Minute), seen)
	must(t, err)
	if err := s.Hear(t.Context(), first.Fence, asked+1); !errors.Is(err, bos.ErrFenced) {
		t.Errorf("error %v, want who lost the lease fenced off", err)
	}
	is(bos.Heard{Asked: asked, Upto: asked})
	must(t, s.Release(t.Context(), "two"))
	is(bos.Heard{Asked: asked, Upto: asked, Nobody: true})
	if second.Asked != asked {
		t.Errorf("who takes the lease is told %+v", second)
	}
}

func told(t *testing.T, s bos.Store) {
	lease, err := s.Lease(t.Context(), "one", now, bos.Lease{})
	must(t, err)
	first := bos.Hints{Power: []string{"a", "b"}, Scripts: []bos.ScriptFetch{{Host: "a", Token: `t"1`, Again: true}}}
	must(t, s.Tell(t.Context(), first))
	must(t, s.Tell(t.Context(), bos.Hints{Power: []string{"c"}}))
	if is, err := s.Heard(t.Context()); err != nil || !is.Hints {
		t.Errorf("it is not told that there are hints: %+v (%v)", is, err)
	}
	if _, err := s.Told(t.Context(), lease.Fence-1); !errors.Is(err, bos.ErrFenced) {
		t.Errorf("error %v, want the hints kept from who lost the lease", err)
	}
	got, err := s.Told(t.Context(), lease.Fence)
	must(t, err)
	if !slices.Equal(got.Power, []string{"a", "b", "c"}) || !slices.Equal(got.Scripts, first.Scripts) {
		t.Errorf("told %+v", got)
	}
	if got, err = s.Told(t.Context(), lease.Fence); err != nil || !got.Empty() {
		t.Errorf("told %+v again (%v)", got, err)
	}
	if is, err := s.Heard(t.Context()); err != nil || is.Hints {
		t.Errorf("it is told that there are hints: %+v (%v)", is, err)
	}
	// What nobody takes is bounded.
	const many = 300
	for i := range many {
		must(t, s.Tell(t.Context(), bos.Hints{Power: []string{strconv.Itoa(i)}}))
	}
	got, err = s.Told(t.Context(), lease.Fence)
	must(t, err)
	if n := len(got.Power); n == 0 || n >= many || got.Power[n-1] != strconv.Itoa(many-1) {
		t.Errorf("of %d hints %d are kept, the last of them %q", many, n, got.Power[max(n-1, 0)])
	}
}
