package assembly

import (
	"context"
	"encoding/json"
	"fmt"
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
	a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, hsm.NotificationsPath, strings.NewReader(`{"Components":["x1c0s0b0n0"],"State":"On"}`)))
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
	h := limited(hsm.Notifications(func(...string) { hinted++ }), rate.NewLimiter(0, 3))
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
