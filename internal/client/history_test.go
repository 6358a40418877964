package client

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// history answers with events of all ids up to newest.
func history(newest int) func(int, *http.Request) (*http.Response, error) {
	return func(_ int, r *http.Request) (*http.Response, error) {
		after, _ := strconv.Atoi(r.URL.Query().Get("after"))
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		var events []string
		for id := after + 1; id <= newest && len(events) < limit; id++ {
			events = append(events, fmt.Sprintf(`{"id":%d,"time":"2026-01-01T00:00:00Z","kind":"k"}`, id))
		}
		last := after + len(events)
		return answer(200, fmt.Sprintf(`{"events":[%s],"last":%d}`, strings.Join(events, ","), last)), nil
	}
}

func TestHistoryIsReadInPagesUpToItsBound(t *testing.T) {
	for name, c := range map[string]struct {
		newest, limit, want, requests int
		more                          bool
	}{
		"none":                   {0, 1000, 0, 1, false},
		"a few":                  {3, 1000, 3, 1, false},
		"as many as are wanted":  {1000, 1000, 1000, 1, true},
		"more than are wanted":   {25000, 1000, 1000, 1, true},
		"several pages":          {25000, 30000, 25000, 3, false},
		"several pages and more": {25000, 24999, 24999, 3, true},
	} {
		client, s := dial(t, 0, history(c.newest))
		events, last, more, err := client.Events(t.Context(), bos.EventFilter{Limit: c.limit})
		if err != nil || len(events) != c.want || last != int64(c.want) || more != c.more || len(s.log) != c.requests {
			t.Errorf("%s: %d events, last %d, more %t, %d requests (%v)", name, len(events), last, more, len(s.log), err)
		}
	}
}

func TestHistoryIsFilteredByTheServer(t *testing.T) {
	c, s := dial(t, 0, history(0))
	if _, _, _, err := c.Events(t.Context(), bos.EventFilter{Session: "s", Component: "x1", After: 7, Limit: 5}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"GET /apis/bos/x/v1/events?after=7&component=x1&limit=5&session=s"}; !slices.Equal(s.log, want) {
		t.Errorf("it sent %q", s.log)
	}
}

func TestAnImageIsAskedForByItsPath(t *testing.T) {
	c, s := dial(t, 0, func(n int, _ *http.Request) (*http.Response, error) {
		if n > 1 {
			return answer(200, `{"maintenance":true}`), nil
		}
		return answer(200, `{"path":"s3://b/m","etag":"e","kernel":{"path":"k","etag":""},"warnings":[]}`), nil
	})
	facts, err := c.Image(t.Context(), "s3://b/m")
	if err != nil || facts.ETag != "e" || s.log[0] != "GET /apis/bos/x/v1/images?path=s3%3A%2F%2Fb%2Fm" {
		t.Errorf("%+v, %v, %q", facts, err, s.log)
	}
	if _, err := c.Image(t.Context(), "s3://b/m"); err == nil || !strings.Contains(err.Error(), "names no image") {
		t.Errorf("%v", err)
	}
}
