package replicas

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestEachRequestGoesToTheNextServiceThatIsReady, and none to one that says that it is not.
func TestEachRequestGoesToTheNextServiceThatIsReady(t *testing.T) {
	b, err := Balance(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var away atomic.Bool
	var urls []string
	for _, name := range []string{"a", "b", "c"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if name == "b" && away.Load() && r.URL.Path == "/readyz" {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_, _ = io.WriteString(w, name) // it is seen whether it came
		}))
		defer s.Close()
		urls = append(urls, s.URL)
	}
	ask := func(n int) string {
		var got strings.Builder
		for range n {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL()+"/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(res.Body)
			if closed := res.Body.Close(); err != nil || closed != nil {
				t.Fatal(err, closed)
			}
			got.Write(text)
		}
		return got.String()
	}
	if got := ask(1); got != "" {
		t.Errorf("with no service it was %q", got)
	}
	if err := b.Use(urls...); err != nil {
		t.Fatal(err)
	}
	if all, got := "abcabcabcabc", ask(7); !strings.Contains(all, got) {
		t.Errorf("the requests went to %s", got)
	}
	away.Store(true)
	for tick := time.NewTicker(askEvery); strings.Contains(ask(3), "b"); {
		<-tick.C
	}
	if all, got := "acacac", ask(4); !strings.Contains(all, got) {
		t.Errorf("with one that is not ready the requests went to %s", got)
	}
	away.Store(false)
	for tick := time.NewTicker(askEvery); !strings.Contains(ask(3), "b"); {
		<-tick.C
	}
}
