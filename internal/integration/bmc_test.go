//go:build linux

package integration_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// What the mocks know.
const (
	bmcUser     = "admin"
	bmcPassword = "adminpass"
	systemPath  = "/redfish/v1/Systems/437XR1138R2"
)

// bmc is a mock behind TLS.
type bmc struct {
	// ID is its xname, Node that of the only node it has.
	ID, Node string
	// MAC is that of its node, by which it asks BSS; empty if HSM knows none, and it
	// asks by its xname.
	MAC string
	// Address is where it is reached, mock where it is without TLS.
	Address, mock string
	// asked counts the requests that came through TLS.
	asked atomic.Int64
	// accepted gets each reset that the mock accepted.
	accepted chan string
}

// startBMCs starts n mocks, each on an address of its own, and returns the file
// of the certificate that they show.
func startBMCs(t *testing.T, n int) (bmcs []*bmc, caFile string) {
	t.Helper()
	port := freePort(t)
	for i := range n {
		id := fmt.Sprintf("x3000c%ds%db0", i/16, i%16)
		bmcs = append(bmcs, &bmc{
			ID: id, Node: id + "n0",
			mock:     fmt.Sprintf("127.81.%d.%d:%s", i/200, i%200+1, port),
			Address:  fmt.Sprintf("127.82.%d.%d:%s", i/200, i%200+1, port),
			accepted: make(chan string, 100),
		})
	}
	mocks := make([]string, n)
	for i, b := range bmcs {
		mocks[i] = b.mock
	}
	p := launch(t, command(filepath.Join(parts(t), "bmcmock"), mocks...))
	for _, b := range bmcs {
		p.ready(t, "http://"+b.mock+"/redfish/v1/")
	}
	certificate, caFile := certify(t, bmcs)
	for _, b := range bmcs {
		b.serve(t, certificate)
	}
	return bmcs, caFile
}

// certify makes one certificate for all addresses.
func certify(t *testing.T, bmcs []*bmc) (tls.Certificate, string) {
	t.Helper()
	addresses := make([]string, len(bmcs))
	for i, b := range bmcs {
		addresses[i], _, _ = net.SplitHostPort(b.Address)
	}
	return certifyNames(t, nil, addresses)
}

// certifyNames makes one certificate for names and addresses of BMCs.
func certifyNames(t *testing.T, names, addresses []string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "BMCs"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: names,
	}
	for _, address := range addresses {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(address))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bmc-ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// serve puts TLS before the mock.
func (b *bmc) serve(t *testing.T, certificate tls.Certificate) {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: b.mock})
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	server := &http.Server{
		ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b.asked.Add(1)
			if !strings.HasSuffix(r.URL.Path, "/ComputerSystem.Reset") {
				proxy.ServeHTTP(w, r)
				return
			}
			b.reset(t, proxy, w, r)
		}),
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", b.Address)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(l, "", "") }()
	t.Cleanup(func() {
		_ = server.Close() // it is over either way
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// status remembers what was answered.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (b *bmc) reset(t *testing.T, mock http.Handler, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var wanted struct{ ResetType string }
	if err != nil || json.Unmarshal(body, &wanted) != nil {
		t.Errorf("%s got the reset %q, %v", b.ID, body, err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answered := &status{w, http.StatusOK}
	mock.ServeHTTP(answered, r)
	if answered.code/100 == 2 {
		b.accepted <- wanted.ResetType
	}
}

// power is what the mock says itself, without TLS.
func (b *bmc) power(t *testing.T) string {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+b.mock+systemPath, nil)
	if err != nil {
		return err.Error()
	}
	req.SetBasicAuth(bmcUser, bmcPassword)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	var system struct{ PowerState string }
	if err := json.NewDecoder(res.Body).Decode(&system); err != nil {
		return err.Error()
	}
	return system.PowerState
}
