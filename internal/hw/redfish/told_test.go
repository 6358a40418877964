package redfish_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// suites are those of a BMC of around 2015, which has no forward secrecy.
var suites = []uint16{tls.TLS_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_RSA_WITH_AES_128_CBC_SHA}

// speaking is a BMC with TLS of its own, that is switched on.
func speaking(t *testing.T, config *tls.Config) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"PowerState":"On"}`) }))
	s.TLS, s.Config.ErrorLog = config, log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// answering is a port at which each connection is answered with a text.
func answering(t *testing.T, text string) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadByte()
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// TestWhatIsWrongWithABMCIsToldWithItsAddressAndTheWayOut: each of what real BMCs
// answer in place of a power state.
func TestWhatIsWrongWithABMCIsToldWithItsAddressAndTheWayOut(t *testing.T) {
	body := func(text string) string { return startBMC(t, always(http.StatusOK, text)).address }
	hgx := startBMC(t, listing([2]string{"/redfish/v1/Systems/1", ""}, [2]string{"/redfish/v1/Systems/HGX_Baseboard_0", ""})).address
	for name, c := range map[string]struct {
		address, system string
		says            []string
	}{
		"two systems":            {hgx, "", []string{"/redfish/v1/Systems/1", "HGX_Baseboard_0", "give its path or its UUID"}},
		"no system":              {startBMC(t, listing()).address, "", []string{"lists no system"}},
		"TLS 1.0":                {speaking(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}), "/s", []string{"TLS handshake failed", "tls: legacy"}},
		"no forward secrecy":     {speaking(t, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: suites}), "/s", []string{"TLS handshake failed", "tls: legacy"}},
		"http on the port":       {answering(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), "/s", []string{"does not speak TLS", "HTTPS"}},
		"garbage on the port":    {answering(t, "\x00\x01\x02"), "/s", []string{"check"}},
		"a name that is nowhere": {"bmc.invalid", "/s", []string{"cannot be resolved", "have the name resolved"}},
		"PowerState null":        {body(`{"PowerState":null}`), "/s", []string{"no PowerState"}},
		"PowerState Reset":       {body(`{"PowerState":"Reset"}`), "/s", []string{`"Reset"`}},
		"PowerState Standby":     {body(`{"PowerState":"Standby"}`), "/s", []string{`"Standby"`}},
		"a NUL in the body":      {body("{\"PowerState\":\"On\"\x00}"), "/s", []string{"no ComputerSystem"}},
		"NaN in the body":        {body(`{"PowerState":NaN}`), "/s", []string{"no ComputerSystem"}},
		"3 MB":                   {body(strings.Repeat(" ", 3<<20)), "/s", []string{"above 1048576 bytes"}},
		"503":                    {startBMC(t, always(http.StatusServiceUnavailable, "")).address, "/s", []string{"503"}},
		"sessions only":          {startBMC(t, always(http.StatusUnauthorized, "")).address, "/s", []string{"401", "power.redfish.sessions: true"}},
	} {
		t.Run(name, func(t *testing.T) {
			c1 := connect(t, redfish.Config{Insecure: true, Endpoints: fixed(map[string]redfish.Endpoint{node: {Address: c.address, System: c.system}})})
			r := probe(t.Context(), t, c1, node).results[node]
			if r.State != bos.PowerStateUnknown {
				t.Fatalf("its power is %q", r.State)
			}
			wantSaid(t, r.Detail, append(c.says, c.address))
		})
	}
}

// TestHardenedAndOldBMCsAreSpokenTo: the former as they are, the latter where the
// settings say so, and then with the same care for the certificate.
func TestHardenedAndOldBMCsAreSpokenTo(t *testing.T) {
	old := map[string]*tls.Config{
		"TLS 1.0":            {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10},
		"no forward secrecy": {MaxVersion: tls.VersionTLS12, CipherSuites: suites},
	}
	for name, config := range old {
		for _, legacy := range []bool{false, true} {
			address := speaking(t, config.Clone())
			r := probe(t.Context(), t, connectTo(t, redfish.Endpoint{Address: address, System: "/s", Trust: transport.Trust{Legacy: legacy}}), node).results[node]
			if (r.State == bos.PowerStateOn) != legacy {
				t.Errorf("%s, legacy %t: %+v", name, legacy, r)
			}
		}
		stranger := redfish.New(redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{node: {Address: speaking(t, config.Clone()), System: "/s", Trust: transport.Trust{Legacy: true, Pin: strings.Repeat("0", 64)}}})})
		wantReading(t, probe(t.Context(), t, stranger, node).results[node], bos.PowerStateUnknown, bos.SymptomSilent, bos.CauseNone, "pinned", "pins_file")
		stranger.Close()
	}
	for _, curve := range []tls.CurveID{tls.CurveP384, tls.CurveP521} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			hardened := &tls.Config{CurvePreferences: []tls.CurveID{curve}, MinVersion: version, MaxVersion: version}
			probeOn(t, connectTo(t, redfish.Endpoint{Address: speaking(t, hardened), System: "/s"}))
		}
	}
}

// TestCredentialsGoToTheNetworksOfBMCsAlone: what counts is where a name leads.
func TestCredentialsGoToTheNetworksOfBMCsAlone(t *testing.T) {
	b := startBMC(t, powered("On"))
	_, port, _ := net.SplitHostPort(b.address)
	for network, allowed := range map[string]bool{"10.1.0.0/16": false, "127.0.0.0/8": true} {
		for _, host := range []string{"127.0.0.1", "localhost"} {
			c := connect(t, redfish.Config{
				Insecure: true, Networks: []netip.Prefix{netip.MustParsePrefix(network)},
				Endpoints: fixed(map[string]redfish.Endpoint{node: {Address: host + ":" + port, System: "/redfish/v1/Systems/1", Target: "/r", ResetTypes: []string{"On"}}}),
			})
			before := len(b.asked())
			r, done := probe(t.Context(), t, c, node).results[node], apply(t.Context(), t, c, bos.PowerOn, node).results[node]
			if allowed {
				wantReading(t, r, bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
				wantResult(t, done, bos.CallDone, bos.CauseNone)
				continue
			}
			wantReading(t, r, bos.PowerStateUnknown, bos.SymptomSilent, bos.CauseNone, "power.redfish.networks")
			wantResult(t, done, bos.CallNotAttempted, bos.CauseBMCUnreachable, "power.redfish.networks")
			if len(b.asked()) != before {
				t.Errorf("%s was asked: %q", host, b.asked())
			}
		}
	}
}

// TestABMCWhoseNameIsInNoDNSIsReachedAtTheAddressOfTheInventory: and its certificate is
// still that of its name.
func TestABMCWhoseNameIsInNoDNSIsReachedAtTheAddressOfTheInventory(t *testing.T) {
	b := startBMC(t, powered("On"))
	_, port, _ := net.SplitHostPort(b.address)
	asked := ""
	c := connect(t, redfish.Config{
		Insecure: true, Endpoints: fixed(map[string]redfish.Endpoint{node: {Address: "x3000c0s1b0.invalid:" + port, System: "/s"}}),
		Resolve: func(_ context.Context, host string) (netip.Addr, bool) {
			asked = host
			return netip.MustParseAddr("127.0.0.1"), true
		},
	})
	probeOn(t, c)
	if asked != "x3000c0s1b0.invalid" {
		t.Errorf("asked for %q", asked)
	}
}

// TestABMCMayTakeItsTimeByItself: its timeouts are its own, to the millisecond of
// virtual time.
func TestABMCMayTakeItsTimeByItself(t *testing.T) {
	const read, reset = 50 * time.Millisecond, 60 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		f, pool, stop := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the client has gone
			<-r.Context().Done()
		})
		e := redfish.Endpoint{
			Address: "bmc.example.com", System: "/redfish/v1/Systems/1", Target: resetPath, ResetTypes: []string{"On", "ForceOff"},
			Read: read, Reset: reset,
		}
		c := redfish.New(redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{node: e}), CA: trusted(pool), User: user, Password: password, Dial: f.dial})
		began := time.Now()
		wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomSilent, bos.CauseNone, "within 50ms")
		if took := time.Since(began); took != read {
			t.Errorf("a read took %s", took)
		}
		began = time.Now()
		wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallUnknown, bos.CauseResetUnconfirmed, "within 60ms")
		if took := time.Since(began); took != reset {
			t.Errorf("a reset took %s", took)
		}
		c.Close()
		stop()
	})
}

// TestABMCMayBeLoggedInToByItself: whatever is done at the others.
func TestABMCMayBeLoggedInToByItself(t *testing.T) {
	for _, site := range []bool{false, true} {
		b := startBMC(t, powered("On"))
		e, own := b.endpoint("1"), !site
		e.Sessions = &own
		c := connect(t, redfish.Config{Sessions: site, Endpoints: fixed(map[string]redfish.Endpoint{node: e})})
		probe(t.Context(), t, c, node)
		if login := strings.Contains(fmt.Sprint(b.asked()), "POST /redfish/v1/SessionService/Sessions"); login != own {
			t.Errorf("sessions %t for all and %t for it: %q", site, own, b.asked())
		}
	}
}
