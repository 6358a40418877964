// Package stage plays a service to the page: a stream of which a test says what comes
// when, for what a real one cannot be had to do at a wanted moment, such as ten thousand
// changes at once.
package stage

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/ui"
)

// States are those of the stream, by their codes.
var States = []string{"idle", "pending", "powering_off", "powering_on", "booting", "configuring", "done", "failed"}

// Stage is a service that is played.
type Stage struct {
	URL string

	mu       sync.Mutex
	token    string
	snapshot map[string]any
	streams  map[chan string]bool
	revision int
	cut      chan struct{}
	// Posts are what was written, in order.
	posts []string
	// Streams and Requests are how many were opened and made.
	opened, requests int
	same             int
	lastIDs          []string
	answers          map[string]any
	full             bool
}

// New plays a service; close ends it.
func New() (*Stage, func(), error) {
	page, err := ui.New()
	if err != nil {
		return nil, nil, err
	}
	s := &Stage{streams: make(map[chan string]bool), cut: make(chan struct{}), answers: make(map[string]any)}
	server := httptest.NewServer(page.Handler(http.HandlerFunc(s.serve)))
	s.URL = server.URL
	return s, func() { s.Cut(); server.CloseClientConnections(); server.Close() }, nil
}

func (s *Stage) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	token, answer, known, full := s.token, s.answers[r.URL.Path], s.answers[r.URL.Path] != nil, s.full
	if r.Method == http.MethodPost {
		var body any
		_ = json.NewDecoder(r.Body).Decode(&body) // nothing is a body too
		text, _ := json.Marshal(body)             // it came as JSON
		s.posts = append(s.posts, r.URL.Path+" "+string(text))
	}
	s.mu.Unlock()
	switch {
	case token != "" && r.Header.Get("Authorization") != "Bearer "+token:
		problem(w, http.StatusUnauthorized, "this is no token that is good here now")
	case r.URL.Path == "/x/v1/stream" && full:
		s.once(w, r)
	case r.URL.Path == "/x/v1/stream":
		s.stream(w, r)
	case known:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the page is gone if this fails
	case r.Method == http.MethodPost:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	default:
		problem(w, http.StatusNotFound, "nothing is played at "+r.URL.Path)
	}
}

// once is what a service answers that has no place for a stream more.
func (s *Stage) once(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Accept"), "event-stream") {
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusServiceUnavailable, "64 streams are followed already, and no more may be; ask again later")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tag := strconv.Quote(strconv.Itoa(s.revision))
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		s.same++
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.shown(r.URL.Query().Get("nodes") == "no")) // the page is gone if this fails
}

// Full says whether all places for streams are taken; those that are open stay.
func (s *Stage) Full(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

// Same is how often it was answered that nothing has changed.
func (s *Stage) Same() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.same
}

func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "detail": detail})
}

func (s *Stage) stream(w http.ResponseWriter, r *http.Request) {
	events := make(chan string, 1024)
	s.mu.Lock()
	s.opened++
	s.lastIDs = append(s.lastIDs, r.Header.Get("Last-Event-ID"))
	if s.snapshot != nil {
		events <- s.event("snapshot", s.shown(r.URL.Query().Get("nodes") == "no"))
	}
	s.streams[events] = true
	cut := s.cut
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.streams, events)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w)
	_ = flush.Flush() // the page is gone if this fails
	for {
		select {
		case text := <-events:
			if _, err := w.Write([]byte(text)); err != nil {
				return
			}
			_ = flush.Flush() // the same
		case <-cut:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (s *Stage) shown(without bool) map[string]any {
	if !without {
		return s.snapshot
	}
	some := make(map[string]any)
	for k, v := range s.snapshot {
		if k != "nodes" {
			some[k] = v
		}
	}
	return some
}

func (s *Stage) event(kind string, data any) string {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // what a test plays is JSON
	}
	return "event: " + kind + "\nid: " + strconv.Itoa(s.revision) + "\ndata: " + string(text) + "\n\n"
}

// Token sets which token is good; empty asks for none. Streams that are open stay.
func (s *Stage) Token(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Cut ends all streams, as a restart does.
func (s *Stage) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.cut)
	s.cut = make(chan struct{})
}

// Play sets what a stream begins with, and sends it to those that are open.
func (s *Stage) Play(snapshot map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision++
	s.snapshot = snapshot
	for events := range s.streams {
		events <- s.event("snapshot", snapshot)
	}
}

// Send sends a delta to the streams that are open.
func (s *Stage) Send(delta map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision++
	delta["revision"], delta["at"] = s.revision, time.Now().Unix()
	for events := range s.streams {
		events <- s.event("delta", delta)
	}
}

// Answer sets what a path answers.
func (s *Stage) Answer(path string, with any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = with
}

// Posts are the writes until now, each as path and body.
func (s *Stage) Posts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.posts...)
}

// Opened is with which position each stream was opened until now.
func (s *Stage) Opened() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.lastIDs...)
}

// Legend is that of the stream, cut short.
func Legend() map[string]any {
	states := make([]any, 0, len(States))
	for _, name := range States {
		states = append(states, map[string]string{"name": name, "sentence": "it is " + strings.ReplaceAll(name, "_", " ")})
	}
	return map[string]any{
		"states": states,
		"waits":  []any{map[string]string{"name": "", "sentence": ""}, map[string]string{"name": "power_limits", "sentence": "it waits for its turn, as power.limits are used up for now; work goes on by itself"}, map[string]string{"name": "back_off", "sentence": "a call for it failed and is made again in a while; read its error"}},
		"causes": []any{
			map[string]string{"name": "", "sentence": ""},
			map[string]string{"name": "bmc_unreachable", "sentence": "its BMC does not answer while the BMCs of other nodes do; check the BMC's power and network"},
			map[string]string{"name": "boot_timeout", "sentence": "it was powered on and never reported a boot; read its console log"},
		},
	}
}

// Xname is the n-th node of a room, as the emulator names them.
func Xname(n int) string {
	return fmt.Sprintf("x%dc%ds%db%dn%d", 1000+n/256, n/32%8, n/4%8, n/2%2, n%2)
}

// Room is a snapshot of nodes, of which each has the state that state gives it. Session
// is the one that they all are of, number 0.
func Room(nodes int, session map[string]any, state func(n int) (code, cause int)) map[string]any {
	now := time.Now().Unix()
	ids := make([]string, nodes)
	columns := make(map[string][]int)
	for _, name := range []string{"state", "since", "session", "wait", "cause", "attempts", "held"} {
		columns[name] = make([]int, nodes)
	}
	for n := range nodes {
		ids[n] = Xname(n)
		columns["state"][n], columns["cause"][n] = state(n)
		columns["since"][n], columns["attempts"][n] = int(now)-n%97, 1
	}
	all := map[string]any{"id": ids}
	for name, column := range columns {
		all[name] = column
	}
	return map[string]any{
		"at": now, "revision": 1, "legend": Legend(), "pause": map[string]any{"paused": false}, "nodes": all, "sessions": []any{session},
	}
}

// Session is a session of nodes, with how many are in each state.
func Session(name string, total int, counts map[string]int, more map[string]any) map[string]any {
	all := map[string]int{"pending": 0, "powering_off": 0, "powering_on": 0, "booting": 0, "configuring": 0, "done": 0, "failed": 0, "left": 0, "staged": 0}
	for k, v := range counts {
		all[k] = v
	}
	s := map[string]any{
		"n": 0, "name": name, "tenant": "", "operation": "reboot", "template": "compute", "status": "running", "start": time.Now().Unix() - 95, "end": 0,
		"by": "alice", "reason": "", "plan": "", "stage": false, "error": "", "total": total, "counts": all, "waiting": map[string]int{}, "failures": []any{},
		"rate": 12.5, "eta": time.Now().Unix() + 130, "eta_from": "session", "stragglers": map[string]any{"count": 0, "nodes": "", "beyond": 0}, "pause": map[string]any{"paused": false},
		"url": "/ui/#/sessions/" + name,
	}
	for k, v := range more {
		s[k] = v
	}
	return s
}
