package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func stagedOnce(t *testing.T, s bos.Store) {
	give := func(number, key string) {
		t.Helper()
		if err := s.PutStagedReceipt(t.Context(), bos.StagedRun{
			StagedReceipt: bos.StagedReceipt{Receipt: number, Created: now, Expires: now.Add(time.Hour)}, Tenant: "red", RunKey: key,
		}); err != nil {
			t.Fatal(err)
		}
	}
	give("one", "k")
	give("two", "k")
	give("three", "other")
	if newest, err := s.NewestStagedReceipt(t.Context(), "red", "k", false, now); err != nil || newest.Receipt != "two" {
		t.Errorf("the newest is %+v, %v", newest, err)
	}
	if _, err := s.NewestStagedReceipt(t.Context(), "red", "k", true, now); !errors.Is(err, bos.ErrNotFound) {
		t.Errorf("applied: %v", err)
	}
	enable := func(nodes bos.StagedNodes, r *bos.Record, exists bool) error {
		nodes[r.ID] = bos.StagedNode{Outcome: bos.StagedIgnored}
		if !exists {
			return bos.ErrSkip
		}
		r.Enabled = true
		nodes[r.ID] = bos.StagedNode{Outcome: bos.StagedSucceeded, Session: "s"}
		return nil
	}
	fill(t, s, []string{"a"}, func(int, *bos.Record) {})
	ids := []string{"a", "odd[1],x", "x1000c0s0b0n0", "x1000c0s0b0n1"}
	// What fails as a whole leaves nothing behind.
	broken := errors.New("broken")
	if _, _, err := s.MutateStaged(t.Context(), "red", "one", now, ids, func(nodes bos.StagedNodes, r *bos.Record, exists bool) error {
		if err := enable(nodes, r, exists); r.ID == "a" {
			return err
		}
		return broken
	}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if run, err := s.StagedReceipt(t.Context(), "red", "one", now); err != nil || len(run.Nodes) > 0 || !run.AppliedAt.IsZero() || stored(t, s, "a").Enabled {
		t.Errorf("%+v, %v", run, err)
	}
	for _, tenant := range []string{"", "blue"} {
		if _, _, err := s.MutateStaged(t.Context(), tenant, "one", now, ids, enable); !errors.Is(err, bos.ErrNotFound) {
			t.Errorf("tenant %q: %v", tenant, err)
		}
	}
	run, written, err := s.MutateStaged(t.Context(), "red", "one", now, ids, enable)
	if err != nil || len(written) != 1 || !stored(t, s, "a").Enabled {
		t.Fatalf("%+v, %v", written, err)
	}
	for what, read := range map[string]func() (bos.StagedRun, error){
		"by number": func() (bos.StagedRun, error) {
			return s.StagedReceipt(t.Context(), "red", "one", now.Add(20*24*time.Hour))
		},
		"the last that was applied": func() (bos.StagedRun, error) { return s.NewestStagedReceipt(t.Context(), "red", "k", true, now) },
	} {
		kept, err := read()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(run, kept); diff != "" || len(kept.Nodes) != len(ids) {
			t.Errorf("%s: %s", what, diff)
		}
	}
	if _, err := s.StagedReceipt(t.Context(), "red", "two", now.Add(time.Hour)); !errors.Is(err, bos.ErrNotFound) {
		t.Errorf("one that expired: %v", err)
	}
}
