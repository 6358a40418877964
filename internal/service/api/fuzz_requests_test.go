package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

// endpoints are all routes with their methods, in an order of their own:
// "PUT /v2/components/{id}".
func endpoints() []string {
	var all []string
	for pattern, m := range (&server{}).routes() {
		for _, method := range slices.Sorted(maps.Keys(m)) {
			all = append(all, method+" "+pattern)
		}
	}
	slices.Sort(all)
	return all
}

// fuzzSite is a service with records on a database of its own, which can be put
// back as it was: what one request wrote is not there for the next.
type fuzzSite struct {
	path     string
	database []byte
	config   Config
	store    *sqlite.Store
	handler  http.Handler
}

func newFuzzSite(f *testing.F) *fuzzSite {
	f.Helper()
	from := &site{
		inv: bos.Inventory{
			Nodes:  []bos.Node{{ID: "x1c0s1b0n0", Role: "Compute", Enabled: true}, {ID: "x1c0s2b0n0", Role: "Compute", Enabled: true}},
			Groups: map[string][]string{"blue": {"x1c0s1b0n0"}},
		},
		images:  map[string]bos.Image{"s3://b/m": {Path: "s3://b/m", ETag: "e", Kernel: bos.Artifact{Path: "k"}, Initrd: bos.Artifact{Path: "i"}}},
		tenants: map[string][]string{"red": {"x1c0s1b0n0"}}, now: noon,
	}
	s := &fuzzSite{
		path:   filepath.Join(f.TempDir(), "bos.db"),
		config: Config{Inventory: from, Artifacts: from, Tenants: from, Configuration: true, Now: from.clock, Version: "1.2.3"},
	}
	s.open(f)
	for _, request := range [][3]string{
		{"PUT", "/v2/sessiontemplates/t1", `{"boot_sets":{"c":{"path":"s3://b/m","type":"s3","node_roles_groups":["Compute"]}}}`},
		{"PUT", "/v2/components", `[{"id":"x1c0s1b0n0","enabled":true},{"id":"x1c0s2b0n0"}]`},
		{"POST", "/v2/sessions", `{"name":"s1","operation":"reboot","template_name":"t1"}`},
	} {
		if w := serve(s.handler, request[0], request[1], "", request[2]); w.Code >= 300 {
			f.Fatalf("%s %s answered %d %s", request[0], request[1], w.Code, w.Body)
		}
	}
	s.close(f)
	var err error
	if s.database, err = os.ReadFile(s.path); err != nil {
		f.Fatal(err)
	}
	s.open(f)
	f.Cleanup(func() { _ = s.store.Close() })
	return s
}

func (s *fuzzSite) open(tb testing.TB) {
	store, err := sqlite.Open(context.Background(), s.path)
	if err != nil {
		tb.Fatal(err)
	}
	s.store, s.config.Store = store, store
	s.handler = access.Open(New(s.config))
}

func (s *fuzzSite) close(tb testing.TB) {
	if err := s.store.Close(); err != nil {
		tb.Fatal(err)
	}
}

// restore puts the records back.
func (s *fuzzSite) restore(tb testing.TB) {
	s.close(tb)
	if err := os.WriteFile(s.path, s.database, 0o600); err != nil {
		tb.Fatal(err)
	}
	s.open(tb)
}

func serve(h http.Handler, method, target, tenant, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if tenant != "" {
		r.Header.Set(tenantHeader, tenant)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// FuzzRequests asks every route anything: nothing is a server error, a refusal
// is a whole problem, and every other answer is JSON.
func FuzzRequests(f *testing.F) {
	all := endpoints()
	bodies := map[string]string{
		"PUT /v2/sessiontemplates/{name}":      `{"boot_sets":{"c":{"path":"s3://b/m","type":"s3","node_list":["X01c0s1b0n0"],"arch":"ARM"}}}`,
		"PATCH /v2/sessiontemplates/{name}":    `{"description":"d","boot_sets":{"c":{"path":"p","type":"s3"}}}`,
		"POST /v2/sessions":                    `{"operation":"boot","template_name":"t1","limit":"x1c0s[1-2]b0n0,!blue"}`,
		"PATCH /v2/sessions/{name}":            `{"components":"a,b","status":{"status":"complete"}}`,
		"PUT /v2/components":                   `[{"id":"x1","enabled":false,"retry_policy":1}]`,
		"PATCH /v2/components":                 `{"patch":{"enabled":true},"filters":{"ids":"x1c0s1b0n0"}}`,
		"PUT /v2/components/{id}":              `{"id":"x1","desired_state":{"configuration":"c"}}`,
		"PATCH /v2/components/{id}":            `{"actual_state":{"bss_token":"T"}}`,
		"PATCH /v2/options":                    `{"polling_frequency":20}`,
		"POST /v2/applystaged":                 `{"xnames":["x1c0s1b0n0"]}`,
		"POST /x/v1/previews":                  `{"template_name":"t1","operation":"boot"}`,
		"POST /x/v1/sessions":                  `{"name":"s2","operation":"boot","template_name":"t1","pin":"p"}`,
		"POST /x/v1/sessions/{name}/cancel":    `{}`,
		"POST /v2/sessions/{name}/status":      ``,
		"GET /v2/components":                   ``,
		"DELETE /v2/sessions":                  ``,
		"GET /x/v1/events":                     ``,
		"GET /x/v1/sessions/{name}/components": ``,
	}
	queries := []string{"", "ids=x1c0s1b0n0,a&enabled=TRUE&phase=powering_on&status=stable,failed&page_size=1&start_after_id=a", "min_age=1h&max_age=0m&status=running", "after=1&limit=2&session=s1", "skip_bad_ids=true", "a=%zz&;"}
	for i, endpoint := range all {
		body, known := bodies[endpoint]
		name := "s1"
		if strings.Contains(endpoint, "components/{id}") {
			name = "x1c0s1b0n0"
		}
		f.Add(uint8(i), name, queries[i%len(queries)], "", body)
		if known {
			f.Add(uint8(i), name, queries[(i+1)%len(queries)], "red", body)
		}
		delete(bodies, endpoint)
	}
	for endpoint := range bodies {
		f.Errorf("there is no route %s any more", endpoint)
	}
	s := newFuzzSite(f)
	f.Fuzz(func(t *testing.T, which uint8, name, query, tenant, body string) {
		method, pattern, _ := strings.Cut(all[int(which)%len(all)], " ")
		pattern = strings.ReplaceAll(pattern, "{$}", "")
		for _, placeholder := range []string{"{name}", "{id}"} {
			pattern = strings.ReplaceAll(pattern, placeholder, url.PathEscape(name))
		}
		if _, err := url.ParseRequestURI(pattern); err != nil || strings.ContainsAny(query, " \r\n\x00#") || strings.ContainsFunc(query, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Skip("net/http takes no such request")
		}
		w := serve(s.handler, method, pattern+"?"+query, tenant, body)
		answered(t, fmt.Sprintf("%s %s?%s of %q with %q", method, pattern, query, tenant, body), w)
		if w.Code < 300 && method != http.MethodGet {
			s.restore(t)
		}
	})
}

// answered checks what holds for every answer.
func answered(t *testing.T, what string, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code >= http.StatusInternalServerError {
		t.Fatalf("%s answered %d %s", what, w.Code, w.Body)
	}
	if w.Code == http.StatusNoContent || w.Code >= 300 && w.Code < 400 {
		return
	}
	if w.Code >= http.StatusBadRequest {
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Detail == "" || p.Title == "" || p.Type == "" {
			t.Errorf("%s answered %d %s: no whole problem (%v)", what, w.Code, w.Body, err)
		}
		return
	}
	if w.Header().Get("Content-Type") == auditStream {
		for line := range strings.Lines(w.Body.String()) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%s answered a line that is no JSON: %.500s", what, line)
			}
		}
		return
	}
	if w.Header().Get("Content-Type") != "application/yaml" && !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s answered %d and no JSON: %.500s", what, w.Code, w.Body)
	}
}
