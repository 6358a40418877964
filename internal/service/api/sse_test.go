package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// reader is a client that follows the events.
type reader struct {
	t    *testing.T
	resp *http.Response
	text *bufio.Scanner
	stop context.CancelFunc
}

func (s *site) serve() *httptest.Server {
	server := httptest.NewServer(s.handler)
	s.t.Cleanup(server.Close)
	return server
}

func follow(t *testing.T, server *httptest.Server, query string, headers ...string) *reader {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/x/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html;q=0.1, text/event-stream")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return &reader{t, resp, bufio.NewScanner(resp.Body), stop}
}

// next reads one event; ok is false at the end of the stream.
func (r *reader) next() (e bos.Event, ok bool) {
	r.t.Helper()
	var id string
	for r.text.Scan() {
		name, value, _ := strings.Cut(r.text.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				r.t.Fatal(err)
			}
		case "":
			if id != fmt.Sprint(e.ID) || e.ID == 0 {
				continue // a comment
			}
			return e, true
		}
	}
	return e, false
}

func (r *reader) wants(kinds ...string) {
	r.t.Helper()
	for _, want := range kinds {
		if e, ok := r.next(); !ok || e.Kind != want {
			r.t.Fatalf("read %+v (%t), want %s", e, ok, want)
		}
	}
}

func kind(k string) bos.Commit { return bos.Commit{Events: []bos.Event{{Kind: k}}} }

func TestAStreamSendsWhatThereIsAndThenWhatComes(t *testing.T) {
	s := newSite(t)
	server := s.serve()
	s.commit(kind("a"))
	s.commit(kind("b"))
	r := follow(t, server, "")
	if got := r.resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	r.wants("a", "b")
	s.commit(kind("c"))
	r.wants("c")
	follow(t, server, "?after=1").wants("b", "c")
	follow(t, server, "?after=1", "Last-Event-ID", "2").wants("c")
	s.commit(bos.Commit{Events: []bos.Event{{Kind: "d", Session: "s1"}, {Kind: "e", Session: "s2", Component: "x"}}})
	follow(t, server, "?session=s2&component=x").wants("e")
	s.do("GET", "/x/v1/events", nil, "Accept", "text/event-stream", "Last-Event-ID", "x").refused(http.StatusBadRequest, "", "Last-Event-ID", `"x"`)
	s.do("HEAD", "/x/v1/events", nil, "Accept", "text/event-stream").ok(http.StatusOK, nil)
}

func TestAStreamReadsMoreThanOnePage(t *testing.T) {
	s := newSite(t)
	var c bos.Commit
	for i := range 2*streamPage + 7 {
		c.Events = append(c.Events, bos.Event{Kind: fmt.Sprint(i)})
	}
	s.commit(c)
	r := follow(t, s.serve(), "")
	for i := range c.Events {
		r.wants(fmt.Sprint(i))
	}
}

func TestATenantFollowsItsOwnEvents(t *testing.T) {
	s := newSite(t)
	r := follow(t, s.serve(), "", tenantHeader, "red")
	s.commit(bos.Commit{Events: []bos.Event{{Kind: "hidden", Component: "x1c0s2b0n0"}, {Kind: "node", Component: "x1c0s1b0n0"}}})
	s.commit(bos.Commit{Events: []bos.Event{{Kind: "hidden", Session: "s", Tenant: "blue"}, {Kind: "session", Session: "s", Tenant: "red"}}})
	r.wants("node", "session")
}

// keys are the tokens that are good now.
type keys struct{ sync.Map }

func (k *keys) Bearer(_ *http.Request, token string) (access.Identity, error) {
	if found, ok := k.Load(token); ok {
		return found.(access.Identity), nil
	}
	return access.Identity{}, access.ErrUnknown
}

func TestAStreamEndsBeforeItTellsWhoseTokenWasRevokedOrChanged(t *testing.T) {
	for what, change := range map[string]func(*keys){
		"revoked":      func(k *keys) { k.Delete("t") },
		"another role": func(k *keys) { k.Store("t", access.Identity{Subject: "t", Roles: []access.Role{access.Reporter}}) },
		"another reach": func(k *keys) {
			k.Store("t", access.Identity{Subject: "t", Roles: []access.Role{access.Reader}, Tenants: []string{"red"}})
		},
	} {
		s, k := newSite(t), &keys{}
		k.Store("t", access.Identity{Subject: "t", Roles: []access.Role{access.Reader}})
		s.handler = access.Authenticator{Bearers: []access.Bearers{k}}.Handler(s.api())
		s.commit(kind("a"))
		r := follow(t, s.serve(), "", "Authorization", "Bearer t")
		r.wants("a")
		change(k)
		s.commit(kind("secret"))
		if e, ok := r.next(); ok {
			t.Errorf("%s: it reads %+v", what, e)
		}
	}
}

// moving are tenants whose nodes change.
type moving struct{ nodes atomic.Pointer[[]string] }

func (m *moving) TenantNodes(context.Context, string) ([]string, error) {
	nodes := m.nodes.Load()
	if nodes == nil {
		return nil, bos.ErrNotFound
	}
	return *nodes, nil
}

func TestAStreamOfATenantEndsBeforeItTellsOfANodeThatHasLeft(t *testing.T) {
	for what, change := range map[string]func(*moving){
		"a node goes":       func(m *moving) { m.nodes.Store(&[]string{"x1c0s2b0n0"}) },
		"the tenant goes":   func(m *moving) { m.nodes.Store(nil) },
		"one for the other": func(m *moving) { m.nodes.Store(&[]string{"x1c0s2b0n0", "x1c0s3b0n0"}) },
	} {
		m := &moving{}
		m.nodes.Store(&[]string{"x1c0s1b0n0", "x1c0s2b0n0"})
		s := newSite(t, func(c *Config) { c.Tenants = m })
		s.commit(bos.Commit{Events: []bos.Event{{Kind: "a", Component: "x1c0s1b0n0"}}})
		r := follow(t, s.serve(), "", tenantHeader, "red")
		r.wants("a")
		change(m)
		s.commit(bos.Commit{Events: []bos.Event{{Kind: "secret", Component: "x1c0s1b0n0"}}})
		if e, ok := r.next(); ok {
			t.Errorf("%s: it reads %+v", what, e)
		}
	}
}

func TestAStreamEndsWhenTheServiceStops(t *testing.T) {
	stopping := make(chan struct{})
	s := newSite(t, func(c *Config) { c.Stopping = stopping })
	s.commit(kind("a"))
	r := follow(t, s.serve(), "")
	r.wants("a")
	close(stopping)
	if e, ok := r.next(); ok {
		t.Errorf("read %+v", e)
	}
}

func TestMoreStreamsThanAllowedAreRefusedUntilOneLeaves(t *testing.T) {
	s := newSite(t)
	s.commit(kind("a"))
	server := s.serve()
	var readers []*reader
	for range DefaultStreams * len(s.stores) { // each service has places of its own
		r := follow(t, server, "")
		r.wants("a")
		readers = append(readers, r)
	}
	refused := s.do("GET", "/x/v1/events", nil, "Accept", "text/event-stream")
	refused.refused(http.StatusServiceUnavailable, titleUnavailable, "64 streams")
	if refused.header.Get("Retry-After") == "" {
		t.Error("it is not said when to try again")
	}
	s.history("") // pages are answered all the same
	readers[0].stop()
	for {
		// The place is free when the server has seen the client leave.
		r := follow(t, server, "")
		if r.resp.StatusCode == http.StatusOK {
			r.wants("a")
			return
		}
	}
}

// recorder is a client that takes all that is written, in virtual time.
type recorder struct {
	*httptest.ResponseRecorder
	fail bool
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.fail {
		return 0, errOutage
	}
	return r.ResponseRecorder.Write(b)
}

// quiet is a store on which nothing happens.
type quiet struct {
	bos.Store
	events []bos.Event
	err    error
}

func (q quiet) LastEvent(context.Context) (int64, error) { return int64(len(q.events)), nil }

func (q quiet) NewEvents() <-chan struct{} { return make(chan struct{}) }

func (q quiet) Events(_ context.Context, f bos.EventFilter) ([]bos.Event, error) {
	return q.events[min(int(f.After), len(q.events)):], q.err
}

func stream(t *testing.T, store bos.Store, w http.ResponseWriter) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x/v1/events", nil)
	r.Header.Set("Accept", "text/event-stream")
	access.Open(New(Config{Store: store})).ServeHTTP(w, r)
}

func TestAQuietStreamBeatsAndEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &recorder{ResponseRecorder: httptest.NewRecorder()}
		begin := time.Now()
		stream(t, quiet{events: []bos.Event{{ID: 1, Kind: "k"}}}, w)
		if took := time.Since(begin); took != streamAge {
			t.Errorf("the stream took %s", took)
		}
		beats := strings.Count(w.Body.String(), ": still here\n\n")
		if want := int(streamAge/streamBeat) - 1; beats < want || !strings.HasPrefix(w.Body.String(), "id: 1\ndata: {") {
			t.Errorf("%d beats, want %d; it begins with %.40q", beats, want, w.Body.String())
		}
	})
}

func TestAStreamEndsWhereItCannotGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		stream(t, quiet{events: []bos.Event{{ID: 1}}}, &recorder{ResponseRecorder: httptest.NewRecorder(), fail: true})
		stream(t, quiet{err: errOutage}, &recorder{ResponseRecorder: httptest.NewRecorder()})
		if took := time.Since(begin); took != 0 {
			t.Errorf("a client that is gone and a database that is gone were noticed after %s", took)
		}
	})
}
