package cfs_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/cfs"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

type component map[string]any

// fake is a CFS that pages as the real one does.
type fake struct {
	t *testing.T

	mu    sync.Mutex
	nodes map[string]component
	// page is how many components one page has.
	page    int
	gets    []int // how many ids each question names
	patches []map[string]any
	answer  func(w http.ResponseWriter, r *http.Request) bool
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.answer != nil && f.answer(w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.URL.Path != "/v3/components" {
		f.t.Errorf("asked %s %s", r.Method, r.URL.Path)
	}
	switch r.Method {
	case http.MethodGet:
		f.list(w, r)
	case http.MethodPatch:
		f.patch(w, r)
	default:
		f.t.Errorf("asked %s", r.Method)
	}
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	ids := slices.Collect(maps.Keys(f.nodes))
	if query.Has("ids") {
		ids = strings.Split(query.Get("ids"), ",")
	}
	f.gets = append(f.gets, len(ids))
	for _, name := range []string{"status", "enabled"} {
		if query.Has(name) {
			f.t.Errorf("asked with %s=%q", name, query.Get(name))
		}
	}
	slices.Sort(ids)
	found := make([]component, 0, len(ids))
	more := false
	for _, id := range ids {
		n, ok := f.nodes[id]
		if !ok || id <= query.Get("after_id") {
			continue
		}
		if len(found) == f.page {
			more = true
			break
		}
		n["id"] = id
		found = append(found, n)
	}
	answer := map[string]any{"components": found, "next": nil}
	if more {
		answer["next"] = map[string]any{
			"ids": query.Get("ids"), "status": "", "enabled": nil, "config_name": "", "state_details": false,
			"config_details": false, "tags": "", "limit": f.page, "after_id": found[len(found)-1]["id"],
		}
	}
	f.write(w, answer)
}

func (f *fake) patch(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		f.t.Error(err)
	}
	f.patches = append(f.patches, body)
	changed := []string{}
	for _, id := range strings.Split(body["filters"].(map[string]any)["ids"].(string), ",") {
		if _, ok := f.nodes[id]; ok {
			changed = append(changed, id)
		}
	}
	f.write(w, map[string]any{"component_ids": changed})
}

func (f *fake) write(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		f.t.Error(err)
	}
}

func start(t *testing.T, f *fake) *cfs.Client {
	t.Helper()
	f.t, f.page = t, cmp.Or(f.page, 1000)
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	c := cfs.NewImpatient(transport.Upstream{URL: s.URL + "/v3/"})
	t.Cleanup(c.Close)
	return c
}

func probe(t *testing.T, c *cfs.Client, ids ...string) map[string]bos.ConfigurationReading {
	t.Helper()
	all := make(map[string]bos.ConfigurationReading)
	c.Probe(t.Context(), ids, func(r bos.ConfigurationReading) { all[r.ID] = r })
	return all
}

func set(t *testing.T, c *cfs.Client, target bos.ConfigurationTarget, ids ...string) map[string]bos.CallResult {
	t.Helper()
	all := make(map[string]bos.CallResult)
	c.Set(t.Context(), target, ids, func(r bos.CallResult) { all[r.ID] = r })
	if len(all) != len(ids) {
		t.Errorf("%d of %d nodes were told", len(all), len(ids))
	}
	return all
}

func many(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("x1000c%ds%db%dn0", i/100, i/10%10, i%10)
	}
	return ids
}

func TestWhatCFSSaysOfANode(t *testing.T) {
	f := &fake{nodes: map[string]component{
		"x1c0s0b0n0": {"desired_config": "compute", "configuration_status": "configured", "error_count": 0, "enabled": true, "logs": "https://cfs/logs"},
		"x1c0s1b0n0": {"desired_config": "compute", "configuration_status": "pending"},
		"x1c0s2b0n0": {"desired_config": "", "configuration_status": "unconfigured"},
	}}
	want := map[string]bos.ConfigurationReading{
		"x1c0s0b0n0": {ID: "x1c0s0b0n0", Desired: "compute", Status: bos.ConfigurationDone},
		"x1c0s1b0n0": {ID: "x1c0s1b0n0", Desired: "compute", Status: bos.ConfigurationPending},
		"x1c0s2b0n0": {ID: "x1c0s2b0n0", Status: "unconfigured"},
		"x1c0s3b0n0": {ID: "x1c0s3b0n0", Missing: true},
	}
	got := probe(t, start(t, f), "x1c0s0b0n0", "x1c0s1b0n0", "x1c0s2b0n0", "x1c0s3b0n0")
	for id, r := range got {
		if r.Asked.IsZero() {
			t.Errorf("%s: not said when CFS was asked", id)
		}
		r.Asked = time.Time{}
		got[id] = r
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestManyNodesAreAskedAboutInChunksAndAllPagesAreRead(t *testing.T) {
	f := &fake{nodes: make(map[string]component), page: 70}
	ids := many(450)
	for _, id := range ids {
		f.nodes[id] = component{"desired_config": "c", "configuration_status": "configured"}
	}
	for id, r := range probe(t, start(t, f), ids...) {
		if r.Missing || r.Desired != "c" {
			t.Errorf("%s: %+v", id, r)
		}
	}
	// 200 ids take three pages each, 50 one.
	if len(f.gets) != 7 || slices.Max(f.gets) != 200 {
		t.Errorf("asked about %v", f.gets)
	}
}

func TestMostOfTheSiteIsAskedAboutInOneList(t *testing.T) {
	f := &fake{nodes: make(map[string]component), page: 400}
	ids := many(1600)
	for _, id := range ids {
		f.nodes[id] = component{"desired_config": "c", "configuration_status": "configured"}
	}
	c := start(t, f)
	ask := func(nodes, want int) {
		t.Helper()
		f.gets = nil
		for id, r := range probe(t, c, ids[:nodes]...) {
			if r.Missing || r.Desired != "c" {
				t.Errorf("%s: %+v", id, r)
			}
		}
		if len(f.gets) != want {
			t.Errorf("%d nodes took %d requests, want %d", nodes, len(f.gets), want)
		}
	}
	ask(1000, 4) // all four pages of all nodes, in place of five questions
	ask(800, 4)  // no more than by name
	for i := range 8 * 400 {
		f.nodes[fmt.Sprintf("x9000c0s0b0n%d", i)] = component{}
	}
	ask(1000, 12) // the site has grown
	ask(1000, 5)  // so it is asked by name
}

func TestNobodyIsNoRequest(t *testing.T) {
	f := &fake{}
	c := start(t, f)
	probe(t, c)
	set(t, c, bos.ConfigurationTarget{})
	if len(f.gets)+len(f.patches) != 0 {
		t.Error("asked: an empty list of ids is every node to CFS")
	}
}

func TestPagesThatNeverEndEndAllTheSame(t *testing.T) {
	f := &fake{}
	f.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		f.write(w, map[string]any{"components": []component{}, "next": map[string]any{"after_id": "x"}})
		return true
	}
	if r := probe(t, start(t, f), "x1c0s0b0n0")["x1c0s0b0n0"]; r.Symptom != bos.SymptomSilent || !strings.Contains(r.Detail, "more pages") {
		t.Errorf("got %+v", r)
	}
}

// TestTheNextPageIsAskedForInTheWordsOfTheOneBefore also where a number is large.
func TestTheNextPageIsAskedForInTheWordsOfTheOneBefore(t *testing.T) {
	f := &fake{}
	var asked []string
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		asked = append(asked, r.URL.RawQuery)
		answer := map[string]any{"components": []component{}, "next": nil}
		if len(asked) == 1 {
			answer["next"] = map[string]any{"ids": "a&b", "limit": 1_000_000, "after_id": "x1", "state_details": false, "status": "", "enabled": nil}
		}
		f.write(w, answer)
		return true
	}
	probe(t, start(t, f), "x1c0s0b0n0")
	if want := "after_id=x1&ids=a%26b&limit=1000000&state_details=false"; len(asked) != 2 || asked[1] != want {
		t.Errorf("asked %q, want %q second", asked, want)
	}
}

func TestACFSThatDoesNotAnswerTellsNothingOfItsNodes(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, _ *http.Request) bool{
		"an error": func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, `{"title":"redis is gone"}`, http.StatusServiceUnavailable)
			return true
		},
		"another service": func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = io.WriteString(w, `[]`)
			return true
		},
		"another version": func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = io.WriteString(w, `{}`)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := probe(t, start(t, &fake{answer: answer}), "x1c0s0b0n0")["x1c0s0b0n0"]
			if r.Symptom != bos.SymptomSilent || r.Missing || !strings.Contains(r.Detail, "configuration.cfs.url") {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestACancelledQuestionSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start(t, &fake{}).Probe(ctx, []string{"x1c0s0b0n0"}, func(r bos.ConfigurationReading) {
		if r.Symptom != bos.SymptomSilent || !strings.Contains(r.Detail, "cancelled") {
			t.Errorf("got %+v", r)
		}
	})
}

func TestATargetIsSetWithItsSessionAndAClearedState(t *testing.T) {
	f := &fake{nodes: map[string]component{"x1c0s0b0n0": {}, "x1c0s1b0n0": {}}}
	c := start(t, f)
	got := set(t, c, bos.ConfigurationTarget{Name: "compute", Session: "s1", Clear: true}, "x1c0s0b0n0", "x1c0s1b0n0", "x1c0s9b0n0")
	if got["x1c0s0b0n0"].Outcome != bos.CallDone || got["x1c0s1b0n0"].Outcome != bos.CallDone {
		t.Errorf("got %+v", got)
	}
	if r := got["x1c0s9b0n0"]; r.Outcome != bos.CallRefused || r.Cause != bos.CauseUnknownToConfiguration || r.Detail == "" {
		t.Errorf("a node that CFS does not know: %+v", r)
	}
	set(t, c, bos.ConfigurationTarget{Name: "compute", Session: "s1", Enabled: true}, "x1c0s0b0n0")
	want := []map[string]any{
		{
			"patch":   map[string]any{"desired_config": "compute", "enabled": false, "tags": map[string]any{"bos_session": "s1"}, "state": []any{}},
			"filters": map[string]any{"ids": "x1c0s0b0n0,x1c0s1b0n0,x1c0s9b0n0"},
		},
		{
			"patch":   map[string]any{"desired_config": "compute", "enabled": true, "tags": map[string]any{"bos_session": "s1"}},
			"filters": map[string]any{"ids": "x1c0s0b0n0"},
		},
	}
	if diff := gocmp.Diff(want, f.patches); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestManyTargetsAreSetInChunks(t *testing.T) {
	f := &fake{nodes: make(map[string]component)}
	ids := many(2001)
	for _, id := range ids {
		f.nodes[id] = component{}
	}
	for id, r := range set(t, start(t, f), bos.ConfigurationTarget{Name: "c"}, ids...) {
		if r.Outcome != bos.CallDone {
			t.Errorf("%s: %+v", id, r)
		}
	}
	if len(f.patches) != 3 {
		t.Errorf("%d requests", len(f.patches))
	}
}

func TestATargetThatCFSDoesNotTakeSaysWhatIsKnown(t *testing.T) {
	for status, want := range map[int]struct {
		outcome bos.CallOutcome
		cause   bos.Cause
	}{
		400: {bos.CallRefused, bos.CauseConfiguration},
		401: {bos.CallNotAttempted, bos.CauseUpstreamOutage},
		404: {bos.CallNotAttempted, bos.CauseUpstreamOutage},
		429: {bos.CallBusy, bos.CauseUpstreamOutage},
		503: {bos.CallBusy, bos.CauseUpstreamOutage},
	} {
		c := start(t, &fake{answer: func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, `{"detail":"what CFS says"}`, status)
			return true
		}})
		r := set(t, c, bos.ConfigurationTarget{Name: "c"}, "x1c0s0b0n0")["x1c0s0b0n0"]
		if r.Outcome != want.outcome || r.Cause != want.cause || !strings.Contains(r.Detail, "what CFS says") {
			t.Errorf("status %d: %+v", status, r)
		}
	}
	t.Run("no answer", func(t *testing.T) {
		c := start(t, &fake{answer: func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }})
		if r := set(t, c, bos.ConfigurationTarget{}, "x1c0s0b0n0")["x1c0s0b0n0"]; r.Outcome != bos.CallUnknown {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		s := httptest.NewServer(http.NotFoundHandler())
		s.Close()
		if r := set(t, cfs.New(transport.Upstream{URL: s.URL}), bos.ConfigurationTarget{}, "x1c0s0b0n0")["x1c0s0b0n0"]; r.Outcome != bos.CallNotAttempted {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("an answer without names", func(t *testing.T) {
		for _, answer := range []any{[]any{}, map[string]any{}} {
			f := &fake{}
			f.answer = func(w http.ResponseWriter, _ *http.Request) bool { f.write(w, answer); return true }
			if r := set(t, start(t, f), bos.ConfigurationTarget{}, "x1c0s0b0n0")["x1c0s0b0n0"]; r.Outcome != bos.CallUnknown || r.Detail == "" {
				t.Errorf("%v: got %+v", answer, r)
			}
		}
	})
}

func TestAHaltedCallSetsNothingAndBlamesNobody(t *testing.T) {
	for _, late := range []bool{false, true} {
		f := &fake{}
		asked := 0
		may := func(string) bool {
			asked++
			return late && asked == 1 // it is halted before it is sent, or at the last moment
		}
		start(t, f).Set(bos.WithPermission(t.Context(), may), bos.ConfigurationTarget{}, []string{"x1c0s0b0n0"}, func(r bos.CallResult) {
			if !r.Withheld() {
				t.Errorf("late %t: got %+v", late, r)
			}
		})
		if len(f.patches) != 0 {
			t.Error("it was set")
		}
	}
}
