package bss_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/bss"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

var artifacts = bos.BootArtifacts{
	Kernel: "s3://boot-images/1/kernel", Initrd: "s3://boot-images/1/initrd",
	KernelParameters: `console=ttyS0,115200 a="b&c" <x>`,
}

func open(url string, timeout time.Duration) *bss.Client {
	return bss.New(transport.Upstream{URL: url, Timeout: func() time.Duration { return timeout }})
}

func start(t *testing.T, timeout time.Duration, h http.HandlerFunc) *bss.Client {
	t.Helper()
	s := httptest.NewServer(running(h))
	t.Cleanup(s.Close)
	return open(s.URL+"/boot/v1/", timeout)
}

// running answers what a BSS is asked before it is written to.
func running(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/service/status") {
			_, _ = io.WriteString(w, `{"bss-status":"running"}`)
			return
		}
		h(w, r)
	}
}

func TestAWriteIsOnePutForAllHostsAndReturnsTheToken(t *testing.T) {
	var asked atomic.Int32
	c := start(t, 0, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Method != http.MethodPut || r.URL.Path != "/boot/v1/bootparameters" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("asked %s %s as %s", r.Method, r.URL, r.Header.Get("Content-Type"))
		}
		var got map[string]any
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		want := map[string]any{
			"hosts": []any{"x1c0s0b0n0", "x1c0s1b0n0"}, "kernel": artifacts.Kernel,
			"initrd": artifacts.Initrd, "params": artifacts.KernelParameters,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		w.Header().Set("Bss-Referral-Token", "284a13ed-42b6-4f13-9ed2-c4d4b062ddfe")
	})
	token, err := c.Write(t.Context(), []string{"x1c0s0b0n0", "x1c0s1b0n0"}, artifacts)
	if err != nil || token != "284a13ed-42b6-4f13-9ed2-c4d4b062ddfe" || asked.Load() != 1 {
		t.Errorf("token %q, %v after %d calls", token, err, asked.Load())
	}
}

func TestAHaltedWriteStoresNothingAndBlamesNobody(t *testing.T) {
	c := start(t, 0, func(http.ResponseWriter, *http.Request) { t.Error("it was written") })
	_, err := c.Write(bos.WithPermission(t.Context(), func(string) bool { return false }), []string{"x1c0s0b0n0"}, artifacts)
	wantCallError(t, err, bos.CallNotAttempted, bos.CauseNone)
}

func TestAWriteForNobodyIsNoCall(t *testing.T) {
	var asked atomic.Int32
	c := start(t, 0, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	if token, err := c.Write(t.Context(), nil, artifacts); token != "" || err != nil || asked.Load() != 0 {
		t.Errorf("token %q, %v after %d calls", token, err, asked.Load())
	}
}

func TestABSSWithoutTokensAnswersTheEmptyOne(t *testing.T) {
	c := start(t, 0, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	if token, err := c.Write(t.Context(), []string{"x1c0s0b0n0"}, artifacts); token != "" || err != nil {
		t.Errorf("token %q, %v", token, err)
	}
}

func wantCallError(t *testing.T, err error, outcome bos.CallOutcome, cause bos.Cause) {
	t.Helper()
	var call *bos.CallError
	if !errors.As(err, &call) {
		t.Fatalf("error is a %T: %v", err, err)
	}
	if call.Outcome != outcome || call.Cause != cause {
		t.Errorf("outcome %d with cause %q, want %d with %q: %v", call.Outcome, call.Cause, outcome, cause, err)
	}
	if !strings.Contains(call.Detail, "BSS") || !strings.Contains(call.Detail, "boot_parameters.bss.url") {
		t.Errorf("detail %q names neither BSS nor the setting", call.Detail)
	}
}

func TestARefusalSaysWhetherTheParametersOrTheServiceAreToBlame(t *testing.T) {
	for status, want := range map[int]struct {
		outcome bos.CallOutcome
		cause   bos.Cause
	}{
		400: {bos.CallRefused, bos.CauseBootParameters},
		404: {bos.CallNotAttempted, bos.CauseUpstreamOutage},
		405: {bos.CallNotAttempted, bos.CauseUpstreamOutage},
		501: {bos.CallNotAttempted, bos.CauseUpstreamOutage},
		502: {bos.CallUnknown, bos.CauseUpstreamOutage},
		413: {bos.CallRefused, bos.CauseBootParameters},
		422: {bos.CallRefused, bos.CauseBootParameters},
		401: {bos.CallNotAttempted, bos.CauseUpstreamOutage},
		403: {bos.CallNotAttempted, bos.CauseUpstreamOutage},
		302: {bos.CallNotAttempted, bos.CauseUpstreamOutage},
		408: {bos.CallBusy, bos.CauseUpstreamOutage},
		429: {bos.CallBusy, bos.CauseUpstreamOutage},
		500: {bos.CallBusy, bos.CauseUpstreamOutage},
		503: {bos.CallBusy, bos.CauseUpstreamOutage},
	} {
		var asked atomic.Int32
		c := start(t, 0, func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			w.Header().Set("Bss-Referral-Token", "not this one")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"title":"Bad Request","detail":"what BSS says"}`)
		})
		token, err := c.Write(t.Context(), []string{"x1c0s0b0n0"}, artifacts)
		wantCallError(t, err, want.outcome, want.cause)
		if token != "" || asked.Load() != 1 || !strings.Contains(err.Error(), "what BSS says") {
			t.Errorf("status %d: token %q after %d calls: %v", status, token, asked.Load(), err)
		}
	}
}

func TestAPageOfAGatewayIsNoAnswerOfBSSWhateverItsStatus(t *testing.T) {
	for _, status := range []int{200, 302, 400, 404} {
		c := start(t, 0, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>the gateway reloads</html>")
		})
		_, err := c.Write(t.Context(), []string{"x1c0s0b0n0"}, artifacts)
		wantCallError(t, err, bos.CallNotAttempted, bos.CauseUpstreamOutage)
	}
}

func TestParametersWithWhichAScriptWouldLoseTheTokenAreNotWritten(t *testing.T) {
	c := start(t, 0, func(http.ResponseWriter, *http.Request) { t.Error("they were written") })
	for _, parameters := range []string{"quiet\n", "a\nb", strings.Repeat("p", bos.MaxCommandLine-60)} {
		_, err := c.Write(t.Context(), []string{"x1c0s0b0n0"}, bos.BootArtifacts{Kernel: "k", KernelParameters: parameters})
		var call *bos.CallError
		if !errors.As(err, &call) || call.Outcome != bos.CallRefused || call.Cause != bos.CauseBootParameters {
			t.Errorf("%.20q: %v", parameters, err)
		}
	}
}

func TestAPathThatWouldBecomeALineOfTheScriptIsNotWritten(t *testing.T) {
	c := start(t, 0, func(http.ResponseWriter, *http.Request) { t.Error("it was written") })
	for _, a := range []bos.BootArtifacts{{Kernel: "s3://boot/kernel\nshell", Initrd: "s3://boot/initrd"}, {Kernel: "s3://boot/kernel", Initrd: "s3://boot/initrd\r\n"}} {
		_, err := c.Write(t.Context(), []string{"x1c0s0b0n0"}, a)
		var call *bos.CallError
		if !errors.As(err, &call) || call.Outcome != bos.CallRefused || call.Cause != bos.CauseBootParameters {
			t.Errorf("%q: %v", a, err)
		}
	}
}

func TestABSSThatIsNotThereWasNotAttempted(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	for _, url := range []string{s.URL, "bss:27778", ""} {
		_, err := open(url, time.Second).Write(t.Context(), []string{"x1c0s0b0n0"}, artifacts)
		wantCallError(t, err, bos.CallNotAttempted, bos.CauseUpstreamOutage)
	}
}

func TestAWriteWithoutAnswerIsUnknownAndNotRepeated(t *testing.T) {
	for name, h := range map[string]func(over chan struct{}){
		"silence":             func(over chan struct{}) { <-over },
		"a broken connection": func(chan struct{}) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			over := make(chan struct{})
			s := httptest.NewServer(running(func(_ http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				h(over)
			}))
			defer s.Close()
			defer close(over)
			_, err := open(s.URL, 500*time.Millisecond).Write(t.Context(), []string{"x1c0s0b0n0"}, artifacts)
			wantCallError(t, err, bos.CallUnknown, bos.CauseUpstreamOutage)
			if asked.Load() != 1 {
				t.Errorf("%d calls", asked.Load())
			}
		})
	}
}

func TestAnAbsurdTokenIsNotTaken(t *testing.T) {
	c := start(t, 0, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Bss-Referral-Token", strings.Repeat("x", 1000))
	})
	_, err := c.Write(t.Context(), []string{"x1c0s0b0n0"}, artifacts)
	wantCallError(t, err, bos.CallUnknown, bos.CauseUpstreamOutage)
}
