package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func session(tenant, name, components string) bos.SessionRecord {
	return bos.SessionRecord{Session: bos.Session{
		Name: name, Tenant: bos.TenantRef(tenant), Components: components,
		Status: bos.SessionStatus{Status: bos.SessionRunning, StartTime: bos.At(now)},
	}}
}

func ownedAtomically(t *testing.T, s bos.Store) {
	key := bos.SessionKey{Tenant: "blue", Name: "s"}
	must(t, s.CreateSession(t.Context(), session("blue", "s", "a,b,staged")))
	must(t, s.CreateSession(t.Context(), session("", "s", "other")))
	fill(t, s, []string{"a", "b", "other", "staged", "stranger"}, func(_ int, r *bos.Record) {
		switch r.ID {
		case "staged":
			r.StagedState.Session = "s"
		case "stranger":
		default:
			r.Session = "s"
		}
	})
	before := stored(t, s, "b")
	rec, written, err := s.MutateOwned(t.Context(), key, func(rec *bos.SessionRecord, owned []bos.Record, _ bos.Tally) error {
		var got []string
		for i := range owned {
			got = append(got, owned[i].ID)
			if owned[i].ID != "b" {
				owned[i].Error = "changed"
			}
		}
		if strings.Join(got, ",") != "a,b,staged" {
			t.Errorf("it owns %v", got)
		}
		rec.Status.Status = bos.SessionComplete
		return nil
	}, bos.Event{Kind: "ended", Actor: "me"})
	must(t, err)
	if rec.Status.Status != bos.SessionComplete || rec.Revision <= before.Revision || len(written) != 2 || written[0].Revision != rec.Revision {
		t.Errorf("%+v, %+v", rec, written)
	}
	if stored(t, s, "a").Error != "changed" || stored(t, s, "b") != before || stored(t, s, "staged").Error != "changed" || stored(t, s, "other").Error != "" {
		t.Error("the wrong components changed")
	}
	events, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite()})
	must(t, err)
	var about []string
	for _, e := range events {
		about = append(about, e.Session+"/"+e.Tenant+"/"+e.Component+"/"+e.Kind+"/"+e.Actor)
	}
	if want := []string{"s/blue//ended/me", "s/blue/a/ended/me", "s/blue/staged/ended/me"}; !slices.Equal(about, want) {
		t.Errorf("events %v, want %v", about, want)
	}
	ownedNotAtAll(t, s, key)
}

func ownedNotAtAll(t *testing.T, s bos.Store, key bos.SessionKey) {
	stop := errors.New("stop")
	before, err := s.Session(t.Context(), key)
	must(t, err)
	for _, with := range []error{bos.ErrSkip, stop} {
		_, written, err := s.MutateOwned(t.Context(), key, func(rec *bos.SessionRecord, owned []bos.Record, _ bos.Tally) error {
			rec.Components, owned[0].Error = "gone", "gone"
			return with
		}, bos.Event{Kind: "never"})
		if len(written) > 0 || errors.Is(with, stop) != errors.Is(err, stop) {
			t.Errorf("%v wrote %v and returned %v", with, written, err)
		}
	}
	rec, err := s.Session(t.Context(), key)
	must(t, err)
	if rec.Revision != before.Revision || stored(t, s, "a").Error != "changed" {
		t.Errorf("a change that was not made left %+v", rec)
	}
	if _, _, err := s.MutateOwned(t.Context(), bos.SessionKey{Name: "none"}, nil); !errors.Is(err, bos.ErrNotFound) {
		t.Errorf("an unknown session: %v", err)
	}
}

// tally compares what is counted of a session, whose nodes are all of them, with what
// the records say.
func tally(t *testing.T, s bos.Store) {
	all, phases := ids(30), bos.Phases()
	fill(t, s, all, nil)
	rec := session("", "s", strings.Join(all, ","))
	must(t, s.CreateSession(t.Context(), rec))
	overrides, names, errs := []string{"", bos.StatusOnHold, bos.StatusFailed}, []string{"", "s", "t"}, []string{"", "", "e1", "e2"}
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(list []string, name string) string { return rapid.SampledFrom(list).Draw(rt, name) }
		_, err := s.MutateComponents(t.Context(), all, func(r *bos.Record, _ bool) error {
			r.Session, r.StagedState.Session, r.Error = draw(names, "session"), draw(names, "staged"), draw(errs, "error")
			r.Status.StatusOverride, r.Enabled = draw(overrides, "override"), rapid.Bool().Draw(rt, "enabled")
			r.Status.Phase = rapid.SampledFrom(phases).Draw(rt, "phase")
			// What was applied stays so until something else is staged.
			if staged := r.StagedState.Session; staged == "" || staged != r.Work.Applied {
				r.Work.Applied = ""
				if staged == r.Session && rapid.Bool().Draw(rt, "applied") {
					r.Work.Applied = staged
				}
			}
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
		want := bos.TallyOf("s", read(t, s, bos.ComponentFilter{}))
		got, err := s.SessionTally(t.Context(), rec.Key())
		if err != nil {
			rt.Fatal(err)
		}
		if got.Owned != want.Owned || got.Staged != want.Staged || got.Busy != want.Busy {
			rt.Fatalf("%d owned, %d staged, busy %t, want %d, %d, %t", got.Owned, got.Staged, got.Busy, want.Owned, want.Staged, want.Busy)
		}
		if diff := cmp.Diff(want.Phases, got.Phases, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatal(diff)
		}
		nodes, err := s.SessionNodes(t.Context(), rec.Key(), "", len(all)+1)
		if err != nil || len(nodes) != len(all) {
			rt.Fatalf("%d nodes of %d are told of, %v", len(nodes), len(all), err)
		}
		if got.Owned+got.Staged+got.Left > len(all) || got.Gone > got.Left {
			rt.Fatalf("more are counted than there are: %+v", got)
		}
	})
}

// tornTally counts while nodes go from staged to owned and back: at no moment is
// the session over.
func tornTally(t *testing.T, s bos.Store) {
	all := ids(50)
	rec := session("", "s", strings.Join(all, ","))
	must(t, s.CreateSession(t.Context(), rec))
	change := func(apply bool) {
		_, err := s.MutateComponents(t.Context(), all, func(r *bos.Record, _ bool) error {
			if apply {
				r.Session, r.Enabled, r.StagedState.Session = "s", true, ""
			} else {
				r.Session, r.Enabled, r.StagedState.Session = "", false, "s"
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	change(false)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; i < 200 && !t.Failed(); i++ {
			change(i%2 == 0)
		}
	}()
	for {
		got, err := s.SessionTally(t.Context(), rec.Key())
		must(t, err)
		if !got.Busy || got.Owned+got.Staged != len(all) {
			t.Errorf("of %d nodes that are staged or worked on the session is told of %d and %d, busy %t", len(all), got.Owned, got.Staged, got.Busy)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}
