package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func ids(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("n%06d", i)
	}
	return list
}

func fill(t *testing.T, s bos.Store, list []string, change func(i int, r *bos.Record)) {
	t.Helper()
	var c bos.Commit
	for i, id := range list {
		r := record(id)
		if change != nil {
			change(i, &r)
		}
		c.Components = append(c.Components, r)
	}
	if done := commit(t, s, c); !done.None() {
		t.Fatalf("conflicts %v", done.Conflicts)
	}
}

func read(t *testing.T, s bos.Store, f bos.ComponentFilter) []bos.Record {
	t.Helper()
	list, err := s.Components(t.Context(), f)
	must(t, err)
	return list
}

// decoded is the answer of ComponentDocuments, decoded.
func decoded(t *testing.T, s bos.Store, f bos.ComponentFilter) []map[string]any {
	t.Helper()
	var list []map[string]any
	must(t, s.ComponentDocuments(t.Context(), f, func(document []byte) error {
		var one map[string]any
		err := json.Unmarshal(document, &one)
		list = append(list, one)
		return err
	}))
	return list
}

// same compares documents with what the records show.
func same(t *testing.T, s bos.Store, f bos.ComponentFilter) {
	t.Helper()
	var want []map[string]any
	for _, r := range read(t, s, f) {
		text, err := json.Marshal(r.View())
		must(t, err)
		var one map[string]any
		must(t, json.Unmarshal(text, &one))
		want = append(want, one)
	}
	if diff := cmp.Diff(want, decoded(t, s, f)); diff != "" {
		t.Errorf("%+v: %s", f, diff)
	}
}

// nasty is a text that looks like what a store might look for.
const nasty = `"boot_artifacts":7,"status":{"é\` + "\n\x00\u2028"

func documents(t *testing.T, s bos.Store) {
	shared := bos.BootArtifacts{Kernel: "k", KernelParameters: nasty, Initrd: "i"}
	policy := 3
	fill(t, s, ids(40), func(i int, r *bos.Record) {
		r.ActualState.BootArtifacts, r.DesiredState.BootArtifacts = shared, shared
		r.StagedState.Session, r.Error = "s", nasty
		switch i % 4 {
		case 1:
			r.StagedState.BootArtifacts, r.RetryPolicy = shared, &policy
			r.Status.Phase, r.LastAction = bos.PhasePoweringOn, bos.LastAction{Action: bos.ActionPoweringOn, LastUpdated: bos.At(now), Failed: true}
		case 2:
			r.DesiredState.BootArtifacts.KernelParameters = r.ID
			r.Status.StatusOverride = nasty
		case 3:
			r.ActualState = bos.ActualState{LastUpdated: bos.At(now)}
			r.Status.Phase = bos.PhaseConfiguring
			r.Work.BackOff.Setbacks = 3
			r.Goal = bos.GoalConfigure
		}
	})
	same(t, s, bos.ComponentFilter{})
	same(t, s, bos.ComponentFilter{IDs: []string{"n000002"}})
	for _, r := range read(t, s, bos.ComponentFilter{}) {
		if r.Error != nasty || r.Status.Status != "" || (r.Goal == bos.GoalConfigure) != (r.Status.Phase == bos.PhaseConfiguring) {
			t.Fatalf("a record came back as %+v", r)
		}
	}
}

func longLists(t *testing.T, s bos.Store) {
	all := ids(1203)
	fill(t, s, all, func(_ int, r *bos.Record) { r.Session = "s" })
	filtered(t, s, all)
	for _, f := range []bos.ComponentFilter{{}, {Limit: 1}, {Limit: 600}, {Limit: 1203}, {Limit: 5000}, {After: "n000700"}, {After: "n000100", Limit: 1000}, {After: "z"}} {
		want := all
		if f.After != "" {
			at, _ := slices.BinarySearch(all, f.After)
			want = all[min(at+1, len(all)):]
		}
		if f.Limit > 0 {
			want = want[:min(f.Limit, len(want))]
		}
		var documents, records []string
		for _, d := range decoded(t, s, f) {
			documents = append(documents, fmt.Sprint(d["id"]))
		}
		for _, r := range read(t, s, f) {
			records = append(records, r.ID)
		}
		names, err := s.ComponentIDs(t.Context(), f)
		must(t, err)
		if !slices.Equal(documents, want) || !slices.Equal(records, want) || !slices.Equal(names, want) {
			t.Errorf("%+v: %d documents, %d records, %d ids, want %d", f, len(documents), len(records), len(names), len(want))
		}
	}
	stop := fmt.Errorf("stop")
	seen := 0
	if err := s.ComponentDocuments(t.Context(), bos.ComponentFilter{}, func([]byte) error { seen++; return stop }); err != stop || seen != 1 { //nolint:errorlint // the error itself is wanted
		t.Errorf("an error after %d documents came back as %v", seen, err)
	}
}

// filtered lists all by other ways than one after the other.
func filtered(t *testing.T, s bos.Store, all []string) {
	t.Helper()
	shuffled := append(slices.Clone(all), "unknown", all[7])
	slices.Reverse(shuffled)
	for _, f := range []bos.ComponentFilter{
		{Session: "s"}, {IDs: shuffled}, {Session: "s", After: "n000300", Limit: 700}, {IDs: shuffled, Session: "s", After: "n000300", Limit: 700},
	} {
		want := all
		if f.Limit > 0 {
			want = all[301:1001]
		}
		var got []string
		for _, d := range decoded(t, s, f) {
			got = append(got, fmt.Sprint(d["id"]))
		}
		if !slices.Equal(got, want) {
			t.Errorf("session %q, %d ids: %d documents, want %d", f.Session, len(f.IDs), len(got), len(want))
		}
	}
}

func artifacts(t *testing.T, s bos.Store) {
	set := func(n int) bos.BootArtifacts {
		return bos.BootArtifacts{Kernel: fmt.Sprint("k", n), KernelParameters: strings.Repeat("p", n), Initrd: "i"}
	}
	all := ids(60)
	fill(t, s, all, func(i int, r *bos.Record) { r.DesiredState.BootArtifacts = set(i % 3) })
	commit(t, s, bos.Commit{Tokens: map[string]bos.BootArtifacts{"t": set(1), "u": set(7)}})
	_, err := s.MutateComponents(t.Context(), all, func(r *bos.Record, _ bool) error {
		r.ActualState.BootArtifacts = r.DesiredState.BootArtifacts
		r.DesiredState.BootArtifacts = set(7)
		return nil
	})
	must(t, err)
	_, err = s.MutateComponents(t.Context(), all[:1], func(r *bos.Record, _ bool) error {
		r.StagedState.BootArtifacts = set(9)
		return nil
	})
	must(t, err)
	for i, r := range read(t, s, bos.ComponentFilter{}) {
		staged := bos.BootArtifacts{}
		if i == 0 {
			staged = set(9)
		}
		if r.ActualState.BootArtifacts != set(i%3) || r.DesiredState.BootArtifacts != set(7) || r.StagedState.BootArtifacts != staged {
			t.Fatalf("record %d: %+v", i, r)
		}
	}
	same(t, s, bos.ComponentFilter{})
}

func everyFilter(t *testing.T, s bos.Store) {
	phases, sessions := bos.Phases(), []string{"", "s1", "s2"}
	fill(t, s, ids(200), func(i int, r *bos.Record) {
		r.Enabled, r.Status.Phase = i%2 == 0, phases[i%len(phases)]
		r.Session, r.StagedState.Session = sessions[i%3], sessions[i/3%3]
		if i%7 == 0 {
			r.Status.StatusOverride = bos.StatusFailed
		}
	})
	all := read(t, s, bos.ComponentFilter{})
	rapid.Check(t, func(rt *rapid.T) {
		f := bos.ComponentFilter{
			Session:       rapid.SampledFrom(append(sessions, "s3")).Draw(rt, "session"),
			StagedSession: rapid.SampledFrom(sessions).Draw(rt, "staged"),
			Status:        rapid.SliceOfN(rapid.SampledFrom([]string{bos.StatusFailed, bos.StatusStable, bos.StatusConfiguring}), 0, 2).Draw(rt, "status"),
			IDs:           rapid.SliceOfN(rapid.SampledFrom(append(ids(200), "other")), 0, 30).Draw(rt, "ids"),
		}
		if rapid.Bool().Draw(rt, "by enabled") {
			enabled := rapid.Bool().Draw(rt, "enabled")
			f.Enabled = &enabled
		}
		if rapid.Bool().Draw(rt, "by phase") {
			phase := rapid.SampledFrom(phases).Draw(rt, "phase")
			f.Phase = &phase
		}
		var want []string
		for _, r := range all {
			if (f.Session == "" || r.Session == f.Session) && (f.StagedSession == "" || r.StagedState.Session == f.StagedSession) &&
				(len(f.Status) == 0 || slices.Contains(f.Status, r.DeriveStatus())) && (len(f.IDs) == 0 || slices.Contains(f.IDs, r.ID)) &&
				(f.Enabled == nil || r.Enabled == *f.Enabled) && (f.Phase == nil || r.Status.Phase == *f.Phase) {
				want = append(want, r.ID)
			}
		}
		got, err := s.ComponentIDs(t.Context(), f)
		if err != nil || !slices.Equal(got, want) {
			rt.Fatalf("%v (%v), want %v", got, err, want)
		}
		if n := len(read(t, s, f)); n != len(want) {
			rt.Fatalf("%d records, want %d", n, len(want))
		}
	})
}

func skipped(t *testing.T, s bos.Store) {
	fill(t, s, []string{"a", "b"}, nil)
	before := stored(t, s, "a")
	list, err := s.MutateComponents(t.Context(), []string{"a", "b", "c"}, func(r *bos.Record, _ bool) error {
		r.Error = "written"
		if r.ID != "b" {
			return fmt.Errorf("not this one: %w", bos.ErrSkip)
		}
		return nil
	})
	must(t, err)
	if len(list) != 1 || list[0].ID != "b" || list[0].Error != "written" {
		t.Errorf("it returned %v", list)
	}
	all := read(t, s, bos.ComponentFilter{})
	if len(all) != 2 || all[0] != before || all[1].Revision <= before.Revision {
		t.Errorf("the store has %+v", all)
	}
}

func createdEmpty(t *testing.T, s bos.Store) {
	list, err := s.MutateComponents(t.Context(), []string{"a"}, func(_ *bos.Record, exists bool) error {
		if exists {
			t.Error("it is there already")
		}
		return nil
	})
	must(t, err)
	if got := stored(t, s, "a"); len(list) != 1 || list[0] != got {
		t.Errorf("%+v, %+v", list, got)
	}
}

func unchanged(t *testing.T, s bos.Store) {
	fill(t, s, []string{"a"}, nil)
	before := stored(t, s, "a")
	list, err := s.MutateComponents(t.Context(), []string{"a"}, func(*bos.Record, bool) error { return nil }, bos.Event{Kind: "touched"})
	must(t, err)
	events, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite()})
	must(t, err)
	if len(list) != 1 || stored(t, s, "a") != before || len(events) != 0 {
		t.Errorf("%+v, then %+v with %v", list, stored(t, s, "a"), events)
	}
}

func panics(t *testing.T, s bos.Store) {
	_, err := s.MutateComponents(t.Context(), []string{"a", "b"}, func(r *bos.Record, _ bool) error {
		if r.ID == "b" {
			panic("boom")
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("the error is %v", err)
	}
	fill(t, s, []string{"c"}, nil)
	if list := read(t, s, bos.ComponentFilter{}); len(list) != 1 || list[0].ID != "c" {
		t.Errorf("the store has %v", list)
	}
}

// goneWaiting: who waits for others that write leaves at once, and nothing of his is written.
func goneWaiting(t *testing.T, s bos.Store) {
	entered, leave := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_, err := s.MutateComponents(context.WithoutCancel(t.Context()), []string{"first"}, func(*bos.Record, bool) error { close(entered); <-leave; return nil })
		if err != nil {
			t.Error(err)
		}
	})
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	all.Go(func() {
		_, err := s.MutateComponents(ctx, []string{"waits"}, func(*bos.Record, bool) error { return nil })
		waits <- err
	})
	cancel()
	if err := <-waits; !errors.Is(err, context.Canceled) {
		t.Errorf("who has left is told %v", err)
	}
	close(leave)
	all.Wait()
	fill(t, s, []string{"after"}, nil)
	if list := read(t, s, bos.ComponentFilter{}); len(list) != 2 || list[0].ID != "after" || list[1].ID != "first" {
		t.Errorf("the store has %v", list)
	}
}

func gone(t *testing.T, s bos.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Commit(ctx, bos.Commit{Components: []bos.Record{record("a")}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the write: %v", err)
	}
	if _, err := s.Components(ctx, bos.ComponentFilter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the read: %v", err)
	}
	if list := read(t, s, bos.ComponentFilter{}); len(list) != 0 {
		t.Errorf("the store has %v", list)
	}
}

func twice(t *testing.T, s bos.Store) {
	for _, n := range []int{2, 40} {
		list, err := s.MutateComponents(t.Context(), slices.Repeat([]string{fmt.Sprint("n", n)}, n), func(r *bos.Record, _ bool) error {
			r.EventStats.PowerOnAttempts++
			return nil
		})
		must(t, err)
		if got := stored(t, s, fmt.Sprint("n", n)); got.EventStats.PowerOnAttempts != n || len(list) != n {
			t.Errorf("%d changes of one record left %+v", n, got)
		}
	}
}

// manyWriters: each writer counts up in every record, some all at once and some
// in pieces, in different orders.
func manyWriters(t *testing.T, s bos.Store) {
	const writers = 16
	size := 10_000
	if testing.Short() {
		size = 500
	}
	all := ids(size)
	fill(t, s, all, nil)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			mine := slices.Concat(all[w*size/writers:], all[:w*size/writers])
			for chunk := range slices.Chunk(mine, size/(w%4+1)) {
				if _, err := s.MutateComponents(t.Context(), chunk, func(r *bos.Record, _ bool) error {
					r.EventStats.PowerOnAttempts++
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	lost := map[string]int{}
	for _, r := range read(t, s, bos.ComponentFilter{}) {
		if n := r.EventStats.PowerOnAttempts; n != writers {
			lost[r.ID] = writers - n
		}
	}
	if len(lost) > 0 {
		t.Errorf("%d records lost updates, for example %v", len(lost), slices.Collect(maps.Keys(lost))[0])
	}
}

func tokenAgain(t *testing.T, s bos.Store) {
	for _, kernel := range []string{"one", "two"} {
		want := bos.BootArtifacts{Kernel: kernel}
		commit(t, s, bos.Commit{Tokens: map[string]bos.BootArtifacts{"t": want}})
		for range 2 {
			if got, known, err := s.Token(t.Context(), "t"); err != nil || !known || got != want {
				t.Errorf("%+v %t %v, want %+v", got, known, err, want)
			}
		}
	}
}
