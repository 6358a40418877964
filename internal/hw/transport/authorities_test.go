package transport_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// ownAuthority is a certificate for 127.0.0.1 that signed itself, and what a file has of it.
func ownAuthority(t *testing.T, serial int64) (certificate tls.Certificate, file []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}, &x509.Certificate{}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// TestAnAuthorityThatChangedIsTrustedWithoutANewStartAndTheOldOneNoMore: sites renew
// their authority, and the one that was given up may be in the hands of anybody.
func TestAnAuthorityThatChangedIsTrustedWithoutANewStartAndTheOldOneNoMore(t *testing.T) {
	t.Run("by a handshake", func(t *testing.T) { changesAuthority(t, false) })
	t.Run("by a session that is resumed", func(t *testing.T) { changesAuthority(t, true) })
}

func changesAuthority(t *testing.T, resumes bool) {
	t.Helper()
	var shown atomic.Pointer[tls.Certificate]
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "{}")
	}))
	s.Config.ErrorLog = quiet()
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := &tls.Config{MinVersion: tls.VersionTLS12, SessionTicketsDisabled: !resumes, Certificates: []tls.Certificate{*shown.Load()}}
		now.SetSessionTicketKeys([][32]byte{{1}})
		return now, nil
	}}
	s.StartTLS()
	defer s.Close()
	first, firstFile := ownAuthority(t, 1)
	second, secondFile := ownAuthority(t, 22)
	file := filepath.Join(t.TempDir(), "ca.pem")
	changes := 0
	write := func(body []byte) {
		t.Helper()
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		changes++
		at := time.Now().Add(time.Duration(changes) * time.Second) // however coarse the clock of files is
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write(firstFile)
	authorities, err := transport.Authorities("power.redfish.ca_file", file)
	if err != nil {
		t.Fatal(err)
	}
	c := transport.New(transport.Config{Upstream: "the BMC"}, transport.NewConn(transport.ConnConfig{CA: authorities, Direct: true}))
	wants := func(what string, certificate tls.Certificate, trusted bool) {
		t.Helper()
		shown.Store(&certificate)
		for range 2 { // the second one would resume a session
			if _, err := get(t, c, s.URL); (err == nil) != trusted {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	wants("the first", first, true)
	if !resumes { // a server that resumes a session shows no certificate
		wants("one that is not in the file", second, false)
	}
	write([]byte("half a cert"))
	wants("the first, while the file is broken", first, true)
	write(append(firstFile[:len(firstFile):len(firstFile)], secondFile...))
	wants("the first, beside its successor", first, true)
	wants("the second", second, true)
	write(append(firstFile[:len(firstFile):len(firstFile)], secondFile[:len(secondFile)/2]...))
	wants("the second, while the file is being written", second, true)
	write(secondFile)
	wants("the first, which was given up", first, false)
	wants("the second alone", second, true)
	for name, says := range map[string]string{file + "x": "power.redfish.ca_file", "/dev/null": "no certificate"} {
		if _, err := transport.Authorities("power.redfish.ca_file", name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
