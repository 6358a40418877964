package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// fakeBOS is a BOS in memory: the v2 calls and extensions that the provider
// makes, over nodes that boot the moment a session is accepted unless a test
// holds them. It knows faults and counts requests; it is no model of how BOS
// works inside.
type fakeBOS struct {
	server *httptest.Server

	mu         sync.Mutex
	plain      bool
	public     string // the address under which people reach it
	held       bool
	nodes      map[string]*bos.Component
	disabled   map[string]bool
	groups     map[string][]string
	broken     map[string]bos.Cause
	templates  map[bos.SessionKey]bos.SessionTemplate
	sessions   map[bos.SessionKey]*bos.Session
	receipts   map[string]bos.Preview
	kept       map[*bos.Session]bos.ExtendedStatus
	options    map[string]any
	sick       bool
	requests   []string
	afterWrite func(method, path string) (hangUp bool)
	beforeAll  func(method, path string) (hangUp bool)
	gateway    func(method, path string) (status int)
	mislaid    int
	// applied is how often staged state was applied, keepsStaged that it stays
	// staged then, as without the option clear_stage.
	applied     int
	keepsStaged bool
	watch       chan string
}

// startFake runs a BOS with the given nodes until the test ends.
func startFake(cleanup func(func()), nodes ...string) *fakeBOS {
	s := &fakeBOS{
		nodes: make(map[string]*bos.Component), disabled: make(map[string]bool), broken: make(map[string]bos.Cause),
		templates: make(map[bos.SessionKey]bos.SessionTemplate), sessions: make(map[bos.SessionKey]*bos.Session), receipts: make(map[string]bos.Preview),
		kept:    make(map[*bos.Session]bos.ExtendedStatus),
		groups:  map[string][]string{"rack-a": nodes},
		options: defaultOptions(),
	}
	for _, id := range nodes {
		s.nodes[id] = &bos.Component{ID: id}
	}
	s.server = httptest.NewServer(s.handler())
	cleanup(s.server.Close)
	return s
}

// URL is the endpoint.
func (s *fakeBOS) URL() string { return s.server.URL }

// Plain makes it a v2 server without extensions.
func (s *fakeBOS) Plain() { s.locked(func() { s.plain = true }) }

// Hold keeps sessions running until Release.
func (s *fakeBOS) Hold() { s.locked(func() { s.held = true }) }

// Release lets all sessions complete.
func (s *fakeBOS) Release() {
	s.locked(func() {
		s.held = false
		for _, session := range s.sessions {
			if session.Status.Status != bos.SessionComplete {
				s.finish(session)
			}
		}
	})
}

// Break makes a node fail every session from now on.
func (s *fakeBOS) Break(xname string) {
	s.locked(func() { s.broken[xname] = bos.CauseBMCUnreachable })
}

// Mend undoes Break.
func (s *fakeBOS) Mend(xname string) { s.locked(func() { delete(s.broken, xname) }) }

// Disable disables a node in the inventory.
func (s *fakeBOS) Disable(xname string) { s.locked(func() { s.disabled[xname] = true }) }

// Component returns a copy of a component's record.
func (s *fakeBOS) Component(xname string) (c bos.Component) {
	s.locked(func() { c = *s.nodes[xname] })
	return c
}

// Change changes a component's record behind everyone's back.
func (s *fakeBOS) Change(xname string, change func(*bos.Component)) {
	s.locked(func() { change(s.nodes[xname]) })
}

// Sessions lists the names of all sessions.
func (s *fakeBOS) Sessions() (names []string) {
	s.locked(func() {
		for key := range s.sessions {
			names = append(names, key.Name)
		}
	})
	slices.Sort(names)
	return names
}

// Requests counts the requests of a method, or of any, whose path ends so.
func (s *fakeBOS) Requests(method, pathEnd string) (n int) {
	s.locked(func() {
		for _, request := range s.requests {
			m, p, _ := strings.Cut(request, " ")
			if (method == "" || m == method) && strings.HasSuffix(p, pathEnd) {
				n++
			}
		}
	})
	return n
}

// HangUp makes the server carry out the writes for which f says so, and then
// close the connection instead of answering.
func (s *fakeBOS) HangUp(f func(method, path string) bool) { s.locked(func() { s.afterWrite = f }) }

// Lose closes the connections of the requests for which f says so, before the
// server got to do anything.
func (s *fakeBOS) Lose(f func(method, path string) bool) { s.locked(func() { s.beforeAll = f }) }

// Gateway has a gateway in front of the server answer with a page of its own
// where f gives a status other than 0; the server hears nothing of these.
func (s *fakeBOS) Gateway(f func(method, path string) (status int)) {
	s.locked(func() { s.gateway = f })
}

// Mislay makes the server know of no session for so many questions.
func (s *fakeBOS) Mislay(questions int) { s.locked(func() { s.mislaid = questions }) }

// Watch returns a channel that gets "METHOD path" when a request is answered.
func (s *fakeBOS) Watch() <-chan string {
	c := make(chan string, 4096)
	s.locked(func() { s.watch = c })
	return c
}

func (s *fakeBOS) locked(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// refusal is a problem+json answer.
type refusal struct {
	status        int
	title, detail string
}

func (s *fakeBOS) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(*http.Request) (int, any){
		"GET /v2/sessiontemplates/{name}":      s.getTemplate,
		"PUT /v2/sessiontemplates/{name}":      s.putTemplate,
		"DELETE /v2/sessiontemplates/{name}":   s.deleteTemplate,
		"POST /v2/sessions":                    s.postSession,
		"GET /v2/sessions":                     s.listSessions,
		"GET /v2/sessions/{name}":              s.getSession,
		"GET /v2/sessions/{name}/status":       s.sessionStatus,
		"DELETE /v2/sessions/{name}":           s.deleteSession,
		"GET /v2/sessiontemplates":             s.listTemplates,
		"GET /v2/sessiontemplatesvalid/{name}": s.validity,
		"POST /v2/applystaged":                 s.applyStaged,
		"GET /v2/options":                      s.getOptions,
		"PATCH /v2/options":                    s.patchOptions,
		"GET /v2/version":                      s.version,
		"GET /v2/healthz":                      s.health,
		"GET /v2/components":                   s.listComponents,
		"GET /v2/components/{id}":              s.getComponent,
		"PATCH /v2/components/{id}":            s.patchComponent,
		"GET /x/v1/capabilities":               s.extension(s.capabilities),
		"POST /x/v1/previews":                  s.extension(s.postPreview),
		"POST /x/v1/sessions":                  s.extension(s.postSession),
		"GET /x/v1/sessions/{name}/components": s.extension(s.outcomes),
		"POST /x/v1/sessions/{name}/cancel":    s.extension(s.cancel),
	} {
		mux.HandleFunc(pattern, s.answer(handle))
	}
	return mux
}

func (s *fakeBOS) extension(handle func(*http.Request) (int, any)) func(*http.Request) (int, any) {
	return func(r *http.Request) (int, any) {
		if s.plain {
			return http.StatusNotFound, refusal{http.StatusNotFound, "The resource was not found", "nothing here"}
		}
		return handle(r)
	}
}

func (s *fakeBOS) answer(handle func(*http.Request) (int, any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		if s.beforeAll != nil && s.beforeAll(r.Method, r.URL.Path) {
			s.mu.Unlock()
			panic(http.ErrAbortHandler)
		}
		if s.gateway != nil {
			if status := s.gateway(r.Method, r.URL.Path); status != 0 {
				watch := s.watch
				s.mu.Unlock()
				if watch != nil {
					watch <- r.Method + " " + r.URL.Path
				}
				http.Error(w, "<html>no route to the service</html>", status)
				return
			}
		}
		status, body := handle(r)
		hangUp := s.afterWrite != nil && s.afterWrite(r.Method, r.URL.Path)
		watch := s.watch
		var encoded []byte
		if body != nil {
			encoded = encode(body)
		}
		s.mu.Unlock()
		if watch != nil {
			watch <- r.Method + " " + r.URL.Path
		}
		if hangUp {
			panic(http.ErrAbortHandler)
		}
		media := "application/json"
		if _, refused := body.(refusal); refused {
			media = "application/problem+json"
		}
		w.Header().Set("Content-Type", media)
		w.WriteHeader(status)
		_, _ = w.Write(encoded)
	}
}

func encode(body any) []byte {
	if r, ok := body.(refusal); ok {
		body = map[string]any{"type": "about:blank", "status": r.status, "title": r.title, "detail": r.detail}
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Appendf(nil, "%q", err)
	}
	return encoded
}

func missing(format string, args ...any) (int, any) {
	return http.StatusNotFound, refusal{http.StatusNotFound, "The resource was not found", fmt.Sprintf(format, args...)}
}

func bad(format string, args ...any) (int, any) {
	return http.StatusBadRequest, refusal{http.StatusBadRequest, "Bad Request", fmt.Sprintf(format, args...)}
}

func key(r *http.Request) bos.SessionKey {
	return bos.SessionKey{Tenant: r.Header.Get("Cray-Tenant-Name"), Name: r.PathValue("name")}
}

func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func (s *fakeBOS) getTemplate(r *http.Request) (int, any) {
	t, ok := s.templates[key(r)]
	if !ok {
		return missing("Session template '%s' does not exist", key(r).Name)
	}
	return http.StatusOK, t
}

func (s *fakeBOS) putTemplate(r *http.Request) (int, any) {
	var t bos.SessionTemplate
	if err := decode(r, &t); err != nil {
		return bad("%s", err)
	}
	if t.Name != "" || t.Tenant != nil {
		return bad("name and tenant are read-only")
	}
	t.Name, t.Tenant = key(r).Name, bos.TenantRef(key(r).Tenant)
	if err := bos.ValidateTemplate(t, bos.DefaultOptions()); err != nil {
		return bad("%s", err)
	}
	bos.SanitizeTemplate(&t)
	s.templates[key(r)] = t
	return http.StatusOK, t
}

func (s *fakeBOS) deleteTemplate(r *http.Request) (int, any) {
	if _, ok := s.templates[key(r)]; !ok {
		return missing("Session template '%s' does not exist", key(r).Name)
	}
	delete(s.templates, key(r))
	return http.StatusNoContent, nil
}

func (s *fakeBOS) capabilities(*http.Request) (int, any) {
	return http.StatusOK, bos.Capabilities{Service: "fake", PublicURL: s.public, Extensions: []string{
		bos.ExtensionPreviews, bos.ExtensionPinnedSessions, bos.ExtensionOutcomes, bos.ExtensionFoldedLimits, bos.ExtensionCancel,
	}}
}

func (s *fakeBOS) listComponents(r *http.Request) (int, any) {
	q := r.URL.Query()
	list := []bos.Component{}
	for _, id := range slices.Sorted(maps.Keys(s.nodes)) {
		c := s.nodes[id].View()
		if (q.Get("session") == "" || q.Get("session") == c.Session) && (q.Get("status") == "" || slices.Contains(strings.Split(q.Get("status"), ","), c.Status.Status)) {
			list = append(list, c)
		}
	}
	return http.StatusOK, list
}

func (s *fakeBOS) getComponent(r *http.Request) (int, any) {
	c, ok := s.nodes[r.PathValue("id")]
	if !ok {
		return missing("Component '%s' does not exist", r.PathValue("id"))
	}
	return http.StatusOK, c.View()
}

func (s *fakeBOS) patchComponent(r *http.Request) (int, any) {
	c, ok := s.nodes[r.PathValue("id")]
	if !ok {
		return missing("Component '%s' does not exist", r.PathValue("id"))
	}
	var patch bos.ComponentPatch
	if err := decode(r, &patch); err != nil {
		return bad("%s", err)
	}
	if err := patch.Validate(); err != nil {
		return bad("%s", err)
	}
	record := bos.Record{Component: *c}
	patch.Apply(&record, nil, time.Now())
	*c = record.Component
	return http.StatusOK, c.View()
}
