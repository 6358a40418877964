package redfish_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

const (
	user     = "root"
	password = "initial0-s3cret"
	// patience is the request timeout where a BMC hangs: time enough for a
	// TLS handshake on a loaded machine.
	patience = time.Second
)

// bmc is a BMC over TLS that does what its handler says.
type bmc struct {
	*httptest.Server
	address string

	mu       sync.Mutex
	requests []string // "GET /path" or "POST /path ResetType"

	inFlight, most, opened atomic.Int32
	over                   chan struct{}
}

// startBMC starts a BMC; it is stopped with the test, after hold was let go.
func startBMC(t testing.TB, handler func(b *bmc, w http.ResponseWriter, r *http.Request, reset string)) *bmc {
	t.Helper()
	b := &bmc{over: make(chan struct{})}
	b.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := b.inFlight.Add(1)
		defer b.inFlight.Add(-1)
		for most := b.most.Load(); now > most && !b.most.CompareAndSwap(most, now); most = b.most.Load() {
		}
		var body struct{ ResetType string }
		if r.Method == http.MethodPost {
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Errorf("POST without a JSON body: %v", err)
			}
		}
		b.mu.Lock()
		b.requests = append(b.requests, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+body.ResetType))
		b.mu.Unlock()
		if u, p, ok := r.BasicAuth(); !ok || u != user || p != password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler(b, w, r, body.ResetType)
	}))
	b.Config.ErrorLog = log.New(io.Discard, "", 0)
	b.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			b.opened.Add(1)
		}
	}
	b.StartTLS()
	b.address = b.Listener.Addr().String()
	t.Cleanup(b.Close)
	t.Cleanup(func() { close(b.over) })
	return b
}

// hold blocks until the test is over.
func (b *bmc) hold() { <-b.over }

func (b *bmc) asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.requests...)
}

func (b *bmc) posts() (posts []string) {
	for _, r := range b.asked() {
		if strings.HasPrefix(r, "POST ") {
			posts = append(posts, r)
		}
	}
	return posts
}

// endpoint is a system of the BMC with all that is known of its reset action.
func (b *bmc) endpoint(system string) redfish.Endpoint {
	path := "/redfish/v1/Systems/" + system
	return redfish.Endpoint{
		Address: b.address, System: path, Target: path + "/Actions/ComputerSystem.Reset",
		ResetTypes: []string{"On", "ForceOff", "GracefulShutdown"},
	}
}

// always is a handler that gives one answer.
func always(status int, body string) func(*bmc, http.ResponseWriter, *http.Request, string) {
	return func(_ *bmc, w http.ResponseWriter, _ *http.Request, _ string) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func powered(state string) func(*bmc, http.ResponseWriter, *http.Request, string) {
	return always(http.StatusOK, fmt.Sprintf(`{"PowerState":%q}`, state))
}

// fixed is a Config.Endpoints that always says the same.
func fixed(m map[string]redfish.Endpoint) func(context.Context) (map[string]redfish.Endpoint, error) {
	return func(context.Context) (map[string]redfish.Endpoint, error) { return m, nil }
}

// connect makes a client that trusts the certificates of httptest.
func connect(t testing.TB, c redfish.Config) *redfish.Client {
	t.Helper()
	if c.CA == nil && !c.Insecure {
		s := httptest.NewUnstartedServer(nil)
		s.StartTLS()
		pool := x509.NewCertPool()
		pool.AddCert(s.Certificate())
		c.CA = trusted(pool)
		s.Close()
	}
	c.User = user
	if c.Password == "" && c.PasswordFrom == nil {
		c.Password = password
	}
	if c.Read == 0 {
		c.Read = 10 * time.Second
	}
	client := redfish.New(c)
	t.Cleanup(client.Close)
	return client
}

// connectTo connects to the endpoint of a single node.
func connectTo(t testing.TB, e redfish.Endpoint) *redfish.Client {
	t.Helper()
	return connect(t, redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{node: e})})
}

const node = "x3000c0s1b0n0"

// collector asserts that it is called once per id and never concurrently.
type collector[T any] struct {
	t       testing.TB
	id      func(T) string
	text    func(T) string
	busy    atomic.Bool
	results map[string]T
	order   []string
	then    func(T)
}

func (c *collector[T]) each(r T) {
	if !c.busy.CompareAndSwap(false, true) {
		c.t.Error("each was called concurrently")
	}
	defer c.busy.Store(false)
	if _, again := c.results[c.id(r)]; again {
		c.t.Errorf("%s was reported twice", c.id(r))
	}
	if strings.Contains(c.text(r), password) || strings.Contains(c.text(r), "cm9vd") {
		c.t.Errorf("detail shows the credentials: %s", c.text(r))
	}
	if len(c.text(r)) > 800 || strings.ContainsAny(c.text(r), "\r\n") {
		c.t.Errorf("detail is no single sentence: %q", c.text(r))
	}
	c.results[c.id(r)] = r
	c.order = append(c.order, c.id(r))
	if c.then != nil {
		c.then(r)
	}
}

func readings(t testing.TB) *collector[bos.PowerReading] {
	return &collector[bos.PowerReading]{
		t: t, results: map[string]bos.PowerReading{},
		id: func(r bos.PowerReading) string { return r.ID }, text: func(r bos.PowerReading) string { return r.Detail },
	}
}

func results(t testing.TB) *collector[bos.CallResult] {
	return &collector[bos.CallResult]{
		t: t, results: map[string]bos.CallResult{},
		id: func(r bos.CallResult) string { return r.ID }, text: func(r bos.CallResult) string { return r.Detail },
	}
}

func probe(ctx context.Context, t testing.TB, c *redfish.Client, ids ...string) *collector[bos.PowerReading] {
	t.Helper()
	got := readings(t)
	c.Probe(ctx, ids, got.each)
	return got
}

func apply(ctx context.Context, t testing.TB, c *redfish.Client, op bos.PowerOp, ids ...string) *collector[bos.CallResult] {
	t.Helper()
	got := results(t)
	c.Apply(ctx, op, ids, got.each)
	return got
}

func wantReading(t testing.TB, got bos.PowerReading, state bos.PowerState, symptom bos.Symptom, cause bos.Cause, says ...string) {
	t.Helper()
	if got.State != state || got.Symptom != symptom || got.Cause != cause {
		t.Errorf("state %q, symptom %d, cause %q; want %q, %d, %q: %s", got.State, got.Symptom, got.Cause, state, symptom, cause, got.Detail)
	}
	wantSaid(t, got.Detail, says)
}

func wantResult(t testing.TB, got bos.CallResult, outcome bos.CallOutcome, cause bos.Cause, says ...string) {
	t.Helper()
	if got.Outcome != outcome || got.Cause != cause {
		t.Errorf("outcome %d, cause %q; want %d, %q: %s", got.Outcome, got.Cause, outcome, cause, got.Detail)
	}
	if (got.Detail == "") != (outcome == bos.CallDone) {
		t.Errorf("outcome %d with the detail %q", got.Outcome, got.Detail)
	}
	wantSaid(t, got.Detail, says)
}

func wantSaid(t testing.TB, text string, parts []string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("detail %q does not say %q", text, part)
		}
	}
}

// closedAddress is an address at which nobody listens.
func closedAddress(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it is only for the port
	return l.Addr().String()
}
