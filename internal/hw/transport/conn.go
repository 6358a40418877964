package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// The defaults of what a zero setting means.
const (
	// DefaultDialTimeout bounds the making of a connection, and again its TLS
	// handshake.
	DefaultDialTimeout = 3 * time.Second
	// DefaultTimeout bounds one request with its answer.
	DefaultTimeout = 10 * time.Second
	// DefaultMaxBody bounds an answer, in bytes.
	DefaultMaxBody = 1 << 20
)

const (
	// idleTimeout is how long an unused connection is kept: longer than the
	// pause between two looks at the same BMC.
	idleTimeout = 5 * time.Minute
	// readBuffer and writeBuffer replace the 4 KiB that net/http takes twice
	// per connection: with 10,000 BMCs that alone would be 80 MiB. They hold
	// the headers of one message; bodies that are larger pass them by.
	readBuffer  = 1 << 10
	writeBuffer = 1 << 9
	maxHeader   = 64 << 10
)

// ConnConfig says how connections to one kind of upstream are made and kept.
type ConnConfig struct {
	// DialTimeout bounds the dial, HandshakeTimeout the TLS handshake; 0 is
	// DefaultDialTimeout for each.
	DialTimeout, HandshakeTimeout time.Duration
	// CA verifies the servers; nil is the system's pool.
	CA func() *x509.CertPool
	// Insecure accepts any certificate.
	Insecure bool
	// Trust is asked what certificate a server may have, by host and port,
	// where it may be another than what CA and Insecure say; nil is never.
	Trust func(address string) Trust
	// MaxIdle bounds the connections kept to all hosts together; 0 is as
	// many as the limit on open files leaves room for, at most 10,000.
	MaxIdle int
	// PerHost bounds the connections kept to one host; 0 is 16.
	PerHost int
	// Networks are where connections may lead, checked on the address that is
	// dialled, whatever its name; none is anywhere. A Dial of one's own is only
	// checked where it is given an address.
	Networks []netip.Prefix
	// LastAddress connects to the address that a host had last while the name servers
	// give no answer.
	LastAddress bool
	// Resolve knows addresses of hosts whose name cannot be resolved; nil knows
	// none.
	Resolve func(ctx context.Context, host string) (netip.Addr, bool)
	// Dial makes a connection below TLS; nil is an ordinary dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Direct ignores the proxy of the environment: BMCs are reached on
	// their own network, with credentials that no proxy should see.
	Direct bool
}

// NewConn makes the connection pool of one kind of upstream. It is meant to be
// shared by everything that talks to that kind.
func NewConn(c ConnConfig) *http.Transport {
	dial, handshake := orElse(c.DialTimeout, DefaultDialTimeout), orElse(c.HandshakeTimeout, DefaultDialTimeout)
	idle := orElse(c.MaxIdle, ConnectionBudget())
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            c.dialer(dial),
		TLSHandshakeTimeout:    handshake,
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    orElse(c.PerHost, 16),
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
		ReadBufferSize:         readBuffer,
		WriteBufferSize:        writeBuffer,
		TLSClientConfig: &tls.Config{
			RootCAs: authorities(c.CA),
			// Only where the administrator wrote insecure.
			InsecureSkipVerify: c.Insecure, //nolint:gosec // a setting, off by default
			MinVersion:         tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(idle),
			// The hybrid post-quantum exchange costs half as much again per
			// handshake and is what the slow processors of BMCs choke on. The
			// large curves are for those that are hardened to take no others.
			CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
		},
	}
	if c.Direct {
		t.Proxy = nil
	}
	if c.Trust != nil || c.CA != nil {
		t.DialTLSContext = c.trusting(t, handshake)
	}
	return t
}

// MaxConnections is more BMCs than any site is known to have of one kind.
const MaxConnections = 10_000

// ConnectionBudget is how many connections may be open to one kind of upstream:
// it leaves half of the files that may be open to everything else.
func ConnectionBudget() int {
	return int(min(openFiles()/2, MaxConnections))
}

// Address is u as it may be shown: without user, password, query and fragment.
func Address(u string) string {
	parsed, err := url.Parse(u)
	if err != nil {
		return "an address that is no URL"
	}
	parsed.User, parsed.RawQuery, parsed.Fragment = nil, "", ""
	return parsed.String()
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
