package report

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/porttest"
)

// bosStub takes reports as BOS does, and answers from a list first.
type bosStub struct {
	mu       sync.Mutex
	requests []request
	answers  []func(http.ResponseWriter)
}

type request struct {
	method, path, auth, nodeToken, media, body string
}

func (b *bosStub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests = append(b.requests, request{r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get(NodeTokenHeader), r.Header.Get("Content-Type"), string(body)})
	if len(b.answers) > 0 {
		answer := b.answers[0]
		b.answers = b.answers[1:]
		answer(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"id":"x3000c0s1b0n0","enabled":true}`)
}

func (b *bosStub) seen() []request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

func problem(code int, detail string, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(map[string]any{"detail": detail})
	}
}

// trial is a reporter whose waits are written down and take no time.
type trial struct {
	*Reporter
	log    bytes.Buffer
	waits  []time.Duration
	states []string
	// most is after how many waits it is ended.
	most int
}

func newTrial(url string) *trial {
	t := &trial{most: 1}
	t.Reporter = &Reporter{
		Settings: Settings{API: url, Xname: "x3000c0s1b0n0", Token: "T", Frequency: 4 * time.Hour},
		Log:      &t.log, random: func() float64 { return 1 },
		notify: func(state string) { t.states = append(t.states, state) },
	}
	t.wait = func(_ context.Context, d time.Duration) bool {
		t.waits = append(t.waits, d)
		return len(t.waits) < t.most
	}
	return t
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func TestAReportIsThatOfTheStateReporter(t *testing.T) {
	b := &bosStub{}
	r := newTrial(serve(t, b))
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []request{{"PATCH", "/v2/components/x3000c0s1b0n0", "", "", "application/json", `{"actual_state":{"bss_token":"T"},"id":"x3000c0s1b0n0"}`}}
	if got := b.seen(); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if len(r.states) == 0 || !strings.HasPrefix(r.states[0], "READY=1\n") || r.states[len(r.states)-1] != "STOPPING=1" {
		t.Errorf("systemd was told %q", r.states)
	}
	if !strings.Contains(r.log.String(), r.Settings.API) {
		t.Errorf("the log does not say to whom: %s", r.log.String())
	}
}

func TestReportsComeBeforeBOSForgetsThem(t *testing.T) {
	r := newTrial(serve(t, &bosStub{}))
	r.most = 3
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{3 * time.Hour, 3 * time.Hour, 3 * time.Hour}; !slices.Equal(r.waits, want) {
		t.Errorf("at the latest: %v, want %v", r.waits, want)
	}
	r.random = func() float64 { return 0 }
	if first, next := r.next(true), r.next(false); first != time.Minute || next != 162*time.Minute {
		t.Errorf("at the soonest: %v and %v", first, next)
	}
}

func TestItTriesUntilItIsTaken(t *testing.T) {
	b := &bosStub{}
	for range 8 {
		b.answers = append(b.answers, problem(503, "the database cannot be used now"))
	}
	r := newTrial(serve(t, b))
	r.most = 9
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := time.Second
	want := []time.Duration{2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 60 * s, 60 * s, 60 * s, 3 * time.Hour}
	if !slices.Equal(r.waits, want) {
		t.Errorf("waits %v, want %v", r.waits, want)
	}
	log := r.log.String()
	if !strings.Contains(log, r.Settings.API+" did not take the report of x3000c0s1b0n0: 503 Service Unavailable: the database cannot be used now; try 1, again in 2s") {
		t.Errorf("the log does not say what was answered:\n%s", log)
	}
	if n := strings.Count(log, "did not take"); n != 3 {
		t.Errorf("one and the same failure is said %d times:\n%s", n, log)
	}
	if !strings.Contains(log, "at the 9. try") {
		t.Errorf("the log does not say that it went well in the end:\n%s", log)
	}
}

func TestWhatBOSRefusesIsTriedAgainToo(t *testing.T) {
	for _, answer := range []func(http.ResponseWriter){
		problem(404, "Component 'x3000c0s1b0n0' does not exist"), // until it is discovered
		problem(409, "the component is enabled and not stable"),  // until it was powered on
		problem(401, "the token has expired"),
		problem(403, "the token is of another node"),
		problem(421, "this service is not called so"),
		problem(400, "bad"),
		func(w http.ResponseWriter) { w.Header().Set("Location", "https://elsewhere/"); w.WriteHeader(308) },
		func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>hello</html>") },
		func(w http.ResponseWriter) { _, _ = io.WriteString(w, "{}") },
		func(w http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		b := &bosStub{answers: []func(http.ResponseWriter){answer}}
		r := newTrial(serve(t, b))
		r.most = 2
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(b.seen()); got != 2 || !strings.Contains(r.log.String(), "reported to") {
			t.Errorf("%d requests:\n%s", got, r.log.String())
		}
	}
}

func TestAnAnswerSaysWhenToTryAgain(t *testing.T) {
	b := &bosStub{answers: []func(http.ResponseWriter){problem(503, "busy", "Retry-After", "90"), problem(503, "busy", "Retry-After", "99999999"), problem(503, "busy", "Retry-After", "soon")}}
	r := newTrial(serve(t, b))
	r.most = 4
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{92 * time.Second, maxRetryAfter + 4*time.Second, 8 * time.Second}
	if !slices.Equal(r.waits[:3], want) {
		t.Errorf("waits %v, want %v", r.waits[:3], want)
	}
}

func TestAnAnswerCannotFillTheLog(t *testing.T) {
	b := &bosStub{answers: []func(http.ResponseWriter){problem(500, strings.Repeat("x\n\x1b[2J", 1<<18)), func(w http.ResponseWriter) {
		for range 1 << 10 {
			_, _ = w.Write(make([]byte, 1<<12))
		}
	}}}
	r := newTrial(serve(t, b))
	r.most = 3
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if log := r.log.String(); len(log) > 4000 || strings.Contains(log, "\x1b") {
		t.Errorf("%d bytes of log: %.300q", len(log), log)
	}
}

func TestNobodyListening(t *testing.T) {
	port, err := porttest.Free()
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprint("127.0.0.1:", port)
	r := newTrial("http://" + address)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if log := r.log.String(); !strings.Contains(log, address) || !strings.Contains(log, "connection refused") {
		t.Errorf("the log names no address or no cause: %s", log)
	}
	if slices.ContainsFunc(r.states, func(s string) bool { return strings.HasPrefix(s, "READY") }) {
		t.Error("it is ready without a report that was taken")
	}
}

func TestTokensGoInTheirHeaders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bearer")
	write(t, file, "B\n")
	for _, c := range []struct{ node, file, auth, header string }{
		{"", "", "", ""},
		{"S", "", "Bearer S", ""},
		{"", file, "Bearer B", ""},
		{"S", file, "Bearer B", "S"},
	} {
		b := &bosStub{}
		r := newTrial(serve(t, b))
		r.Settings.NodeToken, r.Settings.TokenFile = c.node, c.file
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.seen()[0]; got.auth != c.auth || got.nodeToken != c.header {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

func TestABearerTokenIsReadAgainForEachReport(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bearer")
	b := &bosStub{}
	r := newTrial(serve(t, b))
	r.Settings.TokenFile = file
	r.wait = func(context.Context, time.Duration) bool {
		switch r.most++; r.most {
		case 2:
			write(t, file, "first")
		case 3:
			write(t, file, "second")
		default:
			return false
		}
		return true
	}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, seen := range b.seen() {
		got = append(got, seen.auth)
	}
	if !slices.Equal(got, []string{"Bearer first", "Bearer second"}) {
		t.Errorf("%q", got)
	}
	if log := r.log.String(); !strings.Contains(log, file) || strings.Contains(log, "second") {
		t.Errorf("the log names no file, or a secret: %s", log)
	}
}

func TestTheCertificateOfBOSIsChecked(t *testing.T) {
	server := httptest.NewTLSServer(&bosStub{})
	defer server.Close()
	server.Config.ErrorLog = nil
	file := filepath.Join(t.TempDir(), "ca.pem")
	write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	r := newTrial(server.URL)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if log := r.log.String(); !strings.Contains(log, WordCAFile) || strings.Contains(log, "reported to") {
		t.Errorf("a certificate that nobody knows: %s", log)
	}
	r = newTrial(server.URL)
	r.Settings.CAFile = file
	if err := r.Run(t.Context()); err != nil || !strings.Contains(r.log.String(), "reported to") {
		t.Errorf("%v: %s", err, r.log.String())
	}
	r = newTrial(server.URL)
	r.Settings.CAFile = file + ".none"
	if err := r.Run(t.Context()); err != nil || !strings.Contains(r.log.String(), file+".none") {
		t.Errorf("%v: %s", err, r.log.String())
	}
}

func TestOnceEndsWithTheFirstReportThatWasTaken(t *testing.T) {
	b := &bosStub{answers: []func(http.ResponseWriter){problem(503, "busy")}}
	r := newTrial(serve(t, b))
	r.Once, r.most = true, 9
	if err := r.Run(t.Context()); err != nil || len(b.seen()) != 2 || len(r.waits) != 1 {
		t.Errorf("%v after %d requests", err, len(b.seen()))
	}
}

func TestOnceThatIsEndedSaysWhyItsReportWasNotTaken(t *testing.T) {
	b := &bosStub{answers: []func(http.ResponseWriter){problem(404, "Component 'x' does not exist")}}
	r := newTrial(serve(t, b))
	r.Once = true
	err := r.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "does not exist") || ExitCode(err) != ExitNotTaken {
		t.Errorf("%v", err)
	}
}

// A node that goes down must not be kept up by a BOS that does not answer, nor say once
// more that it has booted.
func TestATerminatedReporterEndsWhereverItIs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	hang := make(chan struct{})
	defer close(hang)
	r := newTrial(serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel(); <-hang })))
	if err := r.Run(ctx); err != nil {
		t.Error(err)
	}
	if len(r.waits) > 0 || r.states[len(r.states)-1] != "STOPPING=1" {
		t.Errorf("it went on: %v, %q", r.waits, r.states)
	}
}

func TestTheCommandReportsAndEnds(t *testing.T) {
	b := &bosStub{}
	dir := t.TempDir()
	kernel := filepath.Join(dir, "cmdline")
	write(t, kernel, "quiet xname=x3000c0s1b0n0 bss_referral_token=T bos_api="+serve(t, b))
	var out, log bytes.Buffer
	args := []string{"--cmdline", kernel, "--config", filepath.Join(dir, "none"), "--once"}
	if err := Command(t.Context(), args, "1.2.3", &out, &log); err != nil || len(b.seen()) != 1 {
		t.Errorf("%v: %s", err, log.String())
	}
	for _, c := range []struct {
		args []string
		want error
		says string
	}{
		{[]string{"--version"}, nil, "1.2.3"},
		{[]string{"--help"}, nil, "bss_referral_token="},
		{[]string{"--no-such"}, ErrSettings, "no-such"},
		{[]string{"now"}, ErrSettings, "flags only"},
		{[]string{"--cmdline", dir}, ErrSettings, dir},
		{[]string{"--cmdline", filepath.Join(dir, "none"), "--config", filepath.Join(dir, "none")}, ErrSettings, "which node"},
	} {
		out.Reset()
		log.Reset()
		err := Command(t.Context(), c.args, "1.2.3", &out, &log)
		text := out.String() + log.String()
		if err != nil {
			text += err.Error()
		}
		if !errors.Is(err, c.want) || !strings.Contains(text, c.says) {
			t.Errorf("%v: %v, want %v and %q", c.args, err, c.want, c.says)
		}
		if code := ExitCode(err); (err != nil) != (code == ExitSettings) {
			t.Errorf("%v ends with %d", c.args, code)
		}
	}
	_ = os.Remove(kernel)
}
