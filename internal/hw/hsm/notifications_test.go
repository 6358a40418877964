package hsm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
)

// subscriptions is an HSM that keeps some.
type subscriptions struct {
	mu   sync.Mutex
	next int
	kept []map[string]any
	// made is sent each that is new.
	made chan string
}

func (s *subscriptions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const path = "/hsm/v2/Subscriptions/SCN"
	switch {
	case r.Method == http.MethodGet && r.URL.Path == path:
		_ = json.NewEncoder(w).Encode(map[string]any{"SubscriptionList": s.kept})
	case r.Method == http.MethodPost && r.URL.Path == path:
		var body map[string]any
		if json.NewDecoder(r.Body).Decode(&body) != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		s.next++
		body["ID"] = s.next
		s.kept = append(s.kept, body)
		s.made <- fmt.Sprint(body["Url"])
	case r.Method == http.MethodDelete && strings.HasPrefix(r.URL.Path, path+"/"):
		s.kept = slices.DeleteFunc(s.kept, func(kept map[string]any) bool {
			return r.URL.Path == fmt.Sprintf("%s/%v", path, kept["ID"])
		})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (s *subscriptions) want(t *testing.T, want ...map[string]any) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(want, s.kept); diff != "" {
		t.Errorf("subscriptions (-want +got):\n%s", diff)
	}
}

func startHSM(t *testing.T) (*subscriptions, *httptest.Server, *hsm.Client) {
	t.Helper()
	kept := &subscriptions{made: make(chan string, 10)}
	s := httptest.NewServer(kept)
	t.Cleanup(s.Close)
	return kept, s, hsm.NewImpatient(s.URL+"/hsm/v2", time.Minute, time.Millisecond)
}

func ours(id int, url string) map[string]any {
	return map[string]any{
		"ID": id, "Subscriber": "bootorch-bos", "Enabled": true, "States": []any{"On", "Off", "Ready", "Standby", "Halt"}, "Url": url,
	}
}

func TestASubscriptionIsMadeOnceAndAgainWhenHSMHasLostIt(t *testing.T) {
	h, _, c := startHSM(t)
	for range 2 {
		if err := c.Subscribe(t.Context(), "http://bos/scn"); err != nil {
			t.Fatal(err)
		}
	}
	h.want(t, ours(1, "http://bos/scn"))
	h.kept = nil
	if err := c.Subscribe(t.Context(), "http://bos/scn"); err != nil {
		t.Error(err)
	}
	h.want(t, ours(2, "http://bos/scn"))
}

// keep subscribes until stop is called, which returns what was logged.
func keep(t *testing.T, c *hsm.Client, shared bool, made <-chan string) (stop func() string) {
	t.Helper()
	var logged bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.KeepSubscribed(ctx, "http://bos/", shared, slog.New(slog.NewTextHandler(&logged, nil)))
	}()
	if url := <-made; url != "http://bos"+hsm.NotificationsPath {
		t.Errorf("subscribed %s", url)
	}
	return func() string {
		cancel()
		<-ended
		return logged.String()
	}
}

func TestAServiceThatStopsTakesItsSubscriptionBackAndNoOther(t *testing.T) {
	h, _, c := startHSM(t)
	others := []map[string]any{ours(8, "http://bos-of-another-site"+hsm.NotificationsPath), {"ID": 9, "Subscriber": "hms", "Url": "http://bos" + hsm.NotificationsPath}}
	h.kept = slices.Clone(others)
	if logged := keep(t, c, false, h.made)(); logged != "" {
		t.Errorf("logged %s", logged)
	}
	h.want(t, others...)
}

// TestAServiceThatStopsLeavesTheSubscriptionToTheOthersBehindItsAddress, who would be told
// nothing until they looked for it.
func TestAServiceThatStopsLeavesTheSubscriptionToTheOthersBehindItsAddress(t *testing.T) {
	h, _, c := startHSM(t)
	if logged := keep(t, c, true, h.made)(); logged != "" {
		t.Errorf("logged %s", logged)
	}
	h.want(t, ours(1, "http://bos"+hsm.NotificationsPath))
}

func TestAServiceStopsAlsoWhereHSMCannotBeToldOrHangs(t *testing.T) {
	t.Parallel()
	h, s, c := startHSM(t)
	stop := keep(t, c, false, h.made)
	s.Close()
	if logged := stop(); !strings.Contains(logged, "goes on notifying this service") {
		t.Errorf("logged %q", logged)
	}

	h, _, c = startHSM(t)
	stop = keep(t, c, false, h.made)
	h.mu.Lock() // and HSM answers nothing
	defer h.mu.Unlock()
	if logged := stop(); !strings.Contains(logged, "goes on notifying this service") {
		t.Errorf("logged %q", logged)
	}
}

func TestANotificationIsPassedOnAsNodes(t *testing.T) {
	var got []string
	h := hsm.Notifications(func(nodes ...string) { got = append(got, nodes...) })
	send := func(method, body string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/", io.NopCloser(strings.NewReader(body))))
		return w.Code
	}
	if code := send(http.MethodPost, `{"Components":["X1c0s1b0n0","x1c0s1b0","nothing"],"State":"On","Flag":"OK"}`); code != http.StatusOK {
		t.Errorf("answered %d", code)
	}
	if !slices.Equal(got, []string{"x1c0s1b0n0"}) {
		t.Errorf("passed on %v", got)
	}
	for body, want := range map[string]int{"{": 400, "": 400, `{"Components":["` + strings.Repeat("x", 5<<20) + `"]}`: 400} {
		if code := send(http.MethodPost, body); code != want {
			t.Errorf("%.20s: answered %d", body, code)
		}
	}
	if code := send(http.MethodGet, ""); code != http.StatusMethodNotAllowed || len(got) != 1 {
		t.Errorf("answered %d", code)
	}
}
