// Package client is a typed client of the BOS v2 API and of the extensions
// under /x/v1: requests, authentication, the tenant, retries of reads, and
// answers as records or as errors that say what the server said.
//
// It decides nothing about nodes and waits for nothing; what Terraform makes
// of the answers is in package provider.
package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/go-resty/resty/v2"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Defaults of Config.
const (
	DefaultTimeout    = 60 * time.Second
	DefaultMaxRetries = 4
)

// maxResponse bounds an answer: 65,000 components of 2 KiB, twice.
const maxResponse = 256 << 20

// The pause before the first and the later retries of a read.
const (
	firstRetry = 250 * time.Millisecond
	laterRetry = 10 * time.Second
)

// tenantHeader scopes a request to a tenant.
const tenantHeader = "Cray-Tenant-Name"

// Config says how to reach a BOS.
type Config struct {
	// Endpoint is the URL in front of /v2, such as
	// https://api-gw-service-nmn.local/apis/bos.
	Endpoint string
	// Tenant scopes every request; empty for none.
	Tenant string
	// Token is sent as bearer token. TokenFile names a file that holds one
	// and is read for each request, ClientCredentials gets them from an
	// identity provider. At most one of the three is used, in this order; without
	// any, that which a service on this machine leaves for its clients.
	Token             string
	TokenFile         string
	ClientCredentials *Credentials
	// ClientCertificate and ClientKey, both PEM, identify the client by TLS.
	ClientCertificate, ClientKey string
	// CACertificate is PEM that is trusted besides the system's roots.
	CACertificate string
	// Insecure switches the verification of the server's certificate off.
	Insecure bool
	// Timeout bounds one attempt of one request; 0 is DefaultTimeout.
	Timeout time.Duration
	// MaxRetries is how often a read is tried again, and how often a
	// session is offered again once it is known that it was not accepted.
	MaxRetries int
	UserAgent  string
	// Workspace and Run are where Terraform, or what runs it, asks from, for the history.
	Workspace, Run string
	// Transport replaces the network, for tests.
	Transport http.RoundTripper
}

// Client talks to one BOS. It is safe for concurrent use.
type Client struct {
	base string
	// socket is whether base stands for a socket of this machine.
	socket  bool
	tenant  string
	retries int
	timeout time.Duration
	// read tries again by itself, write never does.
	read, write *resty.Client
	// stream is for answers that do not end.
	stream    *http.Client
	agent     string
	announced *announced
	secrets   *secrets
	// tokens is nil where a certificate says who asks.
	tokens tokens
}

// announced is what the server said about its extensions, kept once it said so.
type announced struct {
	mu   sync.Mutex
	caps *bos.Capabilities
}

// New makes a client. The error names the setting that is wrong.
func New(c Config) (*Client, error) {
	base, err := parseEndpoint(c.Endpoint)
	if err != nil {
		return nil, err
	}
	transport, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxRetries < 0 {
		return nil, &ConfigError{"max_retries", fmt.Sprintf("%d is negative; use 0 for no retries", c.MaxRetries)}
	}
	source, err := newTokens(c, transport)
	if err != nil {
		return nil, err
	}
	hidden := &secrets{}
	if c.ClientCredentials != nil {
		hidden.fixed = spellings(c.ClientCredentials.ClientSecret)
	}
	if source != nil {
		transport = &authorized{next: transport, tokens: remembering{source, hidden}}
	}
	build := func() *resty.Client {
		return resty.New().SetBaseURL(base).SetTransport(transport).SetTimeout(c.Timeout).
			SetResponseBodyLimit(maxResponse).SetRedirectPolicy(resty.NoRedirectPolicy()).
			SetDisableWarn(true).SetLogger(silent{}).
			SetHeader("Accept", "application/json").SetHeader("User-Agent", c.UserAgent).SetHeaders(origin(c))
	}
	return &Client{
		base: base, socket: socketOf(c.Endpoint) != "", tenant: c.Tenant, retries: c.MaxRetries, timeout: c.Timeout,
		read: build().SetRetryCount(c.MaxRetries).SetRetryWaitTime(firstRetry).SetRetryMaxWaitTime(laterRetry).
			AddRetryCondition(worthAnotherTry).SetRetryAfter(retryAfter),
		write: build(),
		stream: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		agent:     c.UserAgent,
		announced: &announced{},
		secrets:   hidden,
		tokens:    source,
	}, nil
}

// ConfigError is a setting that cannot be used.
type ConfigError struct {
	// Setting is the field's name as the provider block has it.
	Setting string
	Detail  string
}

// Error names the setting.
func (e *ConfigError) Error() string { return e.Setting + ": " + e.Detail }

func parseEndpoint(endpoint string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(endpoint))
	switch {
	case err != nil:
		// The parser's text repeats the URL, which may hold a password.
		return "", &ConfigError{"endpoint", "is no URL; write it like https://bos.example.com/apis/bos"}
	case u.Scheme == unixScheme:
		if socketOf(endpoint) == "" {
			return "", &ConfigError{"endpoint", "names no socket; write its whole path, such as unix:///run/bos/bos.sock"}
		}
		return "http://localhost", nil
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return "", &ConfigError{"endpoint", "needs http:// or https:// and a host, such as https://bos.example.com/apis/bos, or is a socket of this machine, such as unix:///run/bos/bos.sock"}
	case u.User != nil:
		return "", &ConfigError{"endpoint", "holds a user name; leave it out and use token"}
	case u.RawQuery != "" || u.Fragment != "":
		return "", &ConfigError{"endpoint", "holds a ? or #; write only the part in front of /v2"}
	}
	u.Path = strings.TrimSuffix(strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/v2"), "/")
	return u.String(), nil
}

func newTransport(c Config) (http.RoundTripper, error) {
	if c.Transport != nil {
		return c.Transport, nil
	}
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the default HTTP transport was replaced by one that cannot be configured")
	}
	t = t.Clone()
	if path := socketOf(c.Endpoint); path != "" {
		t.Proxy = nil
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}
	} else if c.findsToken() {
		t.DialContext = dialService(c.Endpoint, t.DialContext)
	}
	t.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: c.Insecure, //nolint:gosec // asked for, and warned about
	}
	if err := identify(t.TLSClientConfig, c); err != nil {
		return nil, err
	}
	if c.CACertificate == "" {
		return t, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(c.CACertificate)) {
		return nil, &ConfigError{"ca_certificate", "holds no PEM certificate; give the content of the file, for example with file(\"ca.pem\")"}
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// unixScheme is that of an endpoint which is a socket of this machine.
const unixScheme = "unix"

// socketOf is the path of the socket that an endpoint names, empty if it names none.
func socketOf(endpoint string) string {
	u, err := url.Parse(strings.TrimSpace(endpoint))
	if err != nil || u.Scheme != unixScheme || u.Host != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !strings.HasPrefix(u.Path, "/") {
		return ""
	}
	return u.Path
}

// identify adds the client's own certificate.
func identify(t *tls.Config, c Config) error {
	switch {
	case c.ClientCertificate == "" && c.ClientKey == "":
		return nil
	case c.ClientKey == "":
		return &ConfigError{"client_key", "is missing; client_certificate needs its key"}
	case c.ClientCertificate == "":
		return &ConfigError{"client_certificate", "is missing; client_key needs its certificate"}
	}
	pair, err := tls.X509KeyPair([]byte(c.ClientCertificate), []byte(c.ClientKey))
	if err != nil {
		// The text of the error may repeat what it could not read.
		return &ConfigError{"client_certificate", "and client_key are not a certificate and its key in PEM form; give the content of the files, for example with file(\"client.pem\")"}
	}
	t.Certificates = []tls.Certificate{pair}
	return nil
}

// silent keeps resty's own messages, which may hold URLs and bodies, out of
// the plugin's output.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}

// Endpoint is the URL in front of /v2.
func (c *Client) Endpoint() string { return c.base }

// Web is the URL under which a browser finds the service as well; empty where it is
// reached by a socket, whose URL would lead elsewhere.
func (c *Client) Web() string {
	if c.socket {
		return ""
	}
	return c.base
}

// Tenant is the tenant that requests are scoped to, empty for none.
func (c *Client) Tenant() string { return c.tenant }

// ForTenant is the same client with another tenant.
func (c *Client) ForTenant(tenant string) *Client {
	other := *c
	other.tenant = tenant
	return &other
}

// worthAnotherTry says which answers of a read may be better next time: none at
// all, or one that says so.
func worthAnotherTry(resp *resty.Response, err error) bool {
	if err != nil {
		final := errors.Is(err, context.Canceled) || errors.Is(err, resty.ErrAutoRedirectDisabled) || errors.Is(err, resty.ErrResponseBodyTooLarge) || isCertificate(err) || wantsCertificate(err) || errors.Is(err, errDenied)
		return !final
	}
	switch resp.StatusCode() {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

func isCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.As(err, &verification)
}

func retryAfter(_ *resty.Client, resp *resty.Response) (time.Duration, error) {
	if resp == nil {
		return 0, nil
	}
	return again(resp.Header()), nil // without a number the usual back-off holds
}

// again is after how long a server wants to be asked again, 0 where it does not say.
func again(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

// origin is what requests say of where they come from.
func origin(c Config) map[string]string {
	said := make(map[string]string)
	for name, value := range map[string]string{"X-Terraform-Workspace": c.Workspace, "X-Terraform-Run": c.Run} {
		if value = strings.TrimSpace(value); value != "" && !strings.ContainsFunc(value, unicode.IsControl) {
			said[name] = value
		}
	}
	return said
}

// call sends one request; into receives the answer unless it is nil.
func (c *Client) call(ctx context.Context, via *resty.Client, method, path string, query url.Values, body, into any) error {
	return c.secrets.concealIn(c.execute(ctx, via, method, path, query, body, into))
}

func (c *Client) execute(ctx context.Context, via *resty.Client, method, path string, query url.Values, body, into any) error {
	r := via.R().SetContext(ctx)
	if c.tenant != "" {
		r.SetHeader(tenantHeader, c.tenant)
	}
	if query != nil {
		r.SetQueryParamsFromValues(query)
	}
	if body != nil {
		r.SetHeader("Content-Type", "application/json").SetBody(body)
	}
	resp, err := r.Execute(method, path)
	if err != nil {
		return c.noAnswer(method, path, err)
	}
	if resp.IsError() || resp.StatusCode() >= http.StatusMultipleChoices {
		return c.asError(method, path, resp)
	}
	if into == nil {
		into = &nothing{}
	}
	if err := decode(resp.Body(), into); err != nil {
		return c.unreadable(resp.StatusCode(), method, path, err.Error())
	}
	if missing := foreign(into); missing != "" {
		return c.unreadable(resp.StatusCode(), method, path, missing)
	}
	return nil
}

func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	return c.call(ctx, c.read, http.MethodGet, path, query, nil, into)
}

func (c *Client) send(ctx context.Context, method, path string, body, into any) error {
	return c.call(ctx, c.write, method, path, nil, body, into)
}
