package provider

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// never is a clock that stands still.
func never(time.Duration) <-chan time.Time { return nil }

func TestAWaitPollsAtOnceAndThenWithGrowingPauses(t *testing.T) {
	var pauses []time.Duration
	w := waiter{interval: 2 * time.Second, chance: func() float64 { return 0 }, after: func(d time.Duration) <-chan time.Time {
		pauses = append(pauses, d)
		c := make(chan time.Time, 1)
		c <- time.Time{}
		return c
	}}
	polls := 0
	if !w.until(t.Context(), func(context.Context) bool { polls++; return polls == 7 }) {
		t.Error("it was not done")
	}
	want := []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond, 2 * time.Second, 2 * time.Second}
	if !slices.Equal(pauses, want) {
		t.Errorf("the pauses were %v", pauses)
	}
	pauses, polls = nil, 6
	w.until(t.Context(), func(context.Context) bool { polls++; return polls == 7 })
	if len(pauses) != 0 {
		t.Errorf("what is done already was waited for: %v", pauses)
	}
}

func TestPausesAreShortenedByChanceByAFifthAtMost(t *testing.T) {
	for chance, want := range map[float64]time.Duration{0: time.Second, 0.5: 900 * time.Millisecond, 1: 800 * time.Millisecond} {
		if got := (waiter{chance: func() float64 { return chance }}).jittered(time.Second); got != want {
			t.Errorf("at chance %v the pause is %s instead of %s", chance, got, want)
		}
	}
}

func TestAnInterruptEndsAWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	polls := 0
	done := newWaiter(never, time.Hour, nil).until(ctx, func(context.Context) bool {
		polls++
		cancel()
		return false
	})
	if done || polls != 1 {
		t.Errorf("done: %t after %d polls", done, polls)
	}
}

func TestNewsOfASessionEndsThePauseAndNewsOfItsNodesDoesNot(t *testing.T) {
	sent := make(chan string)
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/x/v1/capabilities" {
			_, _ = w.Write([]byte(`{"extensions":["events"]}`))
			return
		}
		defer close(ended)
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			select {
			case <-r.Context().Done():
				return
			case event := <-sent:
				_, _ = w.Write([]byte("data: " + event + "\n\n"))
				_ = http.NewResponseController(w).Flush()
			}
		}
	}))
	defer server.Close()
	c, err := client.New(client.Config{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	news := follow(ctx, c, "monday", never)
	sent <- `{"id":1,"kind":"powered_on","component":"x0c0s0b0n0"}`
	sent <- `{"id":2,"kind":"session_complete","session":"monday"}`
	polls := 0
	if !newWaiter(never, time.Hour, news).until(ctx, func(context.Context) bool { polls++; return polls == 2 }) {
		t.Error("it was not done")
	}
	select {
	case <-news:
		t.Error("one event of the session was two pieces of news")
	default:
	}
	cancel()
	<-ended
}

func TestWithoutEventsThereIsNoNews(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	c, err := client.New(client.Config{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if news := follow(t.Context(), c, "monday", never); news != nil {
		t.Error("a plain v2 server has news")
	}
}
