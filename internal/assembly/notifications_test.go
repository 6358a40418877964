package assembly

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/time/rate"

	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

func TestHSMIsAskedToNotifyUntilTheServiceStopsAndItsNotificationsAreTaken(t *testing.T) {
	subscribed, ended := make(chan string, 1), make(chan string, 1)
	var mu sync.Mutex
	list := "{}"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Method == http.MethodPost && r.URL.Path == "/Subscriptions/SCN":
			var body struct{ URL, Subscriber string }
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Error(err)
			}
			list = fmt.Sprintf(`{"SubscriptionList":[{"ID":7,"Subscriber":%q,"Url":%q}]}`, body.Subscriber, body.URL)
			subscribed <- body.URL
		case r.Method == http.MethodDelete:
			ended <- r.URL.Path
		}
		_, _ = w.Write([]byte(list))
	}))
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	a, err := New(ctx, config.Config{
		Database:  filepath.Join(t.TempDir(), "bos.db"),
		Inventory: config.Inventory{HSM: &config.Upstream{URL: s.URL}, Notifications: "http://bos:8770/"},
	}, "0.0.0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- a.Run(ctx) }()
	if url := <-subscribed; url != "http://bos:8770"+hsm.NotificationsPath {
		t.Errorf("subscribed %s", url)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "http://bos:8770"+hsm.NotificationsPath, strings.NewReader(`{"Components":["x1c0s0b0n0"],"State":"On"}`))
	r.Header.Set("Content-Type", "application/json")
	a.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("a notification is answered %d", w.Code)
	}
	cancel()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if path := <-ended; path != "/Subscriptions/SCN/7" {
		t.Errorf("ended %s", path)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func TestNotificationsBeyondALimitAreNotTaken(t *testing.T) {
	hinted := 0
	h := limited(hsm.Notifications(func(...string) { hinted++ }), rate.NewLimiter(0, 3), 1000)
	var answers []int
	for range 5 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, hsm.NotificationsPath, strings.NewReader(`{"Components":["x1c0s0b0n0"]}`)))
		answers = append(answers, w.Code)
	}
	if want := []int{200, 200, 200, 429, 429}; !slices.Equal(answers, want) || hinted != 3 {
		t.Errorf("answered %v and hinted %d times, want %v", answers, hinted, want)
	}
}

func TestANotificationThatIsTooLargeOrOneTooManyIsRefusedUnread(t *testing.T) {
	arrived, goOn := make(chan struct{}), make(chan struct{})
	h := limited(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		arrived <- struct{}{}
		<-goOn
	}), rate.NewLimiter(rate.Inf, 0), 100)
	send := func(body io.Reader) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, hsm.NotificationsPath, body))
		return w.Code
	}
	unread := strings.NewReader(strings.Repeat("x", 101))
	if code := send(unread); code != http.StatusRequestEntityTooLarge || unread.Len() != 101 {
		t.Errorf("answered %d after %d bytes were read", code, 101-unread.Len())
	}
	if code := send(io.MultiReader(strings.NewReader(strings.Repeat("x", 101)))); code != http.StatusBadRequest {
		t.Errorf("one that does not say how large it is was answered %d", code)
	}
	var slow sync.WaitGroup
	for range notificationsInFlight {
		slow.Go(func() { send(strings.NewReader("x")) })
		<-arrived
	}
	if code := send(strings.NewReader("x")); code != http.StatusTooManyRequests {
		t.Errorf("one more than %d at a time was answered %d", notificationsInFlight, code)
	}
	close(goOn)
	slow.Wait()
}
