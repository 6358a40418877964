package transport_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/porttest"
)

const password = "s3cr3t/pass+word"

// serve starts a server; hold blocks until the test is over.
func serve(t *testing.T, handler func(w http.ResponseWriter, r *http.Request, hold func())) *httptest.Server {
	t.Helper()
	over := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(w, r, func() { <-over })
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(over) })
	return s
}

func client(c transport.Config) *transport.Client {
	c.Upstream = "HSM"
	c.WayOut = transport.Always("check inventory.hsm.url")
	if c.RetryWait == 0 {
		c.RetryWait = time.Millisecond
	}
	return transport.New(c, transport.NewConn(transport.ConnConfig{Direct: true}))
}

func get(t *testing.T, c *transport.Client, url string) (*transport.Response, *transport.Error) {
	t.Helper()
	res, err := c.Do(t.Context(), transport.Request{Method: http.MethodGet, URL: url, User: "root", Password: password})
	return res, check(t, err)
}

// check asserts what holds for every error.
func check(t *testing.T, err error) *transport.Error {
	t.Helper()
	if err == nil {
		return nil
	}
	var failed *transport.Error
	if !errors.As(err, &failed) {
		t.Fatalf("error is a %T, want *transport.Error: %v", err, err)
	}
	for _, secret := range []string{password, "cm9vd", "user:"} {
		if strings.Contains(err.Error(), secret) || strings.Contains(failed.Message, secret) {
			t.Errorf("error shows the credentials: %v", err)
		}
	}
	if strings.Contains(strings.ReplaceAll(err.Error(), "...;", ""), ".;") {
		t.Errorf("error has two stops in one place: %v", err)
	}
	if strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 1000 {
		t.Errorf("error is no single sentence: %q", err)
	}
	return failed
}

func TestWhatAServerSaysIsGoneOnWithWhateverItEndsIn(t *testing.T) {
	for said, want := range map[string]string{
		"The request failed.":    "The request failed; check",
		"One. Two.\r\n":          "One. Two; check",
		"nobody knows":           "nobody knows; check",
		"there is more to it...": "there is more to it...; check",
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ func()) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, said)
		})
		_, failed := get(t, client(transport.Config{Message: func(body []byte) string { return string(body) }}), s.URL)
		wantText(t, failed, want)
	}
}

func wantText(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v\ndoes not say %q", err, part)
		}
	}
}

// freeAddress is an address at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := porttest.Free()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint("127.0.0.1:", port)
}

func TestARefusedConnectionWasNeverSent(t *testing.T) {
	address := freeAddress(t)
	res, err := get(t, client(transport.Config{Retries: 1}), "http://user:pw@"+address+"/groups?token=abc")
	if res != nil || err == nil || err.Kind != transport.NotSent {
		t.Fatalf("got %+v, %v", res, err)
	}
	wantText(t, err, "HSM", "GET http://"+address+"/groups", "connection refused", "check inventory.hsm.url")
	if strings.Contains(err.Error(), "abc") {
		t.Errorf("error shows the query: %v", err)
	}
}

func TestAnUnresolvableNameWasNeverSent(t *testing.T) {
	_, err := get(t, client(transport.Config{}), "http://no-such-host.invalid/")
	if err == nil || err.Kind != transport.NotSent {
		t.Fatalf("got %v", err)
	}
	wantText(t, err, "no-such-host.invalid")
}

func TestAnUntrustedCertificateWasNeverSent(t *testing.T) {
	var asked atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	defer s.Close()
	_, err := get(t, client(transport.Config{}), s.URL)
	if err == nil || err.Kind != transport.NotSent || asked.Load() != 0 {
		t.Fatalf("got %v after %d requests", err, asked.Load())
	}
	wantText(t, err, "certificate is not trusted")
}

func TestAServerThatDoesNotSpeakTLSWasNeverSent(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request, func()) {})
	_, err := get(t, client(transport.Config{}), strings.Replace(s.URL, "http:", "https:", 1))
	if err == nil || err.Kind != transport.NotSent {
		t.Fatalf("got %v", err)
	}
}

func TestATLSHandshakeThatHangsWasNeverSent(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test is over
	_, failed := get(t, client(transport.Config{Timeout: 500 * time.Millisecond}), "https://"+l.Addr().String())
	if failed == nil || failed.Kind != transport.NotSent {
		t.Fatalf("got %v", failed)
	}
	wantText(t, failed, "no connection in time")
}

// unplugged is a client of a server that answers nothing asked under /silent, and all else at
// once. There is no socket between them, so that in a bubble no time passes but by waiting.
func unplugged(c transport.Config) *transport.Client {
	c.Upstream, c.WayOut = "HSM", transport.Always("check inventory.hsm.url")
	return transport.New(c, transport.NewConn(transport.ConnConfig{Direct: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close() //nolint:errcheck // nothing is left to say
			r := bufio.NewReader(there)
			for {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				if req.URL.Path != "/silent" {
					_, err = io.WriteString(there, "HTTP/1.1 204 No Content\r\n\r\n")
				}
				if err != nil {
					return
				}
			}
		}()
		return here, nil
	}}))
}

func TestASilentServerWasSentAndDidNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := get(t, unplugged(transport.Config{Timeout: 500 * time.Millisecond}), "http://hsm/silent")
		if err == nil || err.Kind != transport.Unanswered || err.Cancelled {
			t.Fatalf("got %+v", err)
		}
		wantText(t, err, "no answer within 500ms")
	})
}

// TestWhoGivesUpEarlierIsNotToldOfTheWholeTimeout: a check with 3 s said "no answer
// within 30s".
func TestWhoGivesUpEarlierIsNotToldOfTheWholeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := unplugged(transport.Config{Timeout: 30 * time.Second}).Do(ctx, transport.Request{Method: http.MethodGet, URL: "http://hsm/silent"})
		if err == nil {
			t.Fatal("it was answered")
		}
		wantText(t, err, "no answer within 500ms")
	})
}

func TestATimeoutThatChangesHoldsForTheNextRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timeout := time.Minute
		c := unplugged(transport.Config{TimeoutNow: func() time.Duration { return timeout }})
		if _, failed := get(t, c, "http://hsm/"); failed != nil {
			t.Fatal(failed)
		}
		timeout = 50 * time.Millisecond
		if _, failed := get(t, c, "http://hsm/silent"); failed == nil || failed.Kind != transport.Unanswered || !strings.Contains(failed.Error(), "50ms") {
			t.Errorf("got %v", failed)
		}
	})
}

func TestABearerTokenIsReadForEachRequestAndNeverShown(t *testing.T) {
	const token = "eyJhbGciOi.secret"
	var got []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ func()) {
		got = append(got, r.Header.Get("Authorization"))
		http.Error(w, "who is "+r.Header.Get("Authorization"), http.StatusUnauthorized)
	})
	tokens := []string{token, "", token + "2"}
	var problem error
	var refused []string
	c := transport.Upstream{URL: s.URL + "/", Refused: func(token string) { refused = append(refused, token) }, Bearer: func() (string, error) {
		if problem != nil {
			return "", problem
		}
		next := tokens[0]
		tokens = tokens[1:]
		return next, nil
	}}.Open(transport.Config{Upstream: "HSM", Timeout: time.Minute})
	ask := func() error {
		_, err := c.Do(t.Context(), transport.Request{Method: http.MethodGet, URL: s.URL})
		if err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("got %v", err)
		}
		return err
	}
	for range 3 {
		_ = ask()
	}
	if want := []string{"Bearer " + token, "", "Bearer " + token + "2"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	if want := []string{token, token + "2"}; !slices.Equal(refused, want) {
		t.Errorf("told that %q were refused, want %q", refused, want)
	}
	problem = errors.New("no such file")
	if failed := check(t, ask()); failed == nil || failed.Kind != transport.NotSent || len(got) != 3 {
		t.Errorf("got %v after %d requests", failed, len(got))
	}
}

func TestAConnectionThatBreaksWasSentAndNotAnswered(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request, func()) { panic(http.ErrAbortHandler) })
	_, err := client(transport.Config{}).Do(t.Context(), transport.Request{Method: http.MethodPost, URL: s.URL, Body: 1})
	if failed := check(t, err); failed == nil || failed.Kind != transport.Unanswered {
		t.Fatalf("got %v", err)
	}
	wantText(t, err, "broke")
}

func TestABodyThatNeverEndsKeepsTheStatus(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, hold func()) {
		_, _ = io.WriteString(w, "{")
		w.(http.Flusher).Flush()
		hold()
	})
	res, err := get(t, client(transport.Config{Timeout: 500 * time.Millisecond}), s.URL)
	if err == nil || err.Kind != transport.Unanswered || res == nil || res.Status != http.StatusOK {
		t.Fatalf("got %+v, %v", res, err)
	}
}

func TestABodyAboveTheCapIsBrokenAndOneAtTheCapIsNot(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ func()) {
		_, _ = io.Copy(w, io.LimitReader(zeros{}, map[string]int64{"/at": 100, "/above": 101}[r.URL.Path]))
	})
	c := client(transport.Config{MaxBody: 100})
	if res, err := get(t, c, s.URL+"/at"); err != nil || len(res.Body) != 100 {
		t.Errorf("at the cap: %v", err)
	}
	res, err := get(t, c, s.URL+"/above")
	if err == nil || err.Kind != transport.Broken || len(res.Body) != 0 {
		t.Errorf("above the cap: %v", err)
	}
	wantText(t, err, "above 100 bytes")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestTheAnswerToAHeadSaysHowLongABodyWouldBeAndHasNone(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ func()) { w.Header().Set("Content-Length", "4711") })
	res, err := client(transport.Config{}).Do(t.Context(), transport.Request{Method: http.MethodHead, URL: s.URL})
	if err != nil || len(res.Body) != 0 || res.Header.Get("Content-Length") != "4711" {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestAStatusSaysWhatTheServerSaidWithoutEchoedCredentials(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ func()) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"title":"Bad Request","detail":"no \n such %s as %s"}`, r.Header.Get("Authorization"), password)
	})
	res, err := get(t, client(transport.Config{}), s.URL+"/x")
	if err == nil || err.Kind != transport.Refused || err.Status != 400 || res.Status != 400 || err.RetryAfter != 7*time.Second {
		t.Fatalf("got %+v", err)
	}
	wantText(t, err, "HSM answered 400 Bad Request to GET "+s.URL+"/x", "no such Basic *** as ***")
}

func TestACancelledRequestSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(_ http.ResponseWriter, _ *http.Request, hold func()) { cancel(); hold() })
	_, err := client(transport.Config{Retries: 5}).Do(ctx, transport.Request{Method: http.MethodGet, URL: s.URL})
	if failed := check(t, err); failed == nil || !failed.Cancelled || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestOnlyReadsAreRepeated(t *testing.T) {
	for _, c := range []struct {
		name   string
		method string
		status int
		after  string
		want   int32
	}{
		{"a GET answered 503", http.MethodGet, 503, "", 3},
		{"a GET answered 503 with a wish that can be met", http.MethodGet, 503, "0", 3},
		{"a GET answered 503 with a wish beyond the pause", http.MethodGet, 503, "60", 1},
		{"a GET answered 500", http.MethodGet, 500, "", 1},
		{"a GET answered 404", http.MethodGet, 404, "", 1},
		{"a PUT answered 503", http.MethodPut, 503, "", 1},
		{"a POST answered 503", http.MethodPost, 503, "", 1},
		{"a POST whose connection breaks", http.MethodPost, 0, "", 1},
		{"a PUT whose connection breaks", http.MethodPut, 0, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int32
			s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ func()) {
				asked.Add(1)
				if c.status == 0 {
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("Retry-After", c.after)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, `{"detail":"go away"}`)
			})
			_, err := client(transport.Config{Retries: 2}).Do(t.Context(), transport.Request{Method: c.method, URL: s.URL})
			failed := check(t, err)
			if asked.Load() != c.want || failed == nil || failed.Status != c.status {
				t.Errorf("asked %d times, want %d: %v", asked.Load(), c.want, err)
			}
			if c.status != 0 && failed.Message != "go away" {
				t.Errorf("the last answer was not read: %v", err)
			}
		})
	}
}

func TestAReadThatWorksAtTheSecondTryIsNoError(t *testing.T) {
	var asked atomic.Int32
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ func()) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, `{"a":1}`)
	})
	var v struct{ A int }
	err := client(transport.Config{Retries: 2}).JSON(t.Context(), transport.Request{Method: http.MethodGet, URL: s.URL}, &v)
	if err != nil || v.A != 1 {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestRedirectsStayOnTheHostAndOnlyForReads(t *testing.T) {
	var elsewhere atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request, func()) { elsewhere.Add(1) })
	var moved atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ func()) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/?token=abc", http.StatusTemporaryRedirect)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
		case "/there":
			moved.Add(1)
		}
	})
	c := client(transport.Config{})
	if _, err := get(t, c, s.URL+"/here"); err != nil || moved.Load() != 1 {
		t.Errorf("a read within the host: %v", err)
	}
	_, err := get(t, c, s.URL+"/away")
	if err == nil || err.Status != http.StatusTemporaryRedirect {
		t.Errorf("a read across hosts: %v", err)
	}
	wantText(t, err, "a redirect to "+other.URL+"/ that is not followed")
	if _, err := get(t, c, s.URL+"/round"); err == nil || err.Status != http.StatusFound {
		t.Errorf("a read that goes round: %v", err)
	}
	_, posted := c.Do(t.Context(), transport.Request{Method: http.MethodPost, URL: s.URL + "/here", Body: 1})
	if failed := check(t, posted); failed == nil || failed.Status != http.StatusTemporaryRedirect {
		t.Errorf("a change: %v", posted)
	}
	if moved.Load() != 1 || elsewhere.Load() != 0 {
		t.Errorf("%d followed changes, %d requests elsewhere", moved.Load()-1, elsewhere.Load())
	}
}

func TestAnAnswerThatIsNotTheExpectedJSONIsBroken(t *testing.T) {
	for _, c := range []struct{ name, body, says string }{
		{"an empty body", "", "is empty"},
		{"a page", "<html>", "cannot be used"},
		{"another type", `{"a":"x"}`, "cannot be used"},
		{"half an answer", `{"a":`, "cannot be used"},
		{"two answers", `{"a":1}{"a":2}`, "cannot be used"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ func()) { _, _ = io.WriteString(w, c.body) })
			var v struct{ A int }
			err := client(transport.Config{}).JSON(t.Context(), transport.Request{Method: http.MethodGet, URL: s.URL}, &v)
			if failed := check(t, err); failed == nil || failed.Kind != transport.Broken {
				t.Fatalf("got %v", err)
			}
			wantText(t, err, c.says)
		})
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	var opened atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") == "" || r.Header.Get("Accept") != "application/json" {
			w.WriteHeader(http.StatusNotAcceptable)
		}
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write(bytes.Repeat([]byte("x"), 5000))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := client(transport.Config{Retries: 1})
	for _, path := range []string{"/good", "/bad", "/good"} {
		_, err := get(t, c, s.URL+path)
		if (err != nil) != (path == "/bad") {
			t.Errorf("GET %s: %v", path, err)
		}
	}
	if opened.Load() != 1 {
		t.Errorf("%d connections, want 1", opened.Load())
	}
}
