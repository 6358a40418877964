package hostile

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

func TestASeedMakesTheSameRequestsAgainAndOfEachKind(t *testing.T) {
	a, b := New(7, "bos", "secret", Beside), New(7, "bos", "secret", Beside)
	made := make(map[string]int)
	for range 1000 {
		one, again := a.Next(), b.Next()
		if !reflect.DeepEqual(one, again) {
			t.Fatalf("%s differs", one.Kind)
		}
		made[one.Kind]++
	}
	for _, kind := range kinds {
		if made[kind.name] == 0 {
			t.Errorf("none of %q", kind.name)
		}
	}
}

func TestWhatMustNotBeIsFound(t *testing.T) {
	for status, want := range map[int]bool{http.StatusInternalServerError: true, http.StatusOK: true, http.StatusServiceUnavailable: false, http.StatusBadRequest: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
		}))
		target := Target{Address: strings.TrimPrefix(server.URL, "http://")}
		result, err := Send(t.Context(), target, New(1, "bos", "secret", Beside), 300, 4)
		server.Close()
		if err != nil || result.Sent != 300 || result.Statuses[status] == 0 {
			t.Fatalf("%d: %v, %+v", status, err, result)
		}
		if got := len(result.Wrong) > 0; got != want {
			t.Errorf("%d of everything: %q", status, result.Wrong)
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if _, err := Send(t.Context(), Target{Address: l.Addr().String()}, New(1, "bos", "", Beside), 10, 2); err == nil {
		t.Error("a service that is not there was reached")
	}
}
