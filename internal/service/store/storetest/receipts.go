package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func askedFor(name, pin string, asked bos.Asked) bos.SessionRecord {
	return bos.SessionRecord{
		Session: bos.Session{Name: name, Status: bos.SessionStatus{Status: bos.SessionPending, StartTime: bos.At(now)}},
		Pin:     pin, Asked: asked,
	}
}

// repeats is the session that stands for one that is not created.
func repeats(t *testing.T, err error) *bos.Repeated {
	t.Helper()
	var again *bos.Repeated
	if !errors.As(err, &again) {
		t.Fatalf("created, or another error: %v", err)
	}
	return again
}

func carriedOutOnce(t *testing.T, s bos.Store) {
	preview := bos.Preview{Pin: "p", Receipt: "r", Created: now, Expires: now.Add(time.Hour)}
	if err := s.PutReceipt(t.Context(), bos.Receipt{Key: "k", Tenant: "red", Preview: preview}); err != nil {
		t.Fatal(err)
	}
	// Whoever else knows its number neither carries it out nor learns who did.
	foreign := func(name, tenant string) error {
		rec := askedFor(name, "p", bos.Asked{Receipt: "r"})
		rec.Tenant = bos.TenantRef(tenant)
		return s.CreateSession(t.Context(), rec)
	}
	if err := foreign("b", "blue"); err != nil {
		t.Fatal(err)
	}
	red := func(name string) bos.SessionRecord {
		rec := askedFor(name, "p", bos.Asked{Receipt: "r"})
		rec.Tenant = bos.TenantRef("red")
		return rec
	}
	var made atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if s.CreateSession(t.Context(), red(fmt.Sprintf("s%d", i))) == nil {
				made.Add(1)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Fatalf("%d sessions were created", made.Load())
	}
	again := repeats(t, s.CreateSession(t.Context(), red("late")))
	if again.Record == nil || again.Record.Asked.Receipt != "r" {
		t.Errorf("%+v", again)
	}
	kept, err := s.ReceiptByNumber(t.Context(), "red", "r", now)
	if err != nil || kept.Preview.Session != again.Name {
		t.Errorf("carried out by %q, %v", kept.Preview.Session, err)
	}
	if newest, err := s.Receipt(t.Context(), "k", now); err != nil || newest.Preview.Session != again.Name {
		t.Errorf("the newest was carried out by %q, %v", newest.Preview.Session, err)
	}
	if err := foreign("g", "green"); err != nil {
		t.Errorf("of a preview of another tenant it is said: %v", err)
	}
	for _, c := range []struct {
		tenant string
		at     time.Time
	}{{"", now}, {"blue", now}, {"red", now.Add(2 * time.Hour)}} {
		if _, err := s.ReceiptByNumber(t.Context(), c.tenant, "r", c.at); !errors.Is(err, bos.ErrNotFound) {
			t.Errorf("for %q at %s: %v", c.tenant, c.at, err)
		}
	}
	if err := s.DeleteSession(t.Context(), again.Record.Key()); err != nil {
		t.Fatal(err)
	}
	if gone := repeats(t, s.CreateSession(t.Context(), red("later"))); gone.Record != nil || gone.Name != again.Name {
		t.Errorf("after its record was deleted: %+v", gone)
	}
}

func sameInFlight(t *testing.T, s bos.Store) {
	key := bos.Asked{RunKey: "a"}
	if err := s.CreateSession(t.Context(), askedFor("s1", "p", key)); err != nil {
		t.Fatal(err)
	}
	if again := repeats(t, s.CreateSession(t.Context(), askedFor("s2", "p", key))); again.Name != "s1" {
		t.Errorf("%+v", again)
	}
	other := askedFor("s3", "p", key)
	other.Tenant = bos.TenantRef("red")
	for _, rec := range []bos.SessionRecord{other, askedFor("s4", "q", key), askedFor("s5", "p", bos.Asked{RunKey: "b"}), askedFor("s6", "p", bos.Asked{})} {
		if err := s.CreateSession(t.Context(), rec); err != nil {
			t.Errorf("%s: %v", rec.Name, err)
		}
	}
	if _, err := s.MutateSession(t.Context(), bos.SessionKey{Name: "s1"}, func(r *bos.SessionRecord) error {
		r.Status.Status = bos.SessionComplete
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		asked bos.SessionRecord
		want  string
	}{{askedFor("", "p", key), "s1"}, {askedFor("", "q", key), ""}, {askedFor("", "p", bos.Asked{RunKey: "b"}), ""}, {askedFor("", "p", bos.Asked{}), ""}, {other, ""}} {
		if ran, err := s.LastRun(t.Context(), c.asked); ran.Name != c.want || (c.want == "") != errors.Is(err, bos.ErrNotFound) {
			t.Errorf("the last run of %+v is %q, %v", c.asked, ran.Name, err)
		}
	}
	if err := s.CreateSession(t.Context(), askedFor("s2", "p", key)); err != nil {
		t.Errorf("after it was over: %v", err)
	}
	if again := repeats(t, s.CreateSession(t.Context(), askedFor("s9", "p", bos.Asked{RunKey: "a", Replaces: []string{"s1"}}))); again.Name != "s2" {
		t.Errorf("what replaces another is %+v", again)
	}
	if err := s.CreateSession(t.Context(), askedFor("s9", "p", bos.Asked{RunKey: "a", Replaces: []string{"s1", "s2"}})); err != nil {
		t.Errorf("what replaces the one in flight is not created: %v", err)
	}
}

// replacedByPreviews: what a preview was to stand in for is found by pin and run key.
func replacedByPreviews(t *testing.T, s bos.Store) {
	for i, r := range []bos.Receipt{
		{Tenant: "red", RunKey: "a", Preview: bos.Preview{Pin: "p", Replaces: []string{"s0"}}},
		{Tenant: "red", RunKey: "a", Preview: bos.Preview{Pin: "p", Replaces: []string{"s1", "s2"}}},
		{Tenant: "red", RunKey: "a", Preview: bos.Preview{Pin: "p"}}, // asked anew, by whom that is not known
		{Tenant: "red", RunKey: "b", Preview: bos.Preview{Pin: "p", Replaces: []string{"s3"}}},
		{Tenant: "blue", RunKey: "a", Preview: bos.Preview{Pin: "p", Replaces: []string{"s4"}}},
		{Tenant: "red", RunKey: "", Preview: bos.Preview{Pin: "p", Replaces: []string{"s5"}}},
		{Tenant: "red", RunKey: "a", Preview: bos.Preview{Pin: "", Replaces: []string{"s6"}}},
	} {
		r.Key, r.Preview.Receipt = fmt.Sprint(i), fmt.Sprint("r", i)
		r.Preview.Created, r.Preview.Expires = now, now.Add(time.Hour)
		if err := s.PutReceipt(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		tenant, pin, runKey string
		at                  time.Time
		want                string
	}{
		{"red", "p", "a", now, "[s1 s2]"},
		{"red", "p", "b", now, "[s3]"},
		{"blue", "p", "a", now, "[s4]"},
		{"red", "p", "", now, "[]"},
		{"red", "", "a", now, "[]"},
		{"", "p", "a", now, "[]"},
		{"red", "q", "a", now, "[]"},
		{"red", "p", "a", now.Add(2 * time.Hour), "[]"},
	} {
		if got, err := s.Replaced(t.Context(), c.tenant, c.pin, c.runKey, c.at); err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}
