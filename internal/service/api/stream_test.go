package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// watcher is a client of the stream.
type watcher struct {
	t     *testing.T
	text  *bufio.Scanner
	resp  *http.Response
	known bos.Watched
	last  string
}

func watching(t *testing.T, s *site, query string, headers ...string) *watcher {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.serve().URL+"/x/v1/stream"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", eventStream)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	w := &watcher{t: t, text: bufio.NewScanner(resp.Body), resp: resp}
	w.text.Buffer(nil, 4<<20)
	return w
}

// next takes in one event and says which it was; empty at the end.
func (w *watcher) next() (event string) {
	w.t.Helper()
	for w.text.Scan() {
		switch name, value, _ := strings.Cut(w.text.Text(), ": "); name {
		case "event":
			event = value
		case "id":
			w.last = value
		case "data":
			if err := w.known.Take(event, []byte(value)); err != nil {
				w.t.Fatal(err)
			}
		case "":
			if event != "" && w.text.Text() == "" {
				return event
			}
		}
	}
	return ""
}

func (w *watcher) wants(event string) {
	w.t.Helper()
	if got := w.next(); got != event {
		w.t.Fatalf("the stream sends %q, want %q", got, event)
	}
}

func TestWhoWatchesGetsASnapshotAndThenWhatChanges(t *testing.T) {
	s := newSite(t)
	s.commit(bos.Commit{Components: []bos.Record{{Component: bos.Component{ID: "x1c0s1b0n0"}}, {Component: bos.Component{ID: "x1c0s2b0n0"}}}})
	w := watching(t, s, "")
	if got := w.resp.Header; got.Get("Content-Type") != eventStream || got.Get("X-Accel-Buffering") != "no" || got.Get("Cache-Control") != "no-store" {
		t.Errorf("the headers are %v", got)
	}
	w.wants(bos.StreamSnapshotEvent)
	if len(w.known.Nodes) != 2 || w.known.Nodes[0].State != bos.StateIdle {
		t.Fatalf("the snapshot has %+v", w.known.Nodes)
	}
	s.do("PATCH", "/v2/components/x1c0s2b0n0", map[string]any{"enabled": true}).ok(http.StatusOK, nil)
	w.wants(bos.StreamDeltaEvent)
	if w.known.Nodes[1].State != bos.StatePending {
		t.Errorf("after the change it is %+v", w.known.Nodes[1])
	}
	again := watching(t, s, "", "Last-Event-ID", w.last)
	again.known = w.known
	if len(s.stores) > 1 { // it is another service that is asked
		again.wants(bos.StreamSnapshotEvent)
	}
	s.do("PATCH", "/v2/components/x1c0s1b0n0", map[string]any{"enabled": true}).ok(http.StatusOK, nil)
	again.wants(bos.StreamDeltaEvent)
	w.wants(bos.StreamDeltaEvent)
	if again.known.Nodes[0] != w.known.Nodes[0] {
		t.Errorf("who came back knows %+v, who stayed %+v", again.known.Nodes[0], w.known.Nodes[0])
	}
}

func TestWithoutAStreamTheSnapshotIsTheAnswer(t *testing.T) {
	s := newSite(t)
	s.commit(bos.Commit{Components: []bos.Record{{Component: bos.Component{ID: "x1c0s1b0n0"}}}})
	var got bos.StreamSnapshot
	s.do("GET", "/x/v1/stream", nil).ok(http.StatusOK, &got)
	if len(got.Nodes.ID) != 1 || len(got.Legend.States) != len(bos.NodeStates()) {
		t.Errorf("it is %+v", got)
	}
	got = bos.StreamSnapshot{}
	s.do("GET", "/x/v1/stream?nodes=no", nil).ok(http.StatusOK, &got)
	if got.Nodes != nil {
		t.Errorf("without nodes it has %+v", got.Nodes)
	}
	held := func(want int) (tag string) {
		t.Helper()
		var got bos.StreamSnapshot
		answer := s.do("GET", "/x/v1/stream", nil)
		answer.ok(http.StatusOK, &got)
		if got.Nodes.Held[0] != want {
			t.Errorf("right after the service acknowledged it, held is %d, want %d", got.Nodes.Held[0], want)
		}
		return answer.header.Get("ETag")
	}
	for range 2 {
		s.do("POST", "/x/v1/holds", object{"ids": []string{"x1c0s1b0n0"}, "reason": "a test"}).ok(http.StatusOK, nil)
		tag := held(1)
		s.do("GET", "/x/v1/stream", nil, "If-None-Match", tag).ok(http.StatusNotModified, nil)
		s.do("GET", "/x/v1/stream?nodes=no", nil, "If-None-Match", tag).ok(http.StatusOK, nil)
		s.do("POST", "/x/v1/holds/release", object{"ids": []string{"x1c0s1b0n0"}}).ok(http.StatusNoContent, nil)
		s.do("GET", "/x/v1/stream", nil, "If-None-Match", tag).ok(http.StatusOK, nil)
		held(0)
	}
	s.do("GET", "/x/v1/stream?nodes=maybe", nil).refused(http.StatusBadRequest, "", "nodes")
	s.do("GET", "/x/v1/stream?session=none", nil).refused(http.StatusNotFound, "", "none")
	s.do("HEAD", "/x/v1/stream", nil, "Accept", eventStream).ok(http.StatusOK, nil)
}

func TestATenantWatchesItsOwnNodesAndSessionsAlone(t *testing.T) {
	s := newSite(t)
	s.commit(bos.Commit{
		Components: []bos.Record{{Component: bos.Component{ID: "x1c0s1b0n0"}}, {Component: bos.Component{ID: "x1c0s2b0n0"}}},
		Sessions:   []bos.SessionRecord{},
	})
	for _, tenant := range []string{"", "red", "empty"} {
		rec := bos.SessionRecord{Session: bos.Session{Name: "s-" + tenant, Tenant: bos.TenantRef(tenant), Operation: bos.OperationBoot, Status: bos.SessionStatus{Status: bos.SessionPending}}}
		if err := s.store.CreateSession(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
	}
	w := watching(t, s, "", tenantHeader, "red")
	w.wants(bos.StreamSnapshotEvent)
	if len(w.known.Nodes) != 1 || w.known.Nodes[0].ID != "x1c0s1b0n0" || len(w.known.Sessions) != 1 {
		t.Fatalf("it sees the nodes %+v and the sessions %+v", w.known.Nodes, w.known.Sessions)
	}
	for _, of := range w.known.Sessions {
		if of.Name != "s-red" {
			t.Errorf("it sees session %s", of.Name)
		}
	}
	s.do("PATCH", "/v2/components/x1c0s2b0n0", map[string]any{"enabled": true}).ok(http.StatusOK, nil)
	s.do("PATCH", "/v2/components/x1c0s1b0n0", map[string]any{"enabled": true}).ok(http.StatusOK, nil)
	w.wants(bos.StreamDeltaEvent)
	if len(w.known.Nodes) != 1 || w.known.Nodes[0].State != bos.StatePending {
		t.Errorf("after a change of each it sees %+v", w.known.Nodes)
	}
}

func TestTheSettingSaysHowManyMayFollowAndHalfOfThemEach(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Streams = 2 })
	k := &keys{}
	for _, name := range []string{"a", "b"} {
		k.Store(name, access.Identity{Subject: name, Proof: access.ProofStatic, Roles: []access.Role{access.Reader}})
	}
	s.handler = access.Authenticator{Bearers: []access.Bearers{k}}.Handler(New(s.config)) // one, as each has places of its own
	watching(t, s, "", "Authorization", "Bearer a").wants(bos.StreamSnapshotEvent)
	s.do("GET", "/x/v1/stream", nil, "Accept", eventStream, "Authorization", "Bearer a").refused(http.StatusServiceUnavailable, titleUnavailable, "1 streams", "streams")
	watching(t, s, "", "Authorization", "Bearer b").wants(bos.StreamSnapshotEvent)
	k.Store("c", access.Identity{Subject: "c", Proof: access.ProofStatic, Roles: []access.Role{access.Reader}})
	s.do("GET", "/x/v1/stream", nil, "Accept", eventStream, "Authorization", "Bearer c").refused(http.StatusServiceUnavailable, titleUnavailable, "2 streams", "setting streams")
	s.do("GET", "/x/v1/stream", nil, "Authorization", "Bearer c").ok(http.StatusOK, nil)
}

// cramped is a service over sockets with little room, so that who does not read is written
// to no more after some kilobytes.
func cramped(t *testing.T, s *site) string {
	t.Helper()
	server := httptest.NewUnstartedServer(s.handler)
	server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetWriteBuffer(4 << 10) // the system may have a least
		}
		return ctx
	}
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.URL
}

func TestWhoDoesNotReadHoldsUpNobodyElseWhoWatches(t *testing.T) {
	s := newSite(t)
	var c bos.Commit
	for i := range 5000 {
		c.Components = append(c.Components, bos.Record{Component: bos.Component{ID: fmt.Sprintf("x%dc%ds%db0n%d", 1000+i/128, i/16%8, i/2%8, i%2)}})
	}
	s.commit(c)
	url := cramped(t, s)
	for range 20 { // they ask, see that it is answered, and read no more
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() }) // the test is over
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		if _, err := fmt.Fprintf(conn, "GET /x/v1/stream HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n\r\n", eventStream); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 64)); err != nil {
			t.Fatal(err)
		}
	}
	w := watching(t, s, "")
	w.wants(bos.StreamSnapshotEvent)
	for _, enabled := range []bool{true, false, true} {
		s.do("PATCH", "/v2/components/x1000c0s0b0n0", map[string]any{"enabled": enabled}).ok(http.StatusOK, nil)
		w.wants(bos.StreamDeltaEvent)
		if got := w.known.Nodes[0].State != bos.StateIdle; got != enabled {
			t.Errorf("in work is %t, and who reads is told %t", enabled, got)
		}
	}
}

// TestTwoThousandWhoWatchAreAllToldTheSame: those for whom there are places by streams, all
// others by asking.
func TestTwoThousandWhoWatchAreAllToldTheSame(t *testing.T) {
	const viewers = 2000
	s := newSite(t)
	s.commit(bos.Commit{Components: []bos.Record{{Component: bos.Component{ID: "x1c0s1b0n0"}}}})
	url := s.serve().URL
	before := runtime.NumGoroutine()
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 0, DisableKeepAlives: true}}
	ctx, leave := context.WithCancel(t.Context())
	var live, asked atomic.Int32
	var told, gone sync.WaitGroup
	first := make(chan struct{}, 100) // of the connections that are made at the same time
	ask := func(accept, tag string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/x/v1/stream", nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Accept", accept)
		r.Header.Set("If-None-Match", tag)
		return client.Do(r)
	}
	for range viewers {
		told.Add(1)
		gone.Go(func() {
			first <- struct{}{}
			resp, err := ask(eventStream, "")
			if err == nil && resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
				_ = resp.Body.Close() // it was refused
				resp, err = ask("application/json", "")
			}
			<-first
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("it is answered with %v, %v", resp, err)
				told.Done()
				return
			}
			defer resp.Body.Close()
			text := bufio.NewReader(resp.Body)
			if resp.Header.Get("Content-Type") != eventStream {
				var snapshot bos.StreamSnapshot
				if err := json.NewDecoder(text).Decode(&snapshot); err != nil || len(snapshot.Nodes.ID) != 1 {
					t.Errorf("it is shown %+v, %v", snapshot, err)
				}
				asked.Add(1)
				told.Done()
				return
			}
			live.Add(1)
			told.Done()
			_, _ = io.Copy(io.Discard, text) // until it leaves
		})
	}
	told.Wait()
	places := int32(DefaultStreams * len(s.stores)) // each service has its own
	if live.Load() != places || asked.Load() != viewers-places {
		t.Errorf("%d follow live and %d ask, of %d", live.Load(), asked.Load(), viewers)
	}
	leave()
	gone.Wait()
	client.CloseIdleConnections()
	for runtime.NumGoroutine() > before+DefaultStreams/2 { // those that were served end
		runtime.Gosched()
	}
}

func TestMetricsAreForWhoMayReadThemAndOthersAreToldWhyNot(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("bos_lease_held 1\n")) })
	})
	k := &keys{}
	for name, of := range map[string]access.Identity{
		"scraper": {Roles: []access.Role{access.Scraper}}, "reader": {Roles: []access.Role{access.Reader}}, "operator": {Roles: []access.Role{access.Operator}},
		"reporter": {Roles: []access.Role{access.Reporter}}, "wlm": {Roles: []access.Role{access.WLM}}, "of-a-tenant": {Roles: []access.Role{access.Scraper}, Tenants: []string{"red"}},
	} {
		of.Subject, of.Proof = name, access.ProofStatic
		k.Store(name, of)
	}
	s.handler = access.Authenticator{Bearers: []access.Bearers{k}}.Handler(s.api())
	s.do("GET", "/metrics", nil).refused(http.StatusUnauthorized, "", "token")
	s.do("GET", "/metrics", nil, "Authorization", "Bearer nobody").refused(http.StatusUnauthorized, "", "token")
	for _, name := range []string{"scraper", "reader", "operator"} {
		s.do("GET", "/metrics", nil, "Authorization", "Bearer "+name).ok(http.StatusOK, nil)
	}
	for _, name := range []string{"reporter", "wlm"} {
		s.do("GET", "/metrics", nil, "Authorization", "Bearer "+name).refused(http.StatusForbidden, "", name, "read metrics")
	}
	s.do("GET", "/metrics", nil, "Authorization", "Bearer of-a-tenant").refused(http.StatusForbidden, "", "tenant")
	s.do("GET", "/x/v1/stream", nil, "Authorization", "Bearer scraper").refused(http.StatusForbidden, "", "scraper")
}
