package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// departed: a component that is deleted and found again, or made again, is still the machine
// that a power action was sent to and that is drained for a session.
func departed(t *testing.T, s bos.Store) {
	unseen := bos.Unseen{Kind: bos.EffectPowerOn, At: now, Boot: "b", Several: true}
	left := bos.Leftover{State: bos.LeftWaits, Session: "s", Tenant: "red"}
	remembered := func(id string) bos.Record {
		r := record(id)
		r.Work = bos.Work{Unseen: unseen, Left: left, Cause: bos.CauseBMCError, Misses: bos.Misses{Lost: 1}}
		return r
	}
	commit(t, s, bos.Commit{Components: []bos.Record{remembered("a"), remembered("b"), remembered("c"), record("d")}})
	for _, id := range []string{"a", "b", "d"} {
		must(t, s.DeleteComponent(t.Context(), id))
	}
	want := bos.Work{Unseen: unseen, Left: left}
	found, err := s.Commit(t.Context(), bos.Commit{Components: []bos.Record{record("a"), record("e")}, Events: []bos.Event{{Component: "a", Kind: "found"}}})
	must(t, err)
	if !found.None() || found.Revision != 0 {
		t.Errorf("found again by %+v, of which what was stored is not to be told as what was given", found)
	}
	made, err := s.MutateComponents(t.Context(), []string{"b", "d"}, func(r *bos.Record, _ bool) error {
		r.Enabled = true
		return nil
	})
	must(t, err)
	if len(made) != 2 || made[0].Work != want || made[1].Work != (bos.Work{}) {
		t.Errorf("made again are %+v", made)
	}
	for id, work := range map[string]bos.Work{"a": want, "b": want, "d": {}, "e": {}} {
		if got := stored(t, s, id); got.Work != work {
			t.Errorf("%s is stored with %+v, want %+v", id, got.Work, work)
		}
	}
	if got := kinds(t, s, bos.EventFilter{Seen: bos.WholeSite(), Component: "a"}); len(got) != 1 || got[0] != "found" {
		t.Errorf("the history of a is %q", got)
	}

	// It is taken up once: what it has come to since is what is kept.
	_, err = s.MutateComponents(t.Context(), []string{"b"}, func(r *bos.Record, _ bool) error {
		r.Work = bos.Work{}
		return nil
	})
	must(t, err)
	must(t, s.DeleteComponent(t.Context(), "b"))
	again, err := s.Commit(t.Context(), bos.Commit{Components: []bos.Record{record("b")}})
	must(t, err)
	if got := stored(t, s, "b"); got.Work != (bos.Work{}) || again.Revision != got.Revision {
		t.Errorf("b is stored with %+v under revision %d, told was %d", got.Work, got.Revision, again.Revision)
	}
}

// outlived: a power action of a deleted component is remembered for as long as it may show,
// and a drain until somebody ends it.
func outlived(t *testing.T, s bos.Store) {
	sent := func(at time.Time) bos.Unseen { return bos.Unseen{Kind: bos.EffectPowerOn, At: at} }
	left := bos.Leftover{State: bos.LeftWaits, Session: "s"}
	kept := map[string]bos.Work{
		"old":         {Unseen: sent(now.Add(-time.Second))},
		"young":       {Unseen: sent(now)},
		"drained":     {Left: left},
		"old-drained": {Unseen: sent(now.Add(-time.Hour)), Left: left},
	}
	many := make([]bos.Record, 1100) // more than are looked at at once
	for i := range many {
		many[i] = record(fmt.Sprintf("many%04d", i))
		many[i].Work = kept["old"]
	}
	commit(t, s, bos.Commit{Components: many})
	for id, work := range kept {
		r := record(id)
		r.Work = work
		commit(t, s, bos.Commit{Components: []bos.Record{r}})
	}
	ids, err := s.ComponentIDs(t.Context(), bos.ComponentFilter{})
	must(t, err)
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() {
			if err := s.DeleteComponent(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	before, err := s.Lease(t.Context(), "one", now, bos.Lease{})
	must(t, err)
	_, err = s.Lease(t.Context(), "two", now, before)
	must(t, err)
	if err := s.ForgetDeparted(t.Context(), before.Fence, now); !errors.Is(err, bos.ErrFenced) {
		t.Errorf("it was forgotten under another fence: %v", err)
	}
	must(t, s.ForgetDeparted(t.Context(), bos.NoFence, now))
	kept["old"] = bos.Work{}
	again := make([]bos.Record, 0, len(ids))
	for _, id := range ids {
		again = append(again, record(id))
	}
	commit(t, s, bos.Commit{Components: again, Fence: bos.NoFence})
	for _, r := range read(t, s, bos.ComponentFilter{}) {
		if r.Work != kept[r.ID] {
			t.Errorf("%s is found again with %+v, want %+v", r.ID, r.Work, kept[r.ID])
		}
	}
	must(t, s.ForgetDeparted(t.Context(), bos.NoFence, now.Add(time.Hour))) // nobody is deleted
}
