package transport

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Trust is what certificate one server may have, where it is another than those
// of the rest. The zero value is none of its own.
type Trust struct {
	// Pin is the SHA-256 of the only certificate it may have, in lower-case
	// hexadecimal. Who signed it, for whom and until when is then no matter.
	Pin string
	// Insecure accepts any certificate.
	Insecure bool
	// Legacy takes TLS from 1.0 on and ciphers without forward secrecy, as servers
	// of around 2012 have nothing else.
	Legacy bool
}

// authorities are those that there are now; nil is the system's pool.
func authorities(of func() *x509.CertPool) *x509.CertPool {
	if of == nil {
		return nil
	}
	return of()
}

// trusting dials TLS connections with the trust of each address, and with the
// authorities that there are then.
func (c ConnConfig) trusting(t *http.Transport, handshake time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		plain, err := t.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		config := t.TLSClientConfig.Clone()
		if config.ServerName, _, err = net.SplitHostPort(address); err != nil {
			_ = plain.Close()
			return nil, err
		}
		config.RootCAs = authorities(c.CA)
		if c.Trust != nil {
			c.Trust(address).apply(config)
		}
		conn := tls.Client(plain, config)
		ctx, cancel := context.WithTimeout(ctx, handshake)
		defer cancel()
		if err := conn.HandshakeContext(ctx); err != nil {
			_ = plain.Close()
			return nil, err
		}
		return conn, nil
	}
}

// Certificate shakes hands with the server at a host and port, and says what it shows:
// whether its certificate is to be trusted is not asked, and nothing else is sent.
func (c *Client) Certificate(ctx context.Context, address string, legacy bool) (*tls.ConnectionState, error) {
	q := Request{Method: "a TLS handshake with", URL: "https://" + address, Timeout: c.config.Timeout, patience: patience(ctx, c.config.Timeout)}
	bounded, cancel := context.WithTimeout(ctx, q.Timeout)
	defer cancel()
	plain, err := c.conn.DialContext(bounded, "tcp", address)
	if err != nil {
		return nil, c.unanswered(ctx, q, err, false)
	}
	defer plain.Close() //nolint:errcheck // nothing was sent
	config := c.conn.TLSClientConfig.Clone()
	config.ClientSessionCache = nil // a resumed session shows no certificate
	config.ServerName, _, _ = net.SplitHostPort(address)
	Trust{Insecure: true, Legacy: legacy}.apply(config)
	conn := tls.Client(plain, config)
	if err := conn.HandshakeContext(bounded); err != nil {
		return nil, c.unanswered(ctx, q, err, false)
	}
	state := conn.ConnectionState()
	return &state, nil
}

// Fingerprint is the SHA-256 of a certificate as pins have it.
func Fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return hex.EncodeToString(sum[:])
}

// pinError says that a server has another certificate than that of its pin.
type pinError struct{ has string }

func (e *pinError) Error() string {
	return fmt.Sprintf("its TLS certificate has the SHA-256 %s and not the one that it is pinned to", e.has)
}

// legacySuites are all cipher suites that are not broken outright.
func legacySuites() (ids []uint16) {
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if !strings.Contains(suite.Name, "RC4") {
			ids = append(ids, suite.ID)
		}
	}
	return ids
}

func (t Trust) apply(config *tls.Config) {
	if t.Legacy {
		config.MinVersion, config.CipherSuites = tls.VersionTLS10, legacySuites()
	}
	if t.Insecure || t.Pin != "" {
		config.InsecureSkipVerify = true
	}
	if t.Pin == "" {
		return
	}
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if has := Fingerprint(state.PeerCertificates[0]); has != t.Pin {
			return &pinError{has}
		}
		return nil
	}
}
