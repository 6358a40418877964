// Package storetest is what every implementation of bos.Store must do.
package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// tests are those of one port, by what must hold.
type tests map[string]func(*testing.T, bos.Store)

// Run runs the suite, port by port; open makes an empty store.
func Run(t *testing.T, open func(t *testing.T) bos.Store) {
	t.Helper()
	for _, of := range ports() {
		for name, test := range of {
			t.Run(name, func(t *testing.T) { test(t, open(t)) })
		}
	}
}

// ports are the tests of all ports.
func ports() []tests {
	return []tests{records, sessions, templates, histories, brakes, feeds, engines}
}

// RunSome runs some of the suite, by their names.
func RunSome(t *testing.T, open func(t *testing.T) bos.Store, names ...string) {
	t.Helper()
	for _, name := range names {
		at := slices.IndexFunc(ports(), func(of tests) bool { return of[name] != nil })
		if at < 0 {
			t.Fatalf("there is no test %q", name)
		}
		t.Run(name, func(t *testing.T) { ports()[at][name](t, open(t)) })
	}
}

var (
	records = tests{
		"tokens are known as soon as their commit returns":        tokens,
		"filters are combined, and pages follow each other":       filters,
		"concurrent writers lose no update":                       concurrentWriters,
		"a failed change undoes all of its batch":                 failedBatch,
		"a document is the record as the API shows it":            documents,
		"long lists come whole, in order, and within a limit":     longLists,
		"boot artifacts come back as they were written":           artifacts,
		"every filter alone and all together":                     everyFilter,
		"a skipped record stays as it is and is not created":      skipped,
		"a change that leaves a missing record empty creates it":  createdEmpty,
		"a change that panics is undone and the next one is made": panics,
		"a write whose client is gone is not made":                gone,
		"who waits behind other writes may leave":                 goneWaiting,
		"an unchanged record is not written":                      unchanged,
		"an id that comes twice is changed twice":                 twice,
		"16 writers of 10000 components lose no update":           manyWriters,
		"many records are written as each alone is":               together,
		"idle nodes that have not reported are found":             unconfirmed,
		"a token means the newest artifacts that it was given":    tokenAgain,
		"what is of the machine outlives its record":              departed,
		"what a deleted machine can show no more is forgotten":    outlived,
	}
	sessions = tests{
		"one of many creators of a session name wins":             nameRace,
		"a session and its components change together":            ownedAtomically,
		"a tally is of one moment, also while nodes are applied":  tornTally,
		"what became of its nodes lasts after others took them":   outcomesLast,
		"a node that nothing can be done to is left out":          excludedOutcomes,
		"a staged node is applied, taken over or released":        stagedOutcomes,
		"a node of its own from which its stage goes is told":     unstagedOutcome,
		"a node that a client names a session in is counted":      namedByHand,
		"a session shows the nodes of its setup or of its list":   listed,
		"who has a node of a name that sessions share is told":    sessionsOf,
		"a session in the place of another has its own nodes":     setUpAgain,
		"of two sessions of a name the later has the node":        sameName,
		"a tally counts what the records say":                     tally,
		"of many sessions that carry a preview out one is made":   carriedOutOnce,
		"staged state is noted with the records it changes":       stagedOnce,
		"a session in flight stands for others that are the same": sameInFlight,
		"what previews are to stand in for is found by their run": replacedByPreviews,
	}
	templates = tests{
		"templates of two tenants may share a name":  tenants,
		"of many changes of a template none is lost": changedTemplates,
	}
	histories = tests{
		"history is listed by id, session and component":         history,
		"what is about no change can be noted":                   lone,
		"a tenant sees its own history only":                     tenantHistory,
		"a scope that was forgotten shows nothing":               forgottenScope,
		"notes are written with what was written, and only then": notes,
		"who asked before a commit is woken by its events":       wakes,
		"a report that says nothing new leaves no event":         repeatedReports,
	}
	feeds = tests{
		"what is shown of a node says how far it is and since when": glimpses,
		"when a session began with a node and ended is kept":        begun,
	}
	engines = tests{
		"a commit writes only what has not changed meanwhile":      commitComparesRevisions,
		"a setup arms nodes as they are when it is written":        setUp,
		"a setup of a session that has changed does nothing":       setUpOfAnother,
		"the lease fences off an older holder":                     lease,
		"a commit without a fence passes a lease that is held":     unfenced,
		"a session expires unless it was written meanwhile":        expired,
		"old tokens that no node runs are given up":                oldTokens,
		"a revision is never used again, also of what was deleted": neverAgain,
		"a write returns the revision that is stored":              sameEverywhere,
		"the feed tells what changed, and what was deleted":        feed,
		"a reader of the feed that fell behind loads all anew":     fallenBehind,
	}
)

func record(id string) bos.Record {
	return bos.Record{Component: bos.Component{ID: id}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, s bos.Store, c bos.Commit) bos.Committed {
	t.Helper()
	done, err := s.Commit(t.Context(), c)
	must(t, err)
	return done
}

func stored(t *testing.T, s bos.Store, id string) bos.Record {
	t.Helper()
	list, err := s.Components(t.Context(), bos.ComponentFilter{IDs: []string{id}})
	must(t, err)
	if len(list) != 1 {
		t.Fatalf("%d records of %s", len(list), id)
	}
	return list[0]
}

func commitComparesRevisions(t *testing.T, s bos.Store) {
	if c := commit(t, s, bos.Commit{Components: []bos.Record{record("a"), record("b")}}); !c.None() {
		t.Fatalf("conflicts %v on an empty store", c)
	}
	stale := stored(t, s, "a")
	_, err := s.MutateComponents(t.Context(), []string{"a"}, func(r *bos.Record, _ bool) error { r.Error = "user"; return nil })
	must(t, err)
	stale.Error = "engine"
	fresh := stored(t, s, "b")
	fresh.Error = "engine"
	gone := bos.SessionRecord{Session: bos.Session{Name: "gone"}, Revision: 1}
	c := commit(t, s, bos.Commit{Components: []bos.Record{stale, fresh}, Sessions: []bos.SessionRecord{gone}, Events: []bos.Event{
		{Component: "a", Session: "s", Kind: "lost"}, {Component: "b", Session: "gone", Kind: "kept"}, {Session: "gone", Kind: "lost too"}, {Session: "s", Kind: "kept too"},
	}})
	if len(c.Components) != 1 || c.Components[0] != "a" || len(c.Sessions) != 1 {
		t.Errorf("conflicts %v, want a and the session", c)
	}
	if got := kinds(t, s, bos.EventFilter{Seen: bos.WholeSite()}); !slices.Equal(got, []string{"kept", "kept too"}) {
		t.Errorf("the history says %q: what was not written did not happen", got)
	}
	if a, b := stored(t, s, "a"), stored(t, s, "b"); a.Error != "user" || b.Error != "engine" {
		t.Errorf("a has %q, b has %q", a.Error, b.Error)
	}
}

func tokens(t *testing.T, s bos.Store) {
	want := bos.BootArtifacts{Kernel: "k", KernelParameters: "p", Initrd: "i"}
	commit(t, s, bos.Commit{Tokens: map[string]bos.BootArtifacts{"t1": want, "t2": want}})
	for _, token := range []string{"t1", "t2"} {
		if got, known, err := s.Token(t.Context(), token); err != nil || !known || got != want {
			t.Errorf("token %s: %+v %t %v", token, got, known, err)
		}
	}
	if _, known, err := s.Token(t.Context(), "other"); known || err != nil {
		t.Errorf("an unknown token: %t %v", known, err)
	}
}

func filters(t *testing.T, s bos.Store) {
	var all []bos.Record
	for i := range 10 {
		r := record(fmt.Sprintf("n%d", i))
		r.Enabled = i%2 == 0
		r.Session = fmt.Sprintf("s%d", i%3)
		all = append(all, r)
	}
	commit(t, s, bos.Commit{Components: all})
	yes := true
	list, err := s.Components(t.Context(), bos.ComponentFilter{Enabled: &yes, Session: "s0"})
	must(t, err)
	if len(list) != 2 || list[0].ID != "n0" || list[1].ID != "n6" {
		t.Errorf("enabled of s0: %v", list)
	}
	list, err = s.Components(t.Context(), bos.ComponentFilter{After: "n3", Limit: 2})
	must(t, err)
	if len(list) != 2 || list[0].ID != "n4" {
		t.Errorf("page after n3: %v", list)
	}
}

func concurrentWriters(t *testing.T, s bos.Store) {
	const writers, rounds = 16, 20
	commit(t, s, bos.Commit{Components: []bos.Record{record("a")}})
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range rounds {
				if _, err := s.MutateComponents(t.Context(), []string{"a"}, func(r *bos.Record, _ bool) error {
					r.EventStats.PowerOnAttempts++
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := stored(t, s, "a").EventStats.PowerOnAttempts; got != writers*rounds {
		t.Errorf("%d updates are there, %d were made", got, writers*rounds)
	}
}

func nameRace(t *testing.T, s bos.Store) {
	const creators = 16
	results := make(chan error, creators)
	for range creators {
		go func() { results <- s.CreateSession(t.Context(), bos.SessionRecord{Session: bos.Session{Name: "same"}}) }()
	}
	won := 0
	for range creators {
		err := <-results
		if err == nil {
			won++
		} else if !errors.Is(err, bos.ErrExists) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d creators won", won)
	}
}

func failedBatch(t *testing.T, s bos.Store) {
	stop := errors.New("stop")
	_, err := s.MutateComponents(t.Context(), []string{"a", "b"}, func(r *bos.Record, _ bool) error {
		if r.ID == "b" {
			return stop
		}
		r.Error = "written"
		return nil
	})
	if !errors.Is(err, stop) {
		t.Errorf("error %v, want the change's own", err)
	}
	list, err := s.Components(t.Context(), bos.ComponentFilter{})
	must(t, err)
	if len(list) != 0 {
		t.Errorf("%v is there after a failed batch", list)
	}
}

// lease: no time decides who has it, for the wall clocks of two holders need not
// agree. Another takes it when its holder has given it up, or has let it stand.
func lease(t *testing.T, s bos.Store) {
	// A lease that the database has lost, as it was the first one, is no lease either.
	if _, err := s.Commit(t.Context(), bos.Commit{Fence: 1, Components: []bos.Record{record("a")}}); !errors.Is(err, bos.ErrFenced) {
		t.Errorf("error %v, want who has a lease fenced off where nobody ever had one", err)
	}
	first, err := s.Lease(t.Context(), "one", time.Time{}, bos.Lease{})
	must(t, err)
	if !first.Clock.IsZero() {
		t.Errorf("the first lease of all has the clock %s", first.Clock)
	}
	renewed, err := s.RenewLease(t.Context(), first, now)
	must(t, err)
	if renewed.Fence != first.Fence || !renewed.Clock.Equal(now) {
		t.Errorf("renewed %+v after %+v, want the same one with the clock %s", renewed, first, now)
	}
	for _, dead := range []bos.Lease{{}, first, {Holder: "one", Fence: first.Fence, Clock: now.Add(-time.Second)}} {
		held, err := s.Lease(t.Context(), "two", now.Add(time.Hour), dead)
		if !errors.Is(err, bos.ErrLeaseHeld) || held != renewed {
			t.Errorf("%+v, error %v for who saw %+v stand, want %+v held", held, err, dead, renewed)
		}
	}
	second, err := s.Lease(t.Context(), "two", time.Time{}, renewed)
	must(t, err)
	if second.Fence <= first.Fence || !second.Clock.Equal(now) {
		t.Errorf("%+v after %+v, want a higher fence and the clock that was kept", second, renewed)
	}
	for who, fence := range map[string]int64{"the old holder": first.Fence, "who has a lease that the database has lost": second.Fence + 1} {
		if _, err := s.Commit(t.Context(), bos.Commit{Fence: fence, Components: []bos.Record{record("a")}}); !errors.Is(err, bos.ErrFenced) {
			t.Errorf("error %v, want %s fenced off", err, who)
		}
	}
	must(t, s.Release(t.Context(), "one"))
	if _, err := s.Lease(t.Context(), "one", now, bos.Lease{}); !errors.Is(err, bos.ErrLeaseHeld) {
		t.Errorf("error %v after who does not hold it gave it up", err)
	}
	for _, given := range []bool{false, true} {
		is, err := s.RenewLease(t.Context(), renewed, now.Add(time.Hour))
		if !errors.Is(err, bos.ErrLeaseHeld) || is.Fence != second.Fence || (is.Holder == "") != given {
			t.Errorf("%+v, error %v for who renews what another has taken, and given up: %t", is, err, given)
		}
		must(t, s.Release(t.Context(), "two"))
	}
	third, err := s.Lease(t.Context(), "one", now.Add(-time.Hour), bos.Lease{})
	must(t, err)
	if third.Fence <= second.Fence || !third.Clock.Equal(now) {
		t.Errorf("%+v after %+v, want a higher fence and a clock that does not go back", third, second)
	}
}

func tenants(t *testing.T, s bos.Store) {
	blue := "blue"
	for _, tenant := range []*string{nil, &blue} {
		must(t, s.PutTemplate(t.Context(), bos.SessionTemplate{Name: "t", Tenant: tenant, Description: bos.TenantOf(tenant)}))
	}
	got, err := s.Template(t.Context(), "blue", "t")
	must(t, err)
	if got.Description != "blue" {
		t.Errorf("the tenant's template is %+v", got)
	}
	must(t, s.DeleteTemplate(t.Context(), "", "t"))
	if _, err := s.Template(t.Context(), "", "t"); !errors.Is(err, bos.ErrNotFound) {
		t.Errorf("error %v, want not found", err)
	}
	list, err := s.Templates(t.Context(), bos.AllTenants())
	must(t, err)
	if len(list) != 1 {
		t.Errorf("%d templates, want the tenant's", len(list))
	}
}
