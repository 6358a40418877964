package shell_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// silent is a store with an idle node that failed and reported last at start, and a
// session that was complete then.
func silent(t *testing.T) bos.Store {
	t.Helper()
	store := openStore(t)
	_, err := store.MutateComponents(t.Context(), []string{"failed", "armed"}, func(r *bos.Record, _ bool) error {
		r.Enabled = r.ID == "armed"
		r.Error = "the BMC refused it"
		r.ActualState = bos.ActualState{BootArtifacts: bos.BootArtifacts{Kernel: "k"}, LastUpdated: bos.At(start)}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s := bos.SessionRecord{Session: bos.Session{Name: "s", Status: bos.SessionStatus{Status: bos.SessionComplete, StartTime: bos.At(start)}}}
	if err := store.CreateSession(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return store
}

// dayLater cleans what is older than an hour, a day after start.
func dayLater(t *testing.T, store bos.Store, fence int64) error {
	t.Helper()
	now := start.Add(24 * time.Hour)
	return shell.Ports{Store: store}.Clean(t.Context(), engine.Clean{Sessions: time.Hour, Actual: now.Add(-time.Hour)}, fence, now)
}

func TestWhatIsForgottenOfANodeIsInItsHistoryAndItsErrorStays(t *testing.T) {
	store := silent(t)
	for range 2 {
		if err := dayLater(t, store, bos.NoFence); err != nil {
			t.Fatal(err)
		}
	}
	records, err := store.Components(t.Context(), bos.ComponentFilter{})
	if err != nil || len(records) != 2 {
		t.Fatal(records, err)
	}
	if armed := records[0]; armed.ActualState.BootArtifacts.Kernel != "k" {
		t.Errorf("a node in work has lost its state: %+v", armed.Component)
	}
	if failed := records[1]; failed.ActualState.BootArtifacts.Kernel != "" || failed.Error != "the BMC refused it" {
		t.Errorf("the node is %+v", failed.Component)
	}
	events, err := store.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite(), Component: "failed"})
	if err != nil || len(events) != 1 || !strings.Contains(events[0].Detail, "2026-01-02T03:04:05") {
		t.Errorf("the history of the node is %+v, %v; wanted is one line with when it reported last", events, err)
	}
	events, err = store.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite(), Session: "s"})
	if err != nil || len(events) != 1 || !strings.Contains(events[0].Detail, "cleanup_completed_session_ttl") {
		t.Errorf("the history of the session is %+v, %v", events, err)
	}
	if _, err := store.Session(t.Context(), bos.SessionKey{Name: "s"}); !errors.Is(err, bos.ErrNotFound) {
		t.Errorf("the old session: %v", err)
	}
}

func TestAServiceThatHasLostItsLeaseCleansNothing(t *testing.T) {
	store := silent(t)
	first, err := store.Lease(t.Context(), "first", start, bos.Lease{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Lease(t.Context(), "second", start, first); err != nil {
		t.Fatal(err)
	}
	if err := dayLater(t, store, first.Fence); !errors.Is(err, bos.ErrFenced) {
		t.Errorf("it cleans with %v", err)
	}
	records, err := store.Components(t.Context(), bos.ComponentFilter{IDs: []string{"failed"}})
	if err != nil || len(records) != 1 || records[0].ActualState.BootArtifacts.Kernel != "k" {
		t.Errorf("the node is %+v, %v", records, err)
	}
	if _, err := store.Session(t.Context(), bos.SessionKey{Name: "s"}); err != nil {
		t.Errorf("the session: %v", err)
	}
}
