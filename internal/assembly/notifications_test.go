package assembly

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/time/rate"

	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

func TestHSMIsAskedToNotifyAndItsNotificationsAreTaken(t *testing.T) {
	subscribed := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/Subscriptions/SCN" {
			var body struct{ URL string }
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Error(err)
			}
			subscribed <- body.URL
		}
		_, _ = w.Write([]byte("{}"))
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
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	if url := <-subscribed; url != "http://bos:8770"+hsm.NotificationsPath {
		t.Errorf("subscribed %s", url)
	}
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, hsm.NotificationsPath, strings.NewReader(`{"Components":["x1c0s0b0n0"],"State":"On"}`)))
	if w.Code != http.StatusOK {
		t.Errorf("a notification is answered %d", w.Code)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
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
