package api

import (
	"bufio"
	"net/http"
	"strings"
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
	s.handler = access.Authenticator{Bearers: []access.Bearers{k}}.Handler(New(s.config))
	watching(t, s, "", "Authorization", "Bearer a").wants(bos.StreamSnapshotEvent)
	s.do("GET", "/x/v1/stream", nil, "Accept", eventStream, "Authorization", "Bearer a").refused(http.StatusServiceUnavailable, titleUnavailable, "1 streams", "streams")
	watching(t, s, "", "Authorization", "Bearer b").wants(bos.StreamSnapshotEvent)
	k.Store("c", access.Identity{Subject: "c", Proof: access.ProofStatic, Roles: []access.Role{access.Reader}})
	s.do("GET", "/x/v1/stream", nil, "Accept", eventStream, "Authorization", "Bearer c").refused(http.StatusServiceUnavailable, titleUnavailable, "2 streams", "setting streams")
	s.do("GET", "/x/v1/stream", nil, "Authorization", "Bearer c").ok(http.StatusOK, nil)
}
