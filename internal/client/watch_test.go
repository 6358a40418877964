package client

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// full answers as a service does that has no place for a stream more: the snapshot to who
// asks for that alone, and 304 to who has it.
func full(r *http.Request) *http.Response {
	const tag = "e.7"
	switch {
	case strings.Contains(r.Header.Get("Accept"), eventStream):
		resp := problem(503, "Service Unavailable", "64 streams are followed already")
		resp.Header.Set("Retry-After", "7")
		return resp
	case r.Header.Get("If-None-Match") == `"`+tag+`"`:
		return answer(304, "")
	default:
		return answer(200, `{"sessions":[{"n":0,"name":"s","status":"running"}],"nodes":{"id":[]}}`, "Content-Type", "application/json", "ETag", `"`+tag+`"`)
	}
}

func TestWhoFindsNoPlaceForAStreamIsToldAllThatIsWatchedAndWhenToAskAgain(t *testing.T) {
	c, s := dial(t, 0, func(_ int, r *http.Request) (*http.Response, error) { return full(r), nil })
	var known Watched
	told := 0
	for round := range 3 {
		err := c.Watch(t.Context(), "s", &known, func(w bos.Watched) {
			if told++; w.Sessions[0].Name != "s" {
				t.Errorf("it is told %+v", w)
			}
		})
		var none *NoPlace
		if !errors.As(err, &none) || none.Again != 7*time.Second || !strings.Contains(err.Error(), "64 streams") {
			t.Errorf("round %d ends with %v", round, err)
		}
	}
	if told != 1 || len(s.log) != 6 {
		t.Errorf("what does not change is told %d times; it asked %q", told, s.log)
	}
	if got := s.headers[2].Get("Last-Event-ID"); got != "e.7" {
		t.Errorf("the stream is asked for from %q on", got)
	}
}

func TestAServiceThatAnswersNothingElseEitherIsNotTakenForAFullOne(t *testing.T) {
	c, _ := dial(t, 0, func(int, *http.Request) (*http.Response, error) {
		return problem(503, "Service Unavailable", "the database is locked"), nil
	})
	err := c.Watch(t.Context(), "s", &Watched{}, func(bos.Watched) {})
	var none *NoPlace
	if err == nil || errors.As(err, &none) || !strings.Contains(err.Error(), "the database is locked") {
		t.Errorf("it ends with %v", err)
	}
}
