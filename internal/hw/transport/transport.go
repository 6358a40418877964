// Package transport is the HTTP plumbing of every upstream: deadlines, limits
// on what is read, connections kept, and errors that say how much is known
// about a call that failed. What is asked is the adapters' business.
package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/go-resty/resty/v2"
)

// Limits that hold for every upstream.
const (
	// DialTimeout bounds the connection with its TLS handshake.
	DialTimeout = 3 * time.Second
	// RequestTimeout bounds one request.
	RequestTimeout = 10 * time.Second
	// maxConnections bounds the idle connections kept.
	maxConnections = 12_000
)

// Config is how an upstream is reached; zero values are the defaults.
type Config struct {
	Timeout     time.Duration
	DialTimeout time.Duration
	// MaxBody bounds the answer, in bytes.
	MaxBody int
	// CA verifies servers; nil is the system's pool.
	CA *x509.CertPool
	// Insecure accepts any certificate.
	Insecure bool
}

// New is a client for one kind of upstream. It follows no redirect: none of
// these services sends any, and credentials must not travel.
func New(c Config) *resty.Client {
	dial, request, body := orElse(c.DialTimeout, DialTimeout), orElse(c.Timeout, RequestTimeout), orElse(c.MaxBody, 64<<20)
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: dial}).DialContext,
		TLSHandshakeTimeout: dial,
		MaxIdleConns:        maxConnections,
		MaxIdleConnsPerHost: 2,
		IdleConnTimeout:     5 * time.Minute,
		TLSClientConfig: &tls.Config{
			RootCAs: c.CA, InsecureSkipVerify: c.Insecure, //nolint:gosec // only where the administrator wrote insecure
			MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(maxConnections),
			// BMCs have slow processors: the hybrid curves cost them seconds.
			CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
		},
	}
	return resty.New().SetTransport(transport).SetTimeout(request).SetResponseBodyLimit(body).
		SetRedirectPolicy(resty.NoRedirectPolicy()).SetHeader("User-Agent", "terraform-provider-bos").SetLogger(silent{})
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// silent keeps resty from writing to the terminal; errors are returned.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}

// Connected reports whether a failed request may have reached the server: a
// connection that was refused, a name that does not resolve and a handshake
// that failed did not.
func Connected(err error) bool {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return false
	}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	if errors.As(err, &dns) || errors.As(err, &cert) || errors.As(err, &record) {
		return false
	}
	return err.Error() == "" || !contains(err, "TLS handshake timeout")
}

func contains(err error, text string) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if len(err.Error()) >= len(text) && err.Error()[len(err.Error())-len(text):] == text {
			return true
		}
	}
	return false
}

// RetryAfter reads the header of that name; 0 if there is none.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 3600)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), time.Hour)
	}
	return 0
}

// Reason is why a request failed, without the address and credentials that
// net/http puts into its errors.
func Reason(err error) string {
	var netErr net.Error
	switch {
	case errors.As(err, &netErr) && netErr.Timeout():
		return "no answer in time"
	case !Connected(err):
		var cert *tls.CertificateVerificationError
		if errors.As(err, &cert) {
			return fmt.Sprintf("its certificate is not trusted: %s", cert.Err)
		}
		return "cannot connect"
	default:
		return "the connection broke before the answer"
	}
}
