package redfish_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// inventory is a Config.Endpoints that can change and fail, and tells when it
// was asked.
type inventory struct {
	mu    sync.Mutex
	known map[string]redfish.Endpoint
	err   error
	asked chan struct{}
}

func (i *inventory) endpoints(context.Context) (map[string]redfish.Endpoint, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked <- struct{}{}
	return i.known, i.err
}

func (i *inventory) set(known map[string]redfish.Endpoint, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.known, i.err = known, err
}

func (i *inventory) wantAsked(t *testing.T, times int) {
	t.Helper()
	if len(i.asked) != times {
		t.Errorf("asked %d times, want %d", len(i.asked), times)
	}
	for range len(i.asked) {
		<-i.asked
	}
}

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func located(t *testing.T, known map[string]redfish.Endpoint, err error) (*redfish.Client, *inventory, *clock) {
	t.Helper()
	i := &inventory{known: known, err: err, asked: make(chan struct{}, 100)}
	c := connect(t, redfish.Config{Endpoints: i.endpoints})
	now := &clock{now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
	c.SetClock(now.time)
	return c, i, now
}

func TestEndpointsAreAskedForOnceUntilTheyAreOld(t *testing.T) {
	b := startBMC(t, powered("On"))
	c, i, now := located(t, map[string]redfish.Endpoint{node: b.endpoint("1")}, nil)
	probe(t.Context(), t, c, node)
	now.pass(59 * time.Second)
	probe(t.Context(), t, c, node)
	i.wantAsked(t, 1)
	now.pass(time.Second)
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
	c.Settle()
	i.wantAsked(t, 1)
}

func TestAMissingNodeIsAskedForButNotAllTheTime(t *testing.T) {
	b := startBMC(t, powered("On"))
	known := map[string]redfish.Endpoint{node: b.endpoint("1")}
	c, i, now := located(t, known, nil)
	const added = "x3000c0s2b0n0"
	wantReading(t, probe(t.Context(), t, c, node, added).results[added], bos.PowerStateUnknown, bos.SymptomNone, bos.CauseUnknownToPower)
	i.wantAsked(t, 1)
	i.set(map[string]redfish.Endpoint{node: b.endpoint("1"), "X3000c0s02b0n0": b.endpoint("2")}, nil)
	now.pass(14 * time.Second)
	wantReading(t, probe(t.Context(), t, c, added).results[added], bos.PowerStateUnknown, bos.SymptomNone, bos.CauseUnknownToPower)
	i.wantAsked(t, 0)
	now.pass(time.Second)
	wantReading(t, probe(t.Context(), t, c, added).results[added], bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
	i.wantAsked(t, 1)
}

func TestWhatIsKnownOutlivesAnInventoryThatFails(t *testing.T) {
	b := startBMC(t, powered("On"))
	c, i, now := located(t, map[string]redfish.Endpoint{node: b.endpoint("1")}, nil)
	probe(t.Context(), t, c, node)
	i.wantAsked(t, 1)
	i.set(nil, errors.New("HSM is away"))
	for range 3 {
		now.pass(time.Hour)
		wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
		c.Settle()
		i.wantAsked(t, 1)
	}
}

func TestAFailedInventoryIsAskedAgainAfterAPause(t *testing.T) {
	b := startBMC(t, powered("On"))
	c, i, now := located(t, nil, errors.New("HSM is away"))
	for range 3 {
		wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomSilent, bos.CauseUpstreamOutage, "HSM is away")
	}
	i.wantAsked(t, 1)
	i.set(map[string]redfish.Endpoint{node: b.endpoint("1")}, nil)
	now.pass(5 * time.Second)
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
	i.wantAsked(t, 1)
}

func TestKnownNodesDoNotWaitForTheInventory(t *testing.T) {
	b := startBMC(t, powered("On"))
	release := make(chan struct{})
	var first sync.Once
	c := connect(t, redfish.Config{Endpoints: func(context.Context) (map[string]redfish.Endpoint, error) {
		wait := true
		first.Do(func() { wait = false })
		if wait {
			<-release
		}
		return map[string]redfish.Endpoint{node: b.endpoint("1")}, nil
	}})
	now := &clock{now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
	c.SetClock(now.time)
	probe(t.Context(), t, c, node)
	now.pass(time.Hour)
	got := readings(t)
	got.then = func(r bos.PowerReading) {
		if r.ID == node {
			close(release)
		}
	}
	c.Probe(t.Context(), []string{"x9c0s0b0n0", node}, got.each)
	if len(got.order) != 2 || got.order[0] != node {
		t.Errorf("order %v", got.order)
	}
}

func TestAnEndpointStaysOnItsBMC(t *testing.T) {
	for _, c := range []struct {
		name     string
		from     redfish.Endpoint
		ok       bool
		address  string
		system   string
		resetsAt string
	}{
		{"a host", redfish.Endpoint{Address: "bmc", System: "/s", Target: "/r"}, true, "bmc", "/s", "/r"},
		{"a host with a port", redfish.Endpoint{Address: "bmc:8443", System: "/s"}, true, "bmc:8443", "/s", ""},
		{"an IPv6 address", redfish.Endpoint{Address: "fd00::1", System: "/s"}, true, "[fd00::1]", "/s", ""},
		{"an escaped path", redfish.Endpoint{Address: "bmc", System: "/s%2F1"}, true, "bmc", "/s%2F1", ""},
		{"its own address in full", redfish.Endpoint{Address: "bmc", System: "/s", Target: "https://bmc/r"}, true, "bmc", "/s", "/r"},
		{"a target elsewhere", redfish.Endpoint{Address: "bmc", System: "/s", Target: "https://evil/r"}, true, "bmc", "/s", ""},
		{"a target elsewhere without scheme", redfish.Endpoint{Address: "bmc", System: "/s", Target: "//evil/r"}, true, "bmc", "/s", ""},
		{"a target that is no path", redfish.Endpoint{Address: "bmc", System: "/s", Target: "r"}, true, "bmc", "/s", ""},
		{"a system elsewhere", redfish.Endpoint{Address: "bmc", System: "//evil/s"}, false, "", "", ""},
		{"credentials in the address", redfish.Endpoint{Address: "u:p@bmc", System: "/s"}, false, "", "", ""},
		{"a path in the address", redfish.Endpoint{Address: "bmc/x", System: "/s"}, false, "", "", ""},
		{"a query in the address", redfish.Endpoint{Address: "bmc?x", System: "/s"}, false, "", "", ""},
		{"no address", redfish.Endpoint{System: "/s"}, false, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := redfish.Usable(c.from)
			if ok := got.Fault == ""; ok != c.ok || got.Address != c.address || got.System != c.system || got.Target != c.resetsAt {
				t.Errorf("got %+v, %v", got, ok)
			}
		})
	}
}

func TestABMCMayHaveACertificateAndCredentialsOfItsOwn(t *testing.T) {
	const secret = "its own password"
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, _ *http.Request, _ string) {
		_, _ = io.WriteString(w, `{"PowerState":"On"}`)
	})
	sum := sha256.Sum256(b.Certificate().Raw)
	pin := hex.EncodeToString(sum[:])
	ours := func(trust transport.Trust) redfish.Endpoint {
		e := b.endpoint("1")
		e.Trust = trust
		return e
	}
	strangers := ours(transport.Trust{Insecure: true})
	strangers.User, strangers.Password = "other", secret
	for name, c := range map[string]struct {
		e       redfish.Endpoint
		state   bos.PowerState
		symptom bos.Symptom
		cause   bos.Cause
		says    string
	}{
		"no certificate of its own": {ours(transport.Trust{}), "", bos.SymptomSilent, "", "not trusted"},
		"the pinned one":            {ours(transport.Trust{Pin: pin}), bos.PowerStateOn, bos.SymptomNone, "", ""},
		"another than the pinned":   {ours(transport.Trust{Pin: strings.Repeat("0", 64)}), "", bos.SymptomSilent, "", pin},
		"any":                       {ours(transport.Trust{Insecure: true}), bos.PowerStateOn, bos.SymptomNone, "", ""},
		"other credentials":         {strangers, "", bos.SymptomRefusing, bos.CauseBMCAuth, "inventory file"},
	} {
		t.Run(name, func(t *testing.T) {
			client := redfish.New(redfish.Config{
				Endpoints: fixed(map[string]redfish.Endpoint{"x1c0s0b0n0": c.e}), CA: trusted(x509.NewCertPool()), User: user, Password: password,
			})
			defer client.Close()
			got := probe(t.Context(), t, client, "x1c0s0b0n0").results["x1c0s0b0n0"]
			if got.State != c.state || got.Symptom != c.symptom || got.Cause != c.cause || !strings.Contains(got.Detail, c.says) || strings.Contains(got.Detail, secret) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// trusted are authorities that never change.
func trusted(pool *x509.CertPool) func() *x509.CertPool { return func() *x509.CertPool { return pool } }
