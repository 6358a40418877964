package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/health"
)

// exchanged is a status that an operation of the document has answered.
type exchanged struct {
	method, path string
	status       int
}

// held is the document with its paths as patterns.
type held struct {
	doc   *openapi3.T
	paths []heldPath
}

type heldPath struct {
	path  string
	match *regexp.Regexp
	names []string
}

// maxHeld bounds the bodies that are compared with the document: it takes long.
const maxHeld = 128 << 10

var theDocument = sync.OnceValues(func() (held, error) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(openAPI)
	if err != nil {
		return held{}, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return held{}, err
	}
	h := held{doc: doc}
	parameter := regexp.MustCompile(`\{(\w+)\}`)
	for path := range doc.Paths.Map() {
		p := heldPath{path: path}
		for _, m := range parameter.FindAllStringSubmatch(path, -1) {
			p.names = append(p.names, m[1])
		}
		p.match = regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(path), "x") + "$")
		pattern := regexp.QuoteMeta(path)
		for _, name := range p.names {
			pattern = strings.ReplaceAll(pattern, `\{`+name+`\}`, "([^/]+)")
		}
		p.match = regexp.MustCompile("^" + pattern + "$")
		h.paths = append(h.paths, p)
	}
	// Parameters last: /v2/sessions goes before /v2/{x}.
	slices.SortFunc(h.paths, func(a, b heldPath) int { return len(a.names) - len(b.names) })
	openapi3filter.RegisterBodyDecoder(eventStream, openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder(auditStream, openapi3filter.FileBodyDecoder)
	return h, nil
})

// route finds the operation of a request; nil where the document has none.
func (h held) route(r *http.Request) (*routers.Route, map[string]string) {
	path := stripBase(r).URL.Path
	for _, p := range h.paths {
		m := p.match.FindStringSubmatch(path)
		if m == nil {
			continue
		}
		item := h.doc.Paths.Value(p.path)
		op := item.GetOperation(r.Method)
		if op == nil {
			return nil, nil
		}
		values := make(map[string]string)
		for i, name := range p.names {
			values[name] = m[i+1]
		}
		return &routers.Route{Spec: h.doc, Path: p.path, PathItem: item, Method: r.Method, Operation: op}, values
	}
	return nil, nil
}

// holdToDocument compares a request of any test, and its answer, with the
// document: what the document forbids must have been refused, and the answer
// must be one that it describes.
func (s *site) holdToDocument(r *http.Request, rest io.Reader, sent *bytes.Buffer, w *httptest.ResponseRecorder) {
	s.t.Helper()
	h, err := theDocument()
	if err != nil {
		s.t.Fatalf("the document cannot be used: %v", err)
	}
	what := fmt.Sprintf("%s %s", r.Method, clip(r.URL.String()))
	route, values := h.route(r)
	if route == nil {
		if r.Method != http.MethodHead && r.Method != http.MethodOptions && w.Code != http.StatusPermanentRedirect && w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
			s.t.Errorf("%s: the document has no such operation, and the service answers %d", what, w.Code)
		}
		return
	}
	if s.seen != nil {
		s.seen[exchanged{r.Method, route.Path, w.Code}] = true
	}
	if route.Operation.Responses.Status(w.Code) == nil && w.Code != http.StatusInternalServerError {
		s.t.Errorf("%s: the document does not know the status %d: %s", what, w.Code, clip(w.Body.String()))
		return
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: values, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if rest != nil && sent.Len() < maxHeld && w.Code < 300 && jsonOrNothing(r) {
		if _, err := io.Copy(io.Discard, io.LimitReader(rest, maxHeld)); err != nil {
			s.t.Fatal(err)
		}
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(sent.Bytes()))
		input.Request = again
		if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
			s.t.Errorf("%s: the document forbids what the service accepts: %v\nwith %s", what, err, sent.String())
		}
	}
	if w.Body.Len() >= maxHeld || strings.HasPrefix(w.Header().Get("Content-Type"), eventStream) {
		return
	}
	err = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: w.Code, Header: w.Header(),
		Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())), Options: input.Options,
	})
	if err != nil {
		s.t.Errorf("%s: the answer %d is not what the document says: %v\nin %s", what, w.Code, err, w.Body)
	}
}

func jsonOrNothing(r *http.Request) bool {
	media := r.Header.Get("Content-Type")
	return media == "application/json" || media == "" && r.Body == http.NoBody
}

func TestTheDocumentAndTheServiceHaveTheSameRoutes(t *testing.T) {
	h, err := theDocument()
	if err != nil {
		t.Fatal(err)
	}
	var documented, served []string
	for path, item := range h.doc.Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, method+" "+path)
		}
	}
	for pattern, m := range (&server{}).routes() {
		for method := range m {
			served = append(served, method+" "+strings.TrimSuffix(pattern, "{$}"))
		}
	}
	slices.Sort(documented)
	slices.Sort(served)
	for _, route := range documented {
		if !slices.Contains(served, route) {
			t.Errorf("the service has no %s", route)
		}
	}
	for _, route := range served {
		if !slices.Contains(documented, route) {
			t.Errorf("the document has no %s", route)
		}
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/openapi.yaml", "/apis/bos/openapi.yaml"} {
		r := s.do("GET", path, nil)
		if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/yaml" || !strings.HasPrefix(r.body, "openapi: 3.") {
			t.Errorf("%s: %d %q", path, r.status, r.header)
		}
	}
}

func TestTheDocumentNamesEveryCauseEffectAndOption(t *testing.T) {
	h, err := theDocument()
	if err != nil {
		t.Fatal(err)
	}
	schemas := h.doc.Components.Schemas
	enumOf := func(schema string) []string {
		var names []string
		for _, v := range schemas[schema].Value.Enum {
			names = append(names, fmt.Sprint(v))
		}
		slices.Sort(names)
		return names
	}
	var reasons []string
	for _, r := range bos.WaitReasons() {
		reasons = append(reasons, string(r))
	}
	slices.Sort(reasons)
	var causes, effects []string
	for _, c := range bos.Causes() {
		causes = append(causes, string(c))
	}
	for _, e := range bos.NodeEffects() {
		effects = append(effects, string(e))
	}
	slices.Sort(causes)
	slices.Sort(effects)
	if got := enumOf("WaitReason"); !slices.Equal(got, reasons) {
		t.Errorf("reasons to wait %v, want %v", got, reasons)
	}
	if got := enumOf("Cause"); !slices.Equal(got, causes) {
		t.Errorf("causes %v, want %v", got, causes)
	}
	if got := enumOf("NodeEffect"); !slices.Equal(got, effects) {
		t.Errorf("effects %v, want %v", got, effects)
	}
}

// exchange is a request whose answer is known; the path of the document is found
// by the request.
type exchange struct {
	method, path string
	body         any
	status       int
	headers      []string
}

// exchanges are at least one for each operation and status of the document, but
// for those that everyStatus makes for all operations alike. They run in order,
// on one site that prepared has made.
func exchanges() []exchange {
	tenant := []string{tenantHeader, strings.Repeat("t", 128)}
	patch := object{"error": "e"}
	listed := []object{{"id": "x1c0s1b0n0", "error": "e"}}
	var list []exchange
	add := func(method, path string, body any, status int, headers ...string) {
		list = append(list, exchange{method, path, body, status, headers})
	}
	for _, path := range []string{"/", "/v2", "/v2/version", "/openapi.yaml", "/openapi.json", "/v2/healthz", "/livez", "/readyz", "/metrics", "/v2/options", "/v2/sessiontemplatetemplate", "/x/v1/capabilities"} {
		add("GET", path, nil, 200)
	}
	add("PATCH", "/v2/options", object{"polling_frequency": 7, "of_another_version": []int{1}}, 200)
	add("PATCH", "/v2/options", object{}, 400)
	add("PATCH", "/v2/options", object{"polling_frequency": 7}, 403, tenantHeader, "red")

	add("GET", "/v2/sessiontemplates", nil, 200)
	add("GET", "/v2/sessiontemplates", nil, 400, tenant...)
	add("PUT", "/v2/sessiontemplates/new", with(template(), "cfs", object{"configuration": "c"}), 200)
	add("PUT", "/v2/sessiontemplates/new", object{}, 400)
	add("PATCH", "/v2/sessiontemplates/new", object{"description": "d"}, 200)
	add("PATCH", "/v2/sessiontemplates/new", object{"description": ""}, 400)
	add("PATCH", "/v2/sessiontemplates/none", object{}, 404)
	for _, path := range []string{"/v2/sessiontemplates/", "/v2/sessiontemplatesvalid/", "/v2/sessions/"} {
		add("GET", path+"-", nil, 400)
		add("GET", path+"none", nil, 404)
	}
	add("GET", "/v2/sessiontemplates/new", nil, 200)
	add("GET", "/v2/sessiontemplatesvalid/new", nil, 200)
	add("DELETE", "/v2/sessiontemplates/new", nil, 204)
	add("DELETE", "/v2/sessiontemplates/new", nil, 404)
	add("DELETE", "/v2/sessiontemplates/-", nil, 400)

	add("POST", "/v2/sessions", with(boot("s1"), "limit", "x1c0s[1-2]b0n0"), 201)
	add("POST", "/v2/sessions", boot("s1"), 409)
	add("POST", "/v2/sessions", boot("-"), 400)
	add("POST", "/x/v1/sessions", with(boot("s2"), "reason", "r"), 201)
	add("POST", "/x/v1/sessions", with(boot("s5"), "receipt", "r1"), 201)
	add("POST", "/x/v1/sessions", with(boot("s6"), "receipt", "r1"), 200)
	add("POST", "/x/v1/sessions", with(boot("s3"), "guards", object{"max_nodes": 0}), 409)
	add("POST", "/x/v1/sessions", with(boot("s3"), "pin", "p"), 409)
	add("POST", "/x/v1/sessions", boot("-"), 400)
	add("POST", "/x/v1/sessions", object{"retry_of": "none"}, 404)
	add("GET", "/x/v1/sessions/run/status", nil, 200)
	list = append(list, v1Exchanges(tenant)...)
	add("GET", "/x/v1/sessions/-/status", nil, 400)
	add("GET", "/x/v1/sessions/none/status", nil, 404)
	add("GET", "/v2/sessions?status=pending&min_age=0&max_age=1d", nil, 200)
	add("GET", "/v2/sessions?min_age=1", nil, 400)
	add("GET", "/v2/sessions/s1", nil, 200)
	add("PATCH", "/v2/sessions/s1", object{"components": "a", "status": object{"error": nil}}, 200)
	add("PATCH", "/v2/sessions/s1", object{"limit": ""}, 400)
	add("PATCH", "/v2/sessions/none", object{}, 404)
	for _, method := range []string{"GET", "POST"} {
		add(method, "/v2/sessions/s1/status", nil, 200)
		add(method, "/v2/sessions/-/status", nil, 400)
		add(method, "/v2/sessions/none/status", nil, 404)
	}
	add("GET", "/x/v1/sessions/run/components?page_size=1&start_after_id=a", nil, 200)
	add("GET", "/x/v1/sessions/run/components?page_size=0", nil, 400)
	add("GET", "/x/v1/sessions/none/components", nil, 404)
	add("POST", "/x/v1/sessions/s1/cancel", object{"reason": "r"}, 200)
	add("POST", "/x/v1/sessions/s1/cancel", object{"why": "r"}, 400)
	add("POST", "/x/v1/sessions/none/cancel", nil, 404)
	add("DELETE", "/v2/sessions/s1", nil, 204)
	add("DELETE", "/v2/sessions/s1", nil, 404)
	add("DELETE", "/v2/sessions/-", nil, 400)
	add("DELETE", "/v2/sessions?status=complete", nil, 204)
	add("DELETE", "/v2/sessions?status=done", nil, 400)

	add("GET", "/v2/components?ids=x1c0s1b0n0,x&enabled=False&phase=&status=&start_after_id=a&page_size=5", nil, 200)
	add("GET", "/v2/components?page_size=-1", nil, 400)
	add("PUT", "/v2/components", listed, 200)
	add("PUT", "/v2/components", []object{{}}, 400)
	add("PUT", "/v2/components", []object{{"id": "x1c0s2b0n0"}}, 404, tenantHeader, "red")
	add("PATCH", "/v2/components?skip_bad_ids=TRUE", listed, 200)
	add("PATCH", "/v2/components", object{"patch": patch, "filters": object{"ids": "x1c0s1b0n0", "session": nil}}, 200)
	add("PATCH", "/v2/components", object{"patch": patch, "filters": object{"ids": "", "session": "run"}}, 200)
	add("PATCH", "/v2/components", object{}, 400)
	add("PATCH", "/v2/components", []object{{"id": "none", "error": ""}}, 404)
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
		body := any(patch)
		if method == "GET" || method == "DELETE" {
			body = nil
		}
		add(method, "/v2/components/"+strings.Repeat("x", 128), body, 400)
		add(method, "/v2/components/x1c0s2b0n0", body, 404, tenantHeader, "red")
	}
	add("GET", "/v2/components/x1c0s1b0n0", nil, 200)
	add("PATCH", "/v2/components/x1c0s1b0n0", patch, 200)
	add("PATCH", "/v2/components/moving", object{"actual_state": object{"bss_token": "t"}}, 409)
	add("PUT", "/v2/components/x1c0s1b0n0", object{"enabled": false, "retry_policy": 3}, 200)
	add("DELETE", "/v2/components/x1c0s1b0n0", nil, 204)
	add("POST", "/v2/applystaged", object{"xnames": []string{"moving"}}, 200)
	add("POST", "/v2/applystaged", object{"xnames": ""}, 400)
	add("POST", "/x/v1/applystaged", object{"xnames": []string{"waits"}, "guards": object{"max_nodes": 0}}, 409)
	add("POST", "/x/v1/applystaged", object{"xnames": []string{"waits"}, "session": "another", "guards": object{"max_nodes": 1}}, 200)
	add("POST", "/x/v1/applystaged", object{"session": "-"}, 400)
	add("POST", "/x/v1/applystaged", object{"xnames": []string{"waits"}, "receipt": "gone"}, 409)
	add("POST", "/x/v1/applystaged/receipts", object{"run_key": "k", "walk": "w", "reuse": true, "receipt": "r"}, 200)
	add("POST", "/x/v1/applystaged/receipts", object{}, 400)
	add("POST", "/x/v1/applystaged/receipts", object{"run_key": "k", "guards": object{"protected_roles": []string{"Mgmt"}}}, 409)

	add("POST", "/x/v1/previews", with(ask(), "limit", nil), 200)
	add("POST", "/x/v1/previews", with(object{"operation": "reboot"}, "template", with(template(), "name", "n")), 200)
	add("POST", "/x/v1/previews", object{}, 400)
	add("GET", "/x/v1/previews/PIN/nodes?page_size=2", nil, 200)
	add("GET", "/x/v1/previews/PIN/nodes?page_size=no", nil, 400)
	add("GET", "/x/v1/previews/none/nodes", nil, 404)
	why := object{"reason": "r"}
	for _, path := range []string{"/x/v1/pause", "/x/v1/resume"} {
		add("POST", path, why, 200)
		add("POST", path, object{"why": "r"}, 400)
		add("POST", path, nil, 403, tenantHeader, "red")
	}
	add("GET", "/x/v1/pause", nil, 200)
	add("GET", "/x/v1/sessions/run/pause", nil, 200)
	add("GET", "/x/v1/sessions/-/pause", nil, 400)
	add("GET", "/x/v1/sessions/none/pause", nil, 404)
	add("POST", "/x/v1/sessions/s1/cancel", nil, 404)
	add("POST", "/x/v1/sessions/run/pause", why, 200)
	add("DELETE", "/v2/sessions/run", nil, 409)
	add("DELETE", "/v2/sessions?status=running", nil, 409)
	add("PATCH", "/v2/sessions/run", object{"status": object{"status": "complete"}}, 409)
	add("GET", "/x/v1/sessions/rolled/rollout", nil, 200)
	add("GET", "/x/v1/sessions/-/rollout", nil, 400)
	add("GET", "/x/v1/sessions/run/rollout", nil, 404)
	for _, verb := range []string{"promote", "fail"} {
		add("POST", "/x/v1/sessions/rolled/"+verb, why, 200)
		add("POST", "/x/v1/sessions/rolled/"+verb, object{"why": "r"}, 400)
		add("POST", "/x/v1/sessions/none/"+verb, why, 404)
		add("POST", "/x/v1/sessions/run/"+verb, why, 409)
	}
	for _, verb := range []string{"pause", "resume"} {
		add("POST", "/x/v1/sessions/run/"+verb, why, 200)
		add("POST", "/x/v1/sessions/run/"+verb, object{"why": "r"}, 400)
		add("POST", "/x/v1/sessions/none/"+verb, why, 404)
	}
	add("POST", "/v2/sessions", boot("over"), 201)
	add("POST", "/x/v1/sessions/over/cancel", nil, 200)
	add("POST", "/x/v1/sessions/over/pause", why, 409)
	add("PUT", "/x/v1/components/moving/hold", why, 200)
	add("PUT", "/x/v1/components/moving/hold", object{}, 400)
	add("PUT", "/x/v1/components/none/hold", why, 404)
	add("POST", "/x/v1/components/moving/booted", object{"by": "a script of the site"}, 200)
	add("POST", "/x/v1/components/moving/booted", object{}, 400)
	add("POST", "/x/v1/components/none/booted", object{"by": "a script of the site"}, 404)
	add("POST", "/x/v1/components/moving/booted", object{"by": "phone_home"}, 409)
	add("DELETE", "/x/v1/components/moving/hold", nil, 204)
	add("DELETE", "/x/v1/components/"+strings.Repeat("x", 128)+"/hold", nil, 400)
	add("DELETE", "/x/v1/components/none/hold", nil, 404)
	add("POST", "/x/v1/reboot", object{"nodes": []string{"moving"}, "reason": "r"}, 200)
	add("POST", "/x/v1/reboot", object{"nodes": []string{}}, 400)
	add("POST", "/x/v1/holds", object{"ids": []string{"moving"}, "reason": "r"}, 200)
	add("POST", "/x/v1/holds", object{"ids": []string{}, "reason": "r"}, 400)
	add("POST", "/x/v1/holds", object{"ids": []string{"none"}, "reason": "r"}, 404)
	add("GET", "/x/v1/holds", nil, 200)
	add("GET", "/x/v1/holds", nil, 400, tenant...)
	add("POST", "/x/v1/holds/release", object{"ids": []string{"moving"}}, 204)
	add("POST", "/x/v1/holds/release", object{"ids": []string{}}, 400)
	add("POST", "/x/v1/holds/release", object{"ids": []string{"none"}}, 404)
	add("GET", "/x/v1/nodes?limit=Compute,!x1c0s3b0n0&role=Compute&group=blue&enabled=true&page_size=1&start_after_id=a&addresses=true", nil, 200)
	add("GET", "/x/v1/nodes?limit=all,!none", nil, 400)
	add("GET", "/x/v1/images?path=s3://boot-images/one/manifest.json", nil, 200)
	add("GET", "/x/v1/images?path=s3://boot-images/none/manifest.json", nil, 400)
	add("GET", "/x/v1/events?after=1&session=s1&component=a&limit=5", nil, 200)
	add("GET", "/x/v1/events?limit=0", nil, 400)
	add("GET", "/x/v1/audit?since=2026-01-01T00:00:00Z&until=2026-09-01T00:00:00Z&after=0", nil, 200)
	add("GET", "/x/v1/audit?since=yesterday", nil, 400)
	add("GET", "/x/v1/components/broken/why", nil, 200)
	add("GET", "/x/v1/components/nothing/why", nil, 404)
	add("GET", "/x/v1/components/"+strings.Repeat("x", 300)+"/why", nil, 400)
	add("GET", "/x/v1/stream", nil, 200)
	add("GET", "/x/v1/stream?session=run", nil, 200)
	add("GET", "/x/v1/stream?nodes=maybe", nil, 400)
	add("GET", "/x/v1/stream?session=nothing", nil, 404)
	return list
}

// metricsOf answers scrapes with a text.
type metricsOf string

func (m metricsOf) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(m)) // the recorder takes it
}

// prepared has a template, a session that runs, a node of it that failed, and a
// node that BOS is moving. It returns the pin of a preview.
func prepared(t *testing.T, seen map[exchanged]bool) (s *site, pin string) {
	t.Helper()
	s = newSite(t, func(c *Config) { c.Metrics = metricsOf("bos_up 1\n") })
	s.seen = seen
	s.putTemplate("t1", template())
	s.do("POST", "/v2/sessions", boot("run")).ok(http.StatusCreated, nil)
	s.do("POST", "/x/v1/sessions", with(boot("rolled"), "rollout", object{"canary": 1})).ok(http.StatusCreated, nil)
	s.setSession("rolled", func(r *bos.SessionRecord) {
		r.Status.Status = bos.SessionRunning
		r.Rollout.Phase, r.Rollout.Held = bos.RolloutRunning, bos.HoldPromotion
	})
	s.setSession("run", func(r *bos.SessionRecord) { r.Status.Status = bos.SessionRunning })
	s.do("POST", "/v2/sessions", boot("v1")).ok(http.StatusCreated, nil)
	s.setSession("v1", func(r *bos.SessionRecord) {
		r.Status.Status = bos.SessionRunning
		r.Excluded = []bos.Exclusion{{BootSet: "compute", Reason: "locked in the inventory", Count: 1, Nodes: "x1c0s4b0n0"}}
	})
	s.record("broken", func(r *bos.Record) {
		r.Session, r.Error, r.Status.StatusOverride, r.Work.Cause = "run", "no answer", bos.StatusFailed, bos.CauseBootTimeout
	})
	s.record("x1c0s1b0n0", nil)
	s.stage("waits", "run")
	s.record("moving", func(r *bos.Record) {
		r.Enabled, r.Status.Phase, r.LastAction.Action = true, bos.PhasePoweringOff, bos.ActionSessionSetup
	})
	return s, s.preview(ask()).Pin
}

func TestEveryRouteMethodAndStatusOfTheDocumentIsAnswered(t *testing.T) {
	seen := make(map[exchanged]bool)
	s, pin := prepared(t, seen)
	for _, x := range exchanges() {
		x.path = strings.Replace(x.path, "PIN", pin, 1)
		if r := s.do(x.method, x.path, x.body, x.headers...); r.status != x.status {
			t.Errorf("%s %s answers %d, want %d: %s", x.method, x.path, r.status, x.status, r.body)
		}
	}
	tag := s.do("GET", "/x/v1/stream", nil).header.Get("ETag")
	s.do("GET", "/x/v1/stream", nil, "If-None-Match", tag).ok(http.StatusNotModified, nil)
	everyStatus(t, seen, pin)
	unwell := newSite(t, func(c *Config) {
		c.Health = func() health.Facts { return health.Facts{Runs: true, Drives: true, Pass: 2 * health.MaxPass} }
	})
	unwell.seen = seen
	if r := unwell.do("GET", "/metrics", nil); r.status != http.StatusNotFound {
		t.Errorf("the metrics of a service that counts nothing are answered with %d", r.status)
	}
	for _, path := range []string{"/livez", "/readyz"} { // their 503 is a report, and no problem
		if r := unwell.do("GET", path, nil); r.status != http.StatusServiceUnavailable {
			t.Errorf("%s of a service that is stuck answers %d", path, r.status)
		}
	}
	s.refuseEverybody()

	h, err := theDocument()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range h.doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status := range op.Responses.Map() {
				var code int
				if _, err := fmt.Sscan(status, &code); err == nil && !seen[exchanged{method, path, code}] {
					t.Errorf("no exchange has %s %s answer %s", method, path, status)
				}
			}
		}
	}
}

// everyStatus has the operations answer what they all answer alike: 413 and 415
// for their bodies, 503 when the database cannot be used.
func everyStatus(t *testing.T, seen map[exchanged]bool, pin string) {
	t.Helper()
	s, _ := prepared(t, seen)
	broken := newSite(t, func(c *Config) { c.Store = outOfOrder{} })
	broken.seen, broken.imgErr = seen, errOutage
	h, err := theDocument()
	if err != nil {
		t.Fatal(err)
	}
	done := make(map[exchanged]bool)
	for _, x := range exchanges() {
		r := httptest.NewRequestWithContext(t.Context(), x.method, x.path, http.NoBody)
		route, _ := h.route(r)
		if route == nil {
			t.Fatalf("%s %s is not in the document", x.method, x.path)
		}
		key := exchanged{method: x.method, path: route.Path}
		if x.status >= 300 || done[key] {
			continue
		}
		done[key] = true
		path := strings.Replace(x.path, "PIN", pin, 1)
		if route.Operation.Responses.Status(http.StatusServiceUnavailable) != nil && x.path != "/livez" && x.path != "/readyz" {
			broken.do(x.method, path, x.body, x.headers...).refused(http.StatusServiceUnavailable, titleUnavailable)
		}
		if route.Operation.RequestBody == nil {
			continue
		}
		s.do(x.method, path, `text`, "Content-Type", "text/plain").refused(http.StatusUnsupportedMediaType, "", "application/json")
		s.do(x.method, path, &endless{left: maxBulkBody + 1}).refused(http.StatusRequestEntityTooLarge, "", "bytes")
	}
}

// endless is white space.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range n {
		p[i] = ' '
	}
	e.left -= n
	return n, nil
}

// outOfOrder is a store whose database is gone.
type outOfOrder struct{ Store }

func (outOfOrder) SitePause(context.Context) (bos.SitePause, error) {
	return bos.SitePause{}, errOutage
}

func (outOfOrder) MutateSitePause(context.Context, func(*bos.Brake) error, ...bos.Event) (bos.SitePause, error) {
	return bos.SitePause{}, errOutage
}

func (outOfOrder) Templates(context.Context, bos.TenantScope) ([]bos.SessionTemplate, error) {
	return nil, errOutage
}

func (outOfOrder) Template(context.Context, string, string) (bos.SessionTemplate, error) {
	return bos.SessionTemplate{}, errOutage
}

func (outOfOrder) MutateTemplate(context.Context, string, string, func(*bos.SessionTemplate, bool) error, ...bos.Event) (bos.SessionTemplate, error) {
	return bos.SessionTemplate{}, errOutage
}

func (outOfOrder) DeleteTemplate(context.Context, string, string, ...bos.Event) error {
	return errOutage
}

func (outOfOrder) Session(context.Context, bos.SessionKey) (bos.SessionRecord, error) {
	return bos.SessionRecord{}, errOutage
}

func (outOfOrder) Sessions(context.Context, bos.SessionFilter, time.Time) ([]bos.SessionRecord, error) {
	return nil, errOutage
}

func (outOfOrder) MutateSession(context.Context, bos.SessionKey, func(*bos.SessionRecord) error, ...bos.Event) (bos.SessionRecord, error) {
	return bos.SessionRecord{}, errOutage
}

func (outOfOrder) MutateOwned(context.Context, bos.SessionKey, func(*bos.SessionRecord, []bos.Record, bos.Tally) error, ...bos.Event) (bos.SessionRecord, []bos.Record, error) {
	return bos.SessionRecord{}, nil, errOutage
}

func (outOfOrder) DeleteSession(context.Context, bos.SessionKey, ...bos.Event) error {
	return errOutage
}

func (outOfOrder) Components(context.Context, bos.ComponentFilter) ([]bos.Record, error) {
	return nil, errOutage
}

func (outOfOrder) ComponentIDs(context.Context, bos.ComponentFilter) ([]string, error) {
	return nil, errOutage
}

func (outOfOrder) ComponentDocuments(context.Context, bos.ComponentFilter, func([]byte) error) error {
	return errOutage
}

func (outOfOrder) MutateReported(context.Context, []string, []string, func(*bos.Record, bool, map[string]bos.BootArtifacts) error, ...bos.Event) ([]bos.Record, error) {
	return nil, errOutage
}

func (outOfOrder) MutateComponents(context.Context, []string, func(*bos.Record, bool) error, ...bos.Event) ([]bos.Record, error) {
	return nil, errOutage
}

func (outOfOrder) DeleteComponent(context.Context, string, ...bos.Event) error { return errOutage }

func (outOfOrder) Options(context.Context) (bos.Options, error) { return bos.Options{}, errOutage }

func (outOfOrder) MutateOptions(context.Context, func(*bos.Options) error, ...bos.Event) (bos.Options, error) {
	return bos.Options{}, errOutage
}

func (outOfOrder) ReceiptByPin(context.Context, bos.TenantScope, string) (bos.Receipt, error) {
	return bos.Receipt{}, errOutage
}

func (outOfOrder) Replaced(context.Context, string, string, string, time.Time) ([]string, error) {
	return nil, errOutage
}

func (outOfOrder) StagedReceipt(context.Context, string, string, time.Time) (bos.StagedRun, error) {
	return bos.StagedRun{}, errOutage
}

func (outOfOrder) NewestStagedReceipt(context.Context, string, string, bool, time.Time) (bos.StagedRun, error) {
	return bos.StagedRun{}, errOutage
}

func (outOfOrder) LastEvent(context.Context) (int64, error) { return 0, errOutage }

func (outOfOrder) Ping(context.Context) error { return errOutage }

func (outOfOrder) Changes(context.Context, int64) (bos.Changes, error) {
	return bos.Changes{}, errOutage
}
