package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

func TestTLSOffersClassicalCurvesOnlyAndResumes(t *testing.T) {
	var hybrid, resumed atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.DidResume {
			resumed.Add(1)
		}
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "{}")
	}))
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		for _, curve := range hello.SupportedCurves {
			if !slices.Contains([]tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}, curve) {
				hybrid.Add(1)
			}
		}
		return nil, nil
	}}
	s.StartTLS()
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	c := transport.New(transport.Config{Upstream: "the BMC"}, transport.NewConn(transport.ConnConfig{CA: func() *x509.CertPool { return pool }, Direct: true}))
	for range 3 {
		if _, err := get(t, c, s.URL); err != nil {
			t.Fatal(err)
		}
	}
	if hybrid.Load() != 0 || resumed.Load() != 2 {
		t.Errorf("%d other curves offered, %d of 2 sessions resumed", hybrid.Load(), resumed.Load())
	}
}

func TestInsecureAcceptsAnyCertificateAndNothingElseDoes(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	defer s.Close()
	for _, insecure := range []bool{false, true} {
		c := transport.New(transport.Config{Upstream: "the BMC"}, transport.NewConn(transport.ConnConfig{Insecure: insecure}))
		if _, err := get(t, c, s.URL); (err == nil) != insecure {
			t.Errorf("insecure %v: %v", insecure, err)
		}
	}
}

func TestThereIsRoomForAnIdleConnection(t *testing.T) {
	conn := transport.NewConn(transport.ConnConfig{})
	if conn.MaxIdleConns < 1 || conn.MaxIdleConns > 10_000 || conn.DisableKeepAlives {
		t.Errorf("room for %d", conn.MaxIdleConns)
	}
}
