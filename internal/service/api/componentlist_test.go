package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestAListIsWhatEachComponentAloneIs(t *testing.T) {
	s := newSite(t)
	for i := range 600 {
		s.record(fmt.Sprintf("n%03d", i), func(r *bos.Record) {
			r.DesiredState.BootArtifacts = bos.BootArtifacts{Kernel: "k", KernelParameters: `a="b" & <c>`}
			r.Status.Phase = bos.Phases()[i%4]
			r.Error = strings.Repeat(`"status":{`, i%3)
		})
	}
	var list []json.RawMessage
	s.do("GET", "/v2/components", nil).ok(http.StatusOK, &list)
	if len(list) != 600 {
		t.Fatalf("%d components", len(list))
	}
	for _, i := range []int{0, 1, 2, 3, 4, 249, 250, 599} {
		var alone, listed any
		s.do("GET", fmt.Sprintf("/v2/components/n%03d", i), nil).ok(http.StatusOK, &alone)
		if err := json.Unmarshal(list[i], &listed); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(alone, listed); diff != "" {
			t.Error(diff)
		}
	}
	for query, want := range map[string]int{"?session=none": 0, "?page_size=5": 5, "?start_after_id=n597": 2, "?phase=": 150, "?status=stable,configuring": 300} {
		var page []bos.Component
		if s.do("GET", "/v2/components"+query, nil).ok(http.StatusOK, &page); len(page) != want || page == nil {
			t.Errorf("%s: %d components, want %d", query, len(page), want)
		}
	}
}

// breaking fails after some documents.
type breaking struct {
	Store
	after int
}

func (b breaking) ComponentDocuments(_ context.Context, _ bos.ComponentFilter, each func([]byte) error) error {
	for range b.after {
		if err := each([]byte(`{}`)); err != nil {
			return err
		}
	}
	return errOutage
}

func TestAListThatBreaksOffIsNotTakenForWhole(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Store = breaking{c.Store, 0} })
	s.do("GET", "/v2/components", nil).refused(http.StatusServiceUnavailable, titleUnavailable)
	s = newSite(t, func(c *Config) { c.Store = breaking{c.Store, 3} })
	resp, err := s.serve().Client().Get(s.serve().URL + "/v2/components")
	if err != nil {
		return // the answer broke off before its header had left
	}
	defer resp.Body.Close()
	var list []any
	if err := json.NewDecoder(resp.Body).Decode(&list); err == nil {
		t.Errorf("%v was taken for the whole list", list)
	}
}

// members are sixteen members that do not touch one another: writer w sets
// the w-th in every component.
var members = []string{
	`"error":"w"`, `"retry_policy":7`, `"staged_state":{"configuration":"w"}`, `"staged_state":{"session":"w"}`,
	`"staged_state":{"boot_artifacts":{"kernel":"w"}}`, `"staged_state":{"boot_artifacts":{"initrd":"w"}}`,
	`"staged_state":{"boot_artifacts":{"kernel_parameters":"w"}}`, `"last_action":{"action":"session_setup"}`,
	`"last_action":{"failed":true}`, `"event_stats":{"power_on_attempts":7}`, `"event_stats":{"power_off_graceful_attempts":7}`,
	`"event_stats":{"power_off_forceful_attempts":7}`, `"status":{"phase":"configuring"}`,
	`"actual_state":{"boot_artifacts":{"kernel":"w"}}`, `"actual_state":{"boot_artifacts":{"initrd":"w"}}`,
	`"actual_state":{"boot_artifacts":{"kernel_parameters":"w"}}`,
}

func TestSixteenClientsThatPatchTenThousandComponentsLoseNoUpdate(t *testing.T) {
	size := 10_000
	if testing.Short() {
		size = 500
	}
	s := newSite(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(t.Output(), nil)) })
	var c bos.Commit
	for i := range size {
		c.Components = append(c.Components, bos.Record{Component: bos.Component{ID: fmt.Sprintf("n%05d", i)}})
	}
	s.commit(c)
	server := s.serve()
	var group sync.WaitGroup
	for _, member := range members {
		group.Go(func() {
			var body strings.Builder
			for i := range size {
				fmt.Fprintf(&body, `%c{"id":"n%05d",%s}`, "[,"[min(i, 1)], i, member)
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, server.URL+"/v2/components", strings.NewReader(body.String()+"]"))
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := server.Client().Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				said, _ := io.ReadAll(resp.Body)
				t.Errorf("%s: %s: %s", member, resp.Status, said)
			}
		})
	}
	group.Wait()
	records, err := s.store.Components(t.Context(), bos.ComponentFilter{})
	if err != nil || len(records) != size {
		t.Fatalf("%d components, %v", len(records), err)
	}
	set := bos.BootArtifacts{Kernel: "w", KernelParameters: "w", Initrd: "w"}
	for _, r := range records {
		if r.Error != "w" || r.RetryPolicy == nil || *r.RetryPolicy != 7 || r.StagedState.Configuration != "w" || r.StagedState.Session != "w" ||
			r.StagedState.BootArtifacts != set || r.ActualState.BootArtifacts != set || r.LastAction.Action != bos.ActionSessionSetup || !r.LastAction.Failed ||
			r.EventStats != (bos.EventStats{PowerOnAttempts: 7, PowerOffGracefulAttempts: 7, PowerOffForcefulAttempts: 7}) || r.Status.Phase != bos.PhaseConfiguring {
			t.Fatalf("an update was lost: %+v", r)
		}
	}
}
