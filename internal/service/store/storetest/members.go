package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// begin creates a session and sets it up on nodes.
func begin(t *testing.T, s bos.Store, tenant, name string, stage bool, nodes ...string) bos.SessionKey {
	t.Helper()
	rec := session(tenant, name, "")
	rec.Status.Status, rec.Stage = bos.SessionPending, stage
	must(t, s.CreateSession(t.Context(), rec))
	rec, err := s.Session(t.Context(), rec.Key())
	must(t, err)
	_, _, err = s.SetUp(t.Context(), arming(rec, nodes...))
	must(t, err)
	return rec.Key()
}

// finish has the engine be done with a node, with an error or without.
func finish(t *testing.T, s bos.Store, id, text string) {
	t.Helper()
	r := stored(t, s, id)
	r.Enabled, r.Error = false, text
	if text != "" {
		r.Status.StatusOverride, r.Work.Cause, r.Status.Phase = bos.StatusFailed, bos.CauseBootTimeout, bos.PhasePoweringOn
	}
	if done := commit(t, s, bos.Commit{Components: []bos.Record{r}, Fence: bos.NoFence}); !done.None() {
		t.Fatal(done)
	}
}

// outcomes says what a session tells of its nodes: id and status of each.
func outcomes(t *testing.T, s bos.Store, key bos.SessionKey) string {
	t.Helper()
	nodes, err := s.SessionNodes(t.Context(), key, "", 1000)
	must(t, err)
	var list []string
	for _, n := range nodes {
		list = append(list, n.ID+" "+n.Status)
	}
	return strings.Join(list, ", ")
}

// counts holds a tally against what is expected of it.
func counts(t *testing.T, s bos.Store, key bos.SessionKey, want string) {
	t.Helper()
	c, err := s.SessionTally(t.Context(), key)
	must(t, err)
	got := fmt.Sprintf("owned %d, staged %d, left %d, gone %d, successful %d, failed %d, busy %t", c.Owned, c.Staged, c.Left, c.Gone, c.Successful, c.Failed, c.Busy)
	if got != want {
		t.Errorf("session %v has %s\nwant %s", key, got, want)
	}
}

func outcomesLast(t *testing.T, s bos.Store) {
	fill(t, s, []string{"a", "b", "c", "d", "e"}, nil)
	first := begin(t, s, "", "first", false, "a", "b", "c", "d", "e")
	finish(t, s, "a", "")
	finish(t, s, "b", "it broke")
	counts(t, s, first, "owned 5, staged 0, left 0, gone 0, successful 4, failed 1, busy true")
	second := begin(t, s, "", "second", false, "a", "b", "c")
	must(t, s.DeleteComponent(t.Context(), "d"))
	_, err := s.MutateComponents(t.Context(), []string{"e"}, func(r *bos.Record, _ bool) error { r.Session = ""; return nil })
	must(t, err)
	if got, want := outcomes(t, s, first), "a stable, b failed, c taken_over, d deleted, e released"; got != want {
		t.Errorf("the first session tells of %s\nwant %s", got, want)
	}
	counts(t, s, first, "owned 0, staged 0, left 5, gone 3, successful 1, failed 1, busy false")
	nodes, err := s.SessionNodes(t.Context(), first, "a", 1)
	must(t, err)
	if len(nodes) != 1 || nodes[0].Error != "it broke" || nodes[0].Cause != bos.CauseBootTimeout || nodes[0].At != bos.PhasePoweringOn || nodes[0].BootSet != "set of b" || nodes[0].Finished.IsZero() {
		t.Errorf("of b it tells %+v", nodes)
	}
	// What becomes of them now is the second session's, and the first keeps its own.
	finish(t, s, "a", "broke later")
	counts(t, s, first, "owned 0, staged 0, left 5, gone 3, successful 1, failed 1, busy false")
	if got, want := outcomes(t, s, second), "a failed, b stable, c stable"; got != want {
		t.Errorf("the second session tells of %s, want %s", got, want)
	}
	tally, err := s.SessionTally(t.Context(), first)
	must(t, err)
	if ids := tally.Errors["it broke"]; !slices.Equal(ids, []string{"b"}) || len(tally.Errors) != 1 {
		t.Errorf("its errors are %v", tally.Errors)
	}
	must(t, s.DeleteSession(t.Context(), first))
	if got := outcomes(t, s, first); got != "" {
		t.Errorf("a session that was deleted tells of %s", got)
	}
}

func excludedOutcomes(t *testing.T, s bos.Store) {
	fill(t, s, []string{"a", "b"}, nil)
	key := begin(t, s, "", "configuring", false, "a", "b")
	finish(t, s, "b", "it broke")
	_, err := s.MutateComponents(t.Context(), []string{"a"}, func(r *bos.Record, _ bool) error {
		r.Session, r.Enabled, r.Goal, r.Work.Cause, r.Error = "", false, bos.GoalConfigure, bos.CausePoweredOff, "it is off"
		return nil
	})
	must(t, err)
	if got, want := outcomes(t, s, key), "a excluded, b failed"; got != want {
		t.Errorf("the session tells of %s, want %s", got, want)
	}
	counts(t, s, key, "owned 1, staged 0, left 1, gone 1, successful 0, failed 1, busy false")
	nodes, err := s.SessionNodes(t.Context(), key, "", 1)
	must(t, err)
	if nodes[0].Error != "it is off" || nodes[0].Cause != bos.CausePoweredOff {
		t.Errorf("of a it tells %+v", nodes[0])
	}
	tally, err := s.SessionTally(t.Context(), key)
	must(t, err)
	if !slices.Equal(tally.FailedNodes, []string{"b"}) {
		t.Errorf("failed are %v", tally.FailedNodes)
	}
}

func stagedOutcomes(t *testing.T, s bos.Store) {
	fill(t, s, []string{"a", "b", "c"}, nil)
	first := begin(t, s, "", "first", true, "a", "b", "c")
	counts(t, s, first, "owned 0, staged 3, left 0, gone 0, successful 0, failed 0, busy true")
	begin(t, s, "", "second", true, "b")
	_, err := s.MutateComponents(t.Context(), []string{"a", "c"}, func(r *bos.Record, _ bool) error {
		if r.ID == "a" {
			r.Session, r.Enabled, r.StagedState = "first", true, bos.StagedState{}
		} else {
			r.StagedState = bos.StagedState{}
		}
		return nil
	})
	must(t, err)
	counts(t, s, first, "owned 1, staged 0, left 2, gone 2, successful 1, failed 0, busy true")
	finish(t, s, "a", "it broke")
	if got, want := outcomes(t, s, first), "a failed, b taken_over, c released"; got != want {
		t.Errorf("it tells of %s, want %s", got, want)
	}
	counts(t, s, first, "owned 1, staged 0, left 2, gone 2, successful 0, failed 1, busy false")
}

// unstagedOutcome takes what a session has staged from a node that names it already, as an
// earlier one of its name left it.
func unstagedOutcome(t *testing.T, s bos.Store) {
	fill(t, s, []string{"a"}, func(_ int, r *bos.Record) { r.Session = "s" })
	key := begin(t, s, "", "s", true, "a")
	if got := outcomes(t, s, key); got != "a staged" {
		t.Fatalf("it tells of %s", got)
	}
	_, err := s.MutateComponents(t.Context(), []string{"a"}, func(r *bos.Record, _ bool) error {
		r.StagedState = bos.StagedState{}
		return nil
	})
	must(t, err)
	if got, want := outcomes(t, s, key), "a stable"; got != want {
		t.Errorf("it tells of %s, want %s", got, want)
	}
	counts(t, s, key, "owned 1, staged 0, left 0, gone 0, successful 1, failed 0, busy false")
}

// namedByHand gives nodes to a session by the name alone, as a client may.
func namedByHand(t *testing.T, s bos.Store) {
	fill(t, s, []string{"a", "b", "c", "d"}, func(_ int, r *bos.Record) {
		if r.ID == "d" {
			r.Session, r.Enabled = "s", true // left over from a session that is no more
		}
	})
	key := begin(t, s, "", "s", false, "a")
	_, err := s.MutateComponents(t.Context(), []string{"b", "c"}, func(r *bos.Record, _ bool) error {
		if r.ID == "b" {
			r.Session, r.Enabled = "s", true
		} else {
			r.StagedState.Session = "s"
		}
		return nil
	})
	must(t, err)
	finish(t, s, "d", "")
	counts(t, s, key, "owned 2, staged 1, left 0, gone 0, successful 2, failed 0, busy true")
	if got, want := outcomes(t, s, key), "a stable, b stable, c staged"; got != want {
		t.Errorf("it tells of %s, want %s", got, want)
	}
	pending := session("", "p", "")
	pending.Status.Status = bos.SessionPending
	must(t, s.CreateSession(t.Context(), pending))
	must(t, s.CreateSession(t.Context(), session("blue", "t", "")))
	_, err = s.MutateComponents(t.Context(), []string{"a", "b"}, func(r *bos.Record, _ bool) error {
		r.Session = map[string]string{"a": "p", "b": "t"}[r.ID]
		return nil
	})
	must(t, err)
	for _, other := range []bos.SessionKey{pending.Key(), {Tenant: "blue", Name: "t"}} {
		if got := outcomes(t, s, other); got != "" {
			t.Errorf("%v, which is pending or a tenant's, took %s", other, got)
		}
	}
}

func sameName(t *testing.T, s bos.Store) {
	fill(t, s, []string{"a", "b", "c"}, nil)
	blue := begin(t, s, "blue", "s", false, "a", "b")
	plain := begin(t, s, "", "s", false, "b", "c")
	finish(t, s, "a", "")
	finish(t, s, "b", "it broke")
	counts(t, s, blue, "owned 1, staged 0, left 1, gone 1, successful 1, failed 0, busy false")
	counts(t, s, plain, "owned 2, staged 0, left 0, gone 0, successful 1, failed 1, busy true")
	if got, want := outcomes(t, s, blue), "a stable, b taken_over"; got != want {
		t.Errorf("the tenant's session tells of %s, want %s", got, want)
	}
	_, written, err := s.MutateOwned(t.Context(), blue, func(_ *bos.SessionRecord, owned []bos.Record, left bos.Tally) error {
		if len(owned) != 1 || owned[0].ID != "a" || left.Left != 1 || left.Gone != 1 {
			t.Errorf("the tenant's session owns %d nodes and has lost %+v", len(owned), left)
		}
		return nil
	})
	must(t, err)
	if len(written) != 0 {
		t.Errorf("%v were written", written)
	}
}

// setUpAgain sets a session up in the place of one of its name, on nodes that are as
// that left them.
func setUpAgain(t *testing.T, s bos.Store) {
	fill(t, s, []string{"a", "b"}, nil)
	key := begin(t, s, "", "s", false, "a", "b")
	must(t, s.DeleteSession(t.Context(), key))
	begin(t, s, "", "s", false, "a")
	counts(t, s, key, "owned 1, staged 0, left 0, gone 0, successful 1, failed 0, busy true")
	if got, want := outcomes(t, s, key), "a stable"; got != want {
		t.Errorf("it tells of %s, want %s", got, want)
	}
}

// list is what a session shows.
func list(t *testing.T, s bos.Store, key bos.SessionKey) string {
	t.Helper()
	text, err := s.SessionComponents(t.Context(), key)
	must(t, err)
	return text
}

func listed(t *testing.T, s bos.Store) {
	key := bos.SessionKey{Tenant: "blue", Name: "s"}
	must(t, s.CreateSession(t.Context(), session("blue", "s", "")))
	must(t, s.CreateSession(t.Context(), session("", "none", "")))
	fill(t, s, []string{"a", "b", "c", "d"}, nil)
	planned, err := s.Session(t.Context(), key)
	must(t, err)
	_, _, err = s.SetUp(t.Context(), arming(planned, "c", "a", "b"))
	must(t, err)
	shows := func(want, when string) {
		t.Helper()
		if got := list(t, s, key); got != want {
			t.Errorf("%s it shows %q, want %q", when, got, want)
		}
	}
	shows("a,b,c", "after its setup")
	_, err = s.MutateComponents(t.Context(), []string{"b"}, func(r *bos.Record, _ bool) error { r.Session, r.Tenant = "other", ""; return nil })
	must(t, err)
	must(t, s.DeleteComponent(t.Context(), "c"))
	shows("a,b,c", "when nodes have left")
	write := func(change func(r *bos.SessionRecord)) {
		t.Helper()
		_, err := s.MutateSession(t.Context(), key, func(r *bos.SessionRecord) error { change(r); return nil })
		must(t, err)
		stored, err := s.Session(t.Context(), key)
		must(t, err)
		if stored.Components != "" || stored.Relist {
			t.Errorf("a record is read with its list: %q", stored.Components)
		}
	}
	write(func(r *bos.SessionRecord) { r.Components, r.Relist = "d,a,unknown,d", true })
	shows("d,a,unknown", "with a list of its own, in its order")
	write(func(r *bos.SessionRecord) { r.Status.Status = bos.SessionComplete })
	shows("d,a,unknown", "after another write")
	write(func(r *bos.SessionRecord) { r.Relist = true })
	shows("", "with an empty list")
	// One that a client gives to a session by its name is counted, and not shown.
	_, err = s.MutateComponents(t.Context(), []string{"d"}, func(r *bos.Record, _ bool) error { r.Session = "none"; return nil })
	must(t, err)
	for _, name := range []string{"none", "unknown"} {
		if got := list(t, s, bos.SessionKey{Name: name}); got != "" {
			t.Errorf("session %s shows %q", name, got)
		}
	}
}

func sessionsOf(t *testing.T, s bos.Store) {
	fill(t, s, []string{"a", "b", "c", "d"}, nil)
	for _, c := range []struct {
		tenant string
		nodes  []string
	}{{"", []string{"a", "b"}}, {"blue", []string{"b", "c"}}} {
		must(t, s.CreateSession(t.Context(), session(c.tenant, "s", "")))
		planned, err := s.Session(t.Context(), bos.SessionKey{Tenant: c.tenant, Name: "s"})
		must(t, err)
		_, _, err = s.SetUp(t.Context(), arming(planned, c.nodes...))
		must(t, err)
	}
	of, err := s.SessionsOf(t.Context(), "s", []string{"a", "b", "c", "d", "unknown"})
	must(t, err)
	if len(of) != 3 || of["a"].Tenant != "" || of["b"].Tenant != "blue" || of["c"].Tenant != "blue" || of["a"].Name != "s" {
		t.Errorf("they belong to %v", of)
	}
	// A client may take a node out of its session and give it back by name.
	for _, name := range []string{"", "s"} {
		_, err := s.MutateComponents(t.Context(), []string{"a", "c", "d"}, func(r *bos.Record, _ bool) error { r.Session, r.Tenant = name, ""; return nil })
		must(t, err)
	}
	for id, tenant := range map[string]string{"a": "", "b": "blue", "c": "blue", "d": ""} {
		r := stored(t, s, id)
		if want := (bos.SessionKey{Tenant: tenant, Name: "s"}); r.Key() != want {
			t.Errorf("the record of %s says that it belongs to %v", id, r.Key())
		}
	}
}
