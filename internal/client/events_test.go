package client

import (
	"net/http"
	"slices"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestEventsAreFollowedFromWhereItLeftOff(t *testing.T) {
	stream := ": beat\n\nid: 8\ndata: {\"id\":8,\"kind\":\"session_setup\"}\n\nid: 9\ndata: {\"id\":9,\"kind\":\"session_complete\",\"new\":1}\n\n"
	c, s := dial(t, 0, func(int, *http.Request) (*http.Response, error) {
		return answer(200, stream, "Content-Type", "text/event-stream"), nil
	})
	var kinds []string
	last, err := c.Follow(t.Context(), "s", 7, func(e bos.Event) { kinds = append(kinds, e.Kind) })
	if err != nil || last != 9 || !slices.Equal(kinds, []string{"session_setup", "session_complete"}) {
		t.Errorf("%v up to %d (%v)", kinds, last, err)
	}
	if s.log[0] != "GET /apis/bos/x/v1/events?after=7&session=s" || s.headers[0].Get("Accept") != "text/event-stream" ||
		s.headers[0].Get("Authorization") != "Bearer geheim" || s.headers[0].Get("Cray-Tenant-Name") != "blue" {
		t.Errorf("it sent %s with %v", s.log[0], s.headers[0])
	}
}

func TestWhatIsNoStreamOfEventsIsAnError(t *testing.T) {
	for name, resp := range map[string]func() *http.Response{
		"too many streams": func() *http.Response { return problem(503, "Service Unavailable", "later") },
		"a page":           func() *http.Response { return answer(200, "<p>", "Content-Type", "text/html") },
		"a broken event":   func() *http.Response { return answer(200, "data: {\n\n", "Content-Type", "text/event-stream") },
	} {
		c, _ := dial(t, 0, func(int, *http.Request) (*http.Response, error) { return resp(), nil })
		if last, err := c.Follow(t.Context(), "s", 7, func(bos.Event) {}); err == nil || last != 7 {
			t.Errorf("%s: %d, %v", name, last, err)
		}
	}
}
