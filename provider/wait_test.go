package provider

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// never is a clock that stands still.
func never(time.Duration) <-chan time.Time { return nil }

func TestAWaitPollsAtOnceAndThenWithGrowingPauses(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	for chance, want := range map[float64]time.Duration{0: time.Second, 0.5: 900 * time.Millisecond, 1: 800 * time.Millisecond} {
		if got := (waiter{chance: func() float64 { return chance }}).jittered(time.Second); got != want {
			t.Errorf("at chance %v the pause is %s instead of %s", chance, got, want)
		}
	}
}

func TestAnInterruptEndsAWait(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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

func TestAWaitGoesOnByItsOwnPollsWhereTheServiceHasNoPlaceForAStreamAndAsksForOneAgain(t *testing.T) {
	t.Parallel()
	refused := make(chan struct{}, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/x/v1/capabilities" {
			_, _ = w.Write([]byte(`{"extensions":["events"]}`))
			return
		}
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
		refused <- struct{}{}
	}))
	defer server.Close()
	c, err := client.New(client.Config{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	again := make(chan time.Time)
	news := follow(ctx, c, "monday", func(pause time.Duration) <-chan time.Time {
		if pause != reconnect {
			t.Errorf("it asks again after %s", pause)
		}
		return again
	})
	<-refused
	again <- time.Time{}
	<-refused // it asked for a stream again
	polls := 0
	w := newWaiter(func(time.Duration) <-chan time.Time {
		soon := make(chan time.Time, 1)
		soon <- time.Time{}
		return soon
	}, time.Hour, news)
	if !w.until(ctx, func(context.Context) bool { polls++; return polls == 3 }) {
		t.Errorf("it was not done after %d polls", polls)
	}
}

func TestWithoutEventsThereIsNoNews(t *testing.T) {
	t.Parallel()
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

// Whoever waits would wait for hours for nodes that nobody acts for.
func TestAWaitEndsWithTheEmbeddedBOSAndSaysSo(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer := `{"extensions":[]}`
		switch req.URL.Path {
		case "/v2/sessions/s":
			answer = `{"name":"s","operation":"boot","template_name":"t","status":{"status":"running"}}`
		case "/v2/components":
			answer = `[{"id":"x1c0s1b0n0","session":"s","enabled":true}]`
		case "/v2/components/x1c0s1b0n0":
			answer = `{"id":"x1c0s1b0n0","enabled":true}`
		}
		_, _ = w.Write([]byte(answer))
	}))
	defer server.Close()
	c, err := client.New(client.Config{Endpoint: server.URL, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	stopped := &shared{components: newComponentCache(), embedded: &embedded{failed: errors.New("the disk is full")}}
	for what, wait := range map[string]func(*diag.Diagnostics){
		"session": func(diags *diag.Diagnostics) {
			m := sessionModel{Name: types.StringValue("s"), sessionResults: sessionResults{Status: types.StringValue("running")}}
			(&sessionResource{shared: stopped, after: never, now: time.Now}).await(t.Context(), c, &m, time.Hour, false, diags)
		},
		"staged state": func(diags *diag.Diagnostics) {
			m := stagedApplyModel{Sessions: types.MapValueMust(types.StringType, map[string]attr.Value{"s": types.StringValue("x1c0s1b0n0")})}
			(&stagedApplyResource{shared: stopped, after: never, now: time.Now}).await(t.Context(), c, &m, time.Hour, diags)
		},
		"component": func(diags *diag.Diagnostics) {
			record := bos.Component{ID: "x1c0s1b0n0"}
			(&componentResource{shared: stopped, after: never}).wait(t.Context(), c, record, time.Hour, diags)
		},
	} {
		var diags diag.Diagnostics
		wait(&diags)
		if len(diags) != 1 || !strings.Contains(diags[0].Detail(), "The embedded BOS stopped, so nobody acts for") || !strings.Contains(diags[0].Detail(), "the disk is full") ||
			!strings.Contains(diags[0].Detail(), "The next apply resumes waiting") {
			t.Errorf("%s: %v", what, diags)
		}
	}
}
