package pcs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/pcs"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// fake is a PCS that answers in the shapes of the real one.
type fake struct {
	t *testing.T

	mu sync.Mutex
	// nodes has what is said of each node; one without entry is not found.
	nodes map[string]map[string]any
	// tasks has the status, description and error of a node's task; one
	// without entry is in progress.
	tasks map[string][3]string
	// state is the transitionStatus of all transitions; empty is completed where all
	// tasks have ended, as PCS says it.
	state string
	// posts are the bodies of the transitions.
	posts []transitionBody
	// calls are the methods and paths in their order.
	calls []string
	// answer, if it is not nil, answers instead and reports whether it did.
	answer func(w http.ResponseWriter, r *http.Request) bool
}

type transitionBody struct {
	Operation           string
	TaskDeadlineMinutes int
	Location            []struct{ Xname string }
}

func node(state, management, problem string) map[string]any {
	return map[string]any{
		"powerState": state, "managementState": management, "error": problem,
		"supportedPowerTransitions": []string{"On", "Force-Off", "Soft-Off"}, "lastUpdated": "2026-01-02T03:04:05.678901234Z",
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.calls = append(f.calls, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/v1"))
	answer := f.answer
	f.mu.Unlock()
	if answer != nil && answer(w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v1")
	switch {
	case path == "/power-status" && r.Method == http.MethodPost:
		var q struct{ Xname []string }
		f.decode(r, &q)
		f.status(w, q.Xname)
	case path == "/power-status" && r.Method == http.MethodGet:
		ids := r.URL.Query()["xname"]
		if len(ids) == 0 { // all
			ids = slices.Sorted(maps.Keys(f.nodes))
		}
		f.status(w, ids)
	case path == "/transitions" && r.Method == http.MethodPost:
		var body transitionBody
		f.decode(r, &body)
		f.posts = append(f.posts, body)
		f.write(w, map[string]any{"transitionID": fmt.Sprintf("id-%d", len(f.posts)), "operation": body.Operation})
	case strings.HasPrefix(path, "/transitions/id-") && r.Method == http.MethodGet:
		var n int
		if _, err := fmt.Sscanf(path, "/transitions/id-%d", &n); err != nil || n > len(f.posts) {
			f.t.Errorf("asked for %s", path)
			return
		}
		f.transition(w, f.posts[n-1])
	default:
		f.t.Errorf("asked %s %s", r.Method, r.URL)
	}
}

func (f *fake) status(w http.ResponseWriter, ids []string) {
	list := make([]map[string]any, 0, len(ids))
	for _, id := range ids {
		n, ok := f.nodes[id]
		switch {
		case !ok:
			n = node("", "", "Component not found in component map.")
		case n == nil:
			continue
		}
		n["xname"] = id
		list = append(list, n)
	}
	f.write(w, map[string]any{"status": list})
}

func (f *fake) transition(w http.ResponseWriter, body transitionBody) {
	var tasks []map[string]any
	working := false
	for _, l := range body.Location {
		said, ok := f.tasks[l.Xname]
		if !ok {
			said = [3]string{"in-progress", "Confirming successful transition", ""}
		}
		working = working || said[0] == "in-progress"
		tasks = append(tasks, map[string]any{"xname": l.Xname, "taskStatus": said[0], "taskStatusDescription": said[1], "error": said[2]})
	}
	state := f.state
	if state == "" {
		state = "completed"
		if working {
			state = "in-progress"
		}
	}
	f.write(w, map[string]any{"transitionStatus": state, "taskCounts": map[string]int{"total": len(tasks)}, "tasks": tasks})
}

func (f *fake) decode(r *http.Request, into any) {
	if r.Header.Get("Content-Type") != "application/json" {
		f.t.Errorf("%s has the type %q", r.URL, r.Header.Get("Content-Type"))
	}
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		f.t.Error(err)
	}
}

func (f *fake) write(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		f.t.Error(err)
	}
}

// change changes the fake while it serves.
func (f *fake) change(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn()
}

// seen are the calls so far.
func (f *fake) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

// clock is a time that the test sets forward.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func start(t *testing.T, f *fake) (*pcs.Client, *clock) {
	t.Helper()
	f.t = t
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	c := pcs.New(pcs.Config{Upstream: transport.Upstream{URL: s.URL + "/v1/"}})
	t.Cleanup(c.Close)
	now := &clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	c.SetClock(now.Now, now.add)
	return c, now
}

// probe and apply gather what is told and check that it is told once per node.
func probe(t *testing.T, c *pcs.Client, ids ...string) map[string]bos.PowerReading {
	t.Helper()
	all := make(map[string]bos.PowerReading)
	c.Probe(t.Context(), ids, func(r bos.PowerReading) {
		if _, twice := all[r.ID]; twice {
			t.Errorf("%s was told twice", r.ID)
		}
		all[r.ID] = r
	})
	for _, id := range ids {
		if _, ok := all[id]; !ok {
			t.Errorf("%s was not told", id)
		}
	}
	return all
}

func apply(t *testing.T, c *pcs.Client, op bos.PowerOp, ids ...string) map[string]bos.CallResult {
	t.Helper()
	all := make(map[string]bos.CallResult)
	c.Apply(t.Context(), op, ids, func(r bos.CallResult) {
		if _, twice := all[r.ID]; twice {
			t.Errorf("%s was told twice", r.ID)
		}
		all[r.ID] = r
	})
	for _, id := range ids {
		if _, ok := all[id]; !ok {
			t.Errorf("%s was not told", id)
		}
	}
	return all
}
