package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// askAs asks a service with a token, without one if it is empty.
func askAs(t *testing.T, method, url, token string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(`{"polling_frequency": 15}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestATokenIsMadeUsedAndRevokedWhileTheServiceRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens.yaml")
	printed, status := run(t, tokenCommand(), "make", "ci", "--role", "reader", "--file", file)
	reader := strings.TrimSpace(printed)
	if status != 0 || !strings.HasPrefix(reader, localtoken.Prefix) {
		t.Fatalf("%d %s", status, printed)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), reader) {
		t.Errorf("the file has the token itself: %s, %v", text, err)
	}
	settings := settingsFile(t, fmt.Sprintf("auth: {tokens_file: %s}\n", file))
	url := start(t, "--config", settings, "--database", filepath.Join(t.TempDir(), "bos.db"))
	local := localtoken.Find(url)
	for _, c := range []struct {
		what, method, path, token string
		status                    int
	}{
		{"nobody reads", "GET", "/v2/components", "", 401},
		{"nobody asks whether it is well", "GET", "/v2/healthz", "", 200},
		{"a wrong token", "GET", "/v2/components", reader + "x", 401},
		{"the reader reads", "GET", "/v2/components", reader, 200},
		{"the reader writes", "PATCH", "/v2/options", reader, 403},
		{"this machine writes", "PATCH", "/v2/options", local, 200},
	} {
		if got := askAs(t, c.method, url+c.path, c.token); got != c.status {
			t.Errorf("%s: %d, want %d", c.what, got, c.status)
		}
	}
	printed, _ = run(t, tokenCommand(), "make", "ops", "--role", "operator,admin", "--lasts", "1h", "--file", file)
	ops := strings.TrimSpace(printed)
	if got := askAs(t, "PATCH", url+"/v2/options", ops); got != 200 {
		t.Errorf("a token made while the service runs: %d", got)
	}
	if printed, _ = run(t, tokenCommand(), "list", "--file", file); !strings.Contains(printed, "ci\treader\tthe site\tfor ever\n") || !strings.Contains(printed, "ops\toperator,admin") {
		t.Errorf("listed: %s", printed)
	}
	if _, status := run(t, tokenCommand(), "revoke", "ci", "--file", file); status != 0 {
		t.Errorf("revoke ends with %d", status)
	}
	if got := askAs(t, "GET", url+"/v2/components", reader); got != 401 {
		t.Errorf("a revoked token: %d", got)
	}
	if got := askAs(t, "PATCH", url+"/v2/options", ops); got != 200 {
		t.Errorf("the token beside one that is revoked: %d", got)
	}
}

// TestTokensThatCannotBeReadAreNotReadiness: all of them are refused with 401, and only
// the log said why.
func TestTokensThatCannotBeReadAreNotReadiness(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens.yaml")
	printed, _ := run(t, tokenCommand(), "make", "ci", "--role", "reader", "--file", file)
	reader := strings.TrimSpace(printed)
	url := start(t, "--config", settingsFile(t, fmt.Sprintf("auth: {tokens_file: %s}\n", file)), "--database", filepath.Join(t.TempDir(), "bos.db"))
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what          string
		change        func() error
		asks, isReady int
	}{
		{"good", func() error { return nil }, 200, 200},
		{"gone", func() error { return os.Remove(file) }, 401, 503},
		{"broken", func() error { return os.WriteFile(file, []byte("tokens: ["), 0o600) }, 401, 503},
		{"mended", func() error { return os.WriteFile(file, good, 0o600) }, 200, 200},
	} {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		if got := askAs(t, "GET", url+"/v2/components", reader); got != c.asks {
			t.Errorf("a reader, when the file is %s: %d", c.what, got)
		}
		if got := askAs(t, "GET", url+"/readyz", localtoken.Find(url)); got != c.isReady {
			t.Errorf("ready, when the file is %s: %d", c.what, got)
		}
	}
}

func TestWhereAuthenticationIsOffNoTokenIsNeeded(t *testing.T) {
	url := start(t, "--auth", "off", "--database", filepath.Join(t.TempDir(), "bos.db"))
	if got := askAs(t, "PATCH", url+"/v2/options", ""); got != 200 {
		t.Errorf("%d", got)
	}
}

// pair writes a certificate for 127.0.0.1 with its key.
func pair(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, is, is, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// nameOf is the first name of the certificate that a server shows.
func nameOf(t *testing.T, address string) string {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // only looked at
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].DNSNames[0]
}

func TestACertificateIsReadAgainWhenItChangedAndKeptWhileItIsBroken(t *testing.T) {
	dir := t.TempDir()
	pair(t, dir, "first")
	files := config.TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	l, err := listen(t.Context(), config.Config{Listen: "127.0.0.1:0", TLS: files}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test ends
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(t.Context()) // what it is, the client tells
			_ = conn.Close()
		}
	}()
	if got := nameOf(t, l.Addr().String()); got != "first" {
		t.Errorf("it shows %q", got)
	}
	if err := os.WriteFile(files.KeyFile, []byte("half a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := nameOf(t, l.Addr().String()); got != "first" {
		t.Errorf("while the key is broken it shows %q", got)
	}
	pair(t, dir, "the second")
	if got := nameOf(t, l.Addr().String()); got != "the second" {
		t.Errorf("it shows %q", got)
	}
	if _, err := listen(t.Context(), config.Config{Listen: "127.0.0.1:0", TLS: config.TLS{CertFile: "none", KeyFile: "none"}}, false); err == nil {
		t.Error("it listens without a certificate")
	}
}

// TestAuthoritiesOfClientsAreReadAgainWhenTheyChanged: a client whose authority was given up is
// nobody, whether it begins a session or resumes one.
func TestAuthoritiesOfClientsAreReadAgainWhenTheyChanged(t *testing.T) {
	dir, client, other := t.TempDir(), t.TempDir(), t.TempDir()
	pair(t, dir, "server")
	pair(t, client, "client")
	pair(t, other, "other")
	authorities := filepath.Join(dir, "clients.pem")
	changes := 0
	trust := func(whose string) {
		t.Helper()
		body, err := os.ReadFile(filepath.Join(whose, "cert.pem"))
		if err != nil {
			t.Fatal(err)
		}
		changes++
		at := time.Now().Add(time.Duration(changes) * time.Second) // however coarse the clock of files is
		if err := errors.Join(os.WriteFile(authorities, body, 0o600), os.Chtimes(authorities, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	trust(client)
	l, err := listen(t.Context(), config.Config{Listen: "127.0.0.1:0", TLS: config.TLS{
		CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), ClientCAFile: authorities,
	}}, false)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, len(r.TLS.VerifiedChains))
	})}
	go func() { _ = server.Serve(l) }() // it ends with the listener
	defer server.Close()                //nolint:errcheck // the test ends
	shown, err := tls.LoadX509KeyPair(filepath.Join(client, "cert.pem"), filepath.Join(client, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	asks := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, Certificates: []tls.Certificate{shown}, ClientSessionCache: tls.NewLRUClientSessionCache(4),
	}}}
	known := func() bool {
		res, err := asks.Get("https://" + l.Addr().String())
		if err != nil {
			return false
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return err == nil && string(body) == "1"
	}
	for _, step := range []struct {
		trusts string
		known  bool
	}{{client, true}, {other, false}, {client, true}} {
		trust(step.trusts)
		for range 2 {
			if got := known(); got != step.known {
				t.Errorf("after %d changes it is known: %v, want %v", changes, got, step.known)
			}
		}
	}
}

func TestAnAddressThatOthersReachNeedsTLSAndProofs(t *testing.T) {
	dir := t.TempDir()
	pair(t, dir, "n")
	files := config.TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	for _, c := range []struct {
		what    string
		is      config.Config
		allowed bool
		says    string
	}{
		{"with TLS", config.Config{TLS: files}, false, ""},
		{"without", config.Config{}, false, "tls.cert_file"},
		{"without, and allowed", config.Config{}, true, ""},
		{"with TLS and auth off", config.Config{TLS: files, Auth: config.Auth{Mode: config.AuthOff}}, true, "auth.mode off"},
	} {
		c.is.Listen = "0.0.0.0:0"
		l, err := listen(t.Context(), c.is, c.allowed)
		if err == nil {
			_ = l.Close()
		}
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.what, err, c.says)
		}
	}
}
