package bss_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/bootservice"
)

func TestABootServiceThatSpeaksLikeBSSIsNotWrittenTo(t *testing.T) {
	written := 0
	service := bootservice.New(bootservice.Config{Nodes: func() []bootservice.Node { return nil }}).Handler()
	for name, prefix := range map[string]string{"its own paths": "", "those of BSS": "/boot/v1"} {
		mux := http.NewServeMux()
		mux.Handle(prefix+"/service/", http.StripPrefix(prefix, service))
		mux.HandleFunc(prefix+"/bootparameters", func(http.ResponseWriter, *http.Request) { written++ })
		s := httptest.NewServer(mux)
		defer s.Close()
		for range 2 {
			_, err := open(s.URL+prefix, time.Second).Write(t.Context(), []string{"x1c0s0b0n0"}, artifacts)
			t.Log(name)
			wantCallError(t, err, bos.CallNotAttempted, bos.CauseUpstreamOutage)
		}
	}
	if written != 0 {
		t.Errorf("%d writes", written)
	}
}

func TestABSSThatDoesNotSayWhatItIsIsWrittenToUnlessItIsAway(t *testing.T) {
	for status, want := range map[int]int{200: 1, 401: 1, 403: 1, 404: 1, 405: 1, 500: 0, 502: 0, 503: 0, 429: 0} {
		written := 0
		mux := http.NewServeMux()
		mux.HandleFunc("/service/status", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"title":"what it says"}`)
		})
		mux.HandleFunc("/bootparameters", func(http.ResponseWriter, *http.Request) { written++ })
		s := httptest.NewServer(mux)
		_, err := open(s.URL, time.Second).Write(t.Context(), []string{"x1c0s0b0n0"}, artifacts)
		s.Close()
		if written != want || (err == nil) != (want == 1) {
			t.Errorf("status %d: %d writes, %v", status, written, err)
		}
	}
}
