package transport

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// Upstream is a service as a site has it: where it is and how it is spoken to.
type Upstream struct {
	// URL is the prefix before the paths of the service.
	URL string
	// Timeout bounds each request; it is asked before each. Nil or 0 is what
	// the adapter holds for right.
	Timeout func() time.Duration
	// Bearer is the token that each request carries; it is asked before each,
	// so that a renewed one is picked up, and must not block for long. Nil or
	// an empty one is none. Its error must not tell what it read.
	Bearer func() (string, error)
	// Refused is told the token of a request that was answered with 401, so that
	// another one is there for the next; nil is nobody.
	Refused func(token string)
	// Log is told when the service stops answering and when it answers again;
	// nil is nobody.
	Log *slog.Logger
	// Heard is told the header of each answer; nil is nobody.
	Heard func(http.Header)
	// Asked is told of each request that was made; nil is nobody.
	Asked func(outcome Class, took time.Duration)
	// CA verifies the service's certificate; nil is the system's pool.
	CA func() *x509.CertPool
	// Dial makes connections; nil is an ordinary dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Base is the URL without a slash at its end.
func (u Upstream) Base() string { return strings.TrimRight(u.URL, "/") }

// fewIdle is how many connections to one service are kept.
const fewIdle = 16

// Open makes a client for the upstream; c is what the adapter knows of it.
func (u Upstream) Open(c Config) *Client {
	c.TimeoutNow, c.Bearer, c.Refused, c.Heard, c.Asked, c.Pages = u.Timeout, u.Bearer, u.Refused, u.Heard, u.Asked, true
	client := New(c, NewConn(ConnConfig{MaxIdle: fewIdle, CA: u.CA, Dial: u.Dial}))
	client.outages.log = u.Log
	return client
}

// bearer is the token for one request.
func (c *Client) bearer(q Request) (string, error) {
	if c.config.Bearer == nil {
		return "", nil
	}
	token, err := c.config.Bearer()
	if err != nil {
		return "", c.say(&Error{Kind: NotSent, cause: err}, q, fmt.Sprintf("the token for %s cannot be read: %v", c.config.Upstream, err))
	}
	return token, nil
}

// Accepted reports whether a status is one of success.
func Accepted(status int) bool { return status >= 200 && status <= 299 }

// Troubled reports whether a status is about the server's own state, not about what it
// was asked.
func Troubled(status int) bool {
	return status >= 500 && status != http.StatusNotImplemented || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}

// Missing reports whether a status says that there is no such thing, or no more.
func Missing(status int) bool { return status == http.StatusNotFound || status == http.StatusGone }

// Absent reports whether a status says that the server has no such path or
// method.
func Absent(status int) bool {
	return Missing(status) || status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented
}

// Unauthorized reports whether a status is about who asks.
func Unauthorized(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusProxyAuthRequired
}
