package hsm_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
)

func TestASubscriptionIsMadeOnceAndAgainWhenHSMHasLostIt(t *testing.T) {
	var kept []map[string]any
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/hsm/v2/Subscriptions/SCN" {
			t.Errorf("asked %s", r.URL)
		}
		if r.Method == http.MethodPost {
			var body map[string]any
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Error(err)
			}
			kept = append(kept, body)
		}
		if err := json.NewEncoder(w).Encode(map[string]any{"SubscriptionList": kept}); err != nil {
			t.Error(err)
		}
	}))
	defer s.Close()
	c := hsm.NewImpatient(s.URL+"/hsm/v2", time.Minute, time.Millisecond)
	for range 2 {
		if err := c.Subscribe(t.Context(), "http://bos/scn"); err != nil {
			t.Fatal(err)
		}
	}
	want := []map[string]any{{
		"Subscriber": "bootorch-bos", "Enabled": true, "States": []any{"On", "Off", "Ready", "Standby", "Halt"}, "Url": "http://bos/scn",
	}}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Error(diff)
	}
	kept = nil
	if err := c.Subscribe(t.Context(), "http://bos/scn"); err != nil || len(kept) != 1 {
		t.Errorf("%d subscriptions, %v", len(kept), err)
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
