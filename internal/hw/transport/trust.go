package transport

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
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
}

// trusting dials TLS connections with the trust of each address.
func trusting(t *http.Transport, of func(address string) Trust, handshake time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
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
		of(address).apply(config)
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

func (t Trust) apply(config *tls.Config) {
	if t.Insecure || t.Pin != "" {
		config.InsecureSkipVerify = true
	}
	if t.Pin == "" {
		return
	}
	config.VerifyConnection = func(state tls.ConnectionState) error {
		sum := sha256.Sum256(state.PeerCertificates[0].Raw)
		if has := hex.EncodeToString(sum[:]); has != t.Pin {
			return fmt.Errorf("its TLS certificate has the SHA-256 %s and not the one that it is pinned to", has)
		}
		return nil
	}
}
