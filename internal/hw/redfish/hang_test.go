package redfish_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// fabric is a network in memory, so that a whole room fits into virtual time:
// whatever is dialled is answered by one server, over TLS.
type fabric struct {
	conns  chan net.Conn
	closed chan struct{}
	config *tls.Config
}

// mint makes a certificate for a host, as a server and its clients have it; its
// handshakes cost less than those of httptest's.
func mint(t testing.TB, host string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "BMC"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{host},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, pool
}

func (f *fabric) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case f.conns <- tls.Server(theirs, f.config):
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept is net.Listener's, as are the others below.
func (f *fabric) Accept() (net.Conn, error) {
	select {
	case conn := <-f.conns:
		return conn, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (f *fabric) Close() error { close(f.closed); return nil }

// Addr is no address of anything.
func (f *fabric) Addr() net.Addr { return &net.TCPAddr{} }

// serve serves the hosts of example.com in memory until stop, for a test in virtual time.
func serve(t *testing.T, handler http.HandlerFunc) (f *fabric, pool *x509.CertPool, stop func()) {
	t.Helper()
	config, pool := mint(t, "*.example.com")
	f = &fabric{conns: make(chan net.Conn), closed: make(chan struct{}), config: config}
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: handler}
	served := make(chan error, 1)
	go func() { served <- server.Serve(f) }()
	return f, pool, func() {
		_ = server.Close() // which ends Serve
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}
}

// TestBMCsThatHangDoNotHoldUpTheOthers probes a thousand BMCs for the first
// time, of which two hundred hang: twice the places for requests. All others are
// read before the first of those is given up, and again the second time, when it
// is known which they are.
func TestBMCsThatHangDoNotHoldUpTheOthers(t *testing.T) {
	const bmcs, hanging, places = 1000, 200, 100
	synctest.Test(t, func(t *testing.T) {
		f, pool, stop := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Host, "hanging") {
				<-r.Context().Done()
				return
			}
			_, _ = io.WriteString(w, `{"PowerState":"On"}`)
		})
		endpoints, ids := make(map[string]redfish.Endpoint), make([]string, bmcs)
		for i := range bmcs {
			host := fmt.Sprintf("fine%d.example.com", i)
			if i < hanging {
				host = fmt.Sprintf("hanging%d.example.com", i)
			}
			ids[i] = fmt.Sprintf("x1c%ds%db0n0", i/100, i%100)
			endpoints[ids[i]] = redfish.Endpoint{Address: host, System: "/redfish/v1/Systems/1"}
		}
		client := redfish.New(redfish.Config{Endpoints: fixed(endpoints), CA: trusted(pool), User: user, Password: password, Concurrency: places, Dial: f.dial})
		for range 2 {
			read, silent := 0, 0
			client.Probe(t.Context(), ids, func(r bos.PowerReading) {
				switch {
				case r.State == bos.PowerStateOn && silent == 0:
					read++
				case r.State != bos.PowerStateOn:
					silent++
				}
			})
			if read != bmcs-hanging || silent != hanging {
				t.Errorf("%d were read before the first of %d silent ones was given up, want %d", read, silent, bmcs-hanging)
			}
		}
		client.Close()
		stop()
	})
}
