package transport_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

func TestAnOutageIsLoggedOnceWhenItBeginsAndOnceWhenItEnds(t *testing.T) {
	var out atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if status := out.Load(); status != 0 {
			w.WriteHeader(int(status))
		}
	}))
	defer s.Close()
	var log bytes.Buffer
	c := transport.Upstream{URL: s.URL, Log: slog.New(slog.NewTextHandler(&log, nil))}.Open(transport.Config{Upstream: "BSS"})
	defer c.Close()
	ask := func(status int32) {
		out.Store(status)
		_, _ = c.Do(t.Context(), transport.Request{Method: http.MethodPut, URL: s.URL}) // what it answers is in the log or not
	}
	for _, status := range []int32{0, 400, 409, 429} {
		ask(status)
	}
	if log.Len() > 0 {
		t.Errorf("without an outage: %s", &log)
	}
	for range 3 {
		ask(503)
	}
	ask(0)
	ask(0)
	text := log.String()
	if strings.Count(text, "level=WARN") != 1 || strings.Count(text, "level=INFO") != 1 || !strings.Contains(text, "503") || !strings.Contains(text, "BSS answers again") {
		t.Errorf("logged:\n%s", text)
	}
	ask(503) // within the pause after the last
	if log.String() != text {
		t.Errorf("one that comes and goes fills the log:\n%s", log.String())
	}
}

func TestEachRequestIsToldWithWhatItsAnswerMeans(t *testing.T) {
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	var told []string
	c := transport.Upstream{URL: s.URL, Asked: func(outcome transport.Class, _ time.Duration) { told = append(told, outcome.String()) }}.Open(transport.Config{Upstream: "BSS"})
	ask := func(ctx context.Context) {
		_, _ = c.Do(ctx, transport.Request{Method: http.MethodGet, URL: s.URL + "/node?token=secret"})
	}
	for _, status = range []int{http.StatusOK, http.StatusServiceUnavailable, http.StatusUnauthorized, http.StatusConflict} {
		ask(t.Context())
	}
	given, up := context.WithCancel(t.Context())
	up()
	ask(given) // which says nothing of the upstream
	s.Close()
	ask(t.Context())
	if want := []string{"ok", "busy", "caller", "refused", "away"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
