package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Config is how one kind of upstream is asked.
type Config struct {
	// Upstream names it in sentences: "HSM", "the BMC".
	Upstream string
	// WayOut ends the sentence of an error: what to check. It may look at
	// the kind and the status; nil is no such end.
	WayOut func(*Error) string
	// Timeout bounds one request with its answer; 0 is DefaultTimeout.
	Timeout time.Duration
	// TimeoutNow, if it is not nil, is asked for the Timeout of each request;
	// 0 means Timeout.
	TimeoutNow func() time.Duration
	// Bearer is the token of each request, and Refused is told one that was; see Upstream.
	Bearer  func() (string, error)
	Refused func(token string)
	// Header is sent with each request.
	Header map[string]string
	// MaxBody bounds an answer, in bytes; 0 is DefaultMaxBody.
	MaxBody int64
	// Retries is how often a GET that found no answer, or 502, 503 or 504, is
	// asked again. Nothing else is ever repeated.
	Retries int
	// RetryWait is the first pause before asking again, doubled each time
	// up to 16 of them; 0 is 250 ms. A Retry-After beyond that ends the retries.
	RetryWait time.Duration
	// Message finds what a server says about an error in its body; nil
	// knows problem+json and plain text.
	Message func(body []byte) string
	// Own tells whether the body of a 404 is the service's own; nil takes
	// every problem+json for that.
	Own func(body []byte) bool
	// Heard is told the header of each answer; nil is nobody.
	Heard func(http.Header)
	// Asked is told of each request that was made, and how long it took with what it was
	// repeated; nil is nobody.
	Asked func(outcome Class, took time.Duration)
	// Pages says that a page for browsers is never an answer, also with a
	// status of success: who asked was sent to a login, or a gateway spoke.
	Pages bool
}

const (
	defaultRetryWait = 250 * time.Millisecond
	maxRedirects     = 5
	userAgent        = "terraform-provider-bos"
)

// Client asks one kind of upstream. It is safe for concurrent use.
type Client struct {
	config Config
	// rest is for requests with the timeout that was asked for last.
	rest atomic.Pointer[timed]
	conn *http.Transport
	// outages logs those of the upstream.
	outages outages
}

type timed struct {
	*resty.Client
	timeout time.Duration
}

// Always is a Config.WayOut that is the same for every error.
func Always(text string) func(*Error) string { return func(*Error) string { return text } }

// Look is a Config.WayOut of a service that has a setting of its own: look where text
// says, or at the part of the setting that an answer is about, such as its token.
func Look(text, setting string) func(*Error) string {
	return func(e *Error) string {
		var (
			stranger x509.UnknownAuthorityError
			name     x509.HostnameError
			invalid  x509.CertificateInvalidError
		)
		switch {
		case Unauthorized(e.Status):
			return text + ", and give " + setting + " a token that it takes (token_file, token_command or token_env)"
		case errors.As(e.cause, &stranger):
			return "give " + setting + ".ca_file the certificate of its authority"
		case errors.As(e.cause, &name):
			return "give " + setting + ".url the name that is in its certificate, or have it certified for this one"
		case errors.As(e.cause, &invalid) && invalid.Reason == x509.Expired:
			return "renew its certificate, or set the clock of this machine (NTP)"
		}
		return text
	}
}

// New makes a client over the connections of conn.
func New(c Config, conn *http.Transport) *Client {
	c.Timeout = orElse(c.Timeout, DefaultTimeout)
	c.MaxBody = orElse(c.MaxBody, DefaultMaxBody)
	c.RetryWait = orElse(c.RetryWait, defaultRetryWait)
	if c.Message == nil {
		c.Message = problem
	}
	if c.Own == nil {
		c.Own = ownProblem
	}
	client := &Client{config: c, conn: conn, outages: outages{name: c.Upstream, now: time.Now}}
	client.rest.Store(client.withTimeout(c.Timeout))
	return client
}

func (c *Client) withTimeout(timeout time.Duration) *timed {
	perAttempt := timeout
	if c.config.Retries == 0 {
		perAttempt = 0 // Do bounds the only attempt, which is cheaper
	}
	rest := resty.New().SetTransport(c.conn).SetTimeout(perAttempt).
		SetDoNotParseResponse(true).
		SetRedirectPolicy(resty.RedirectPolicyFunc(sameHostReads)).
		SetHeader("User-Agent", userAgent).
		SetHeader("Accept", "application/json").
		SetHeaders(c.config.Header).
		SetLogger(silent{}).
		SetRetryCount(c.config.Retries).SetRetryWaitTime(c.config.RetryWait).SetRetryMaxWaitTime(16 * c.config.RetryWait).
		SetRetryAfter(func(_ *resty.Client, r *resty.Response) (time.Duration, error) {
			return RetryAfter(r.Header(), time.Now()), nil
		}).
		AddRetryCondition(c.again).
		AddRetryHook(func(r *resty.Response, _ error) { drop(r) }).
		SetPreRequestHook(func(_ *resty.Client, r *http.Request) error {
			if host := r.Header.Get("Host"); host != "" {
				r.Host = host // net/http takes it from nowhere else
			}
			return nil
		})
	return &timed{rest, timeout}
}

// current is for requests with the timeout as it is set now.
func (c *Client) current() *timed {
	rest := c.rest.Load()
	if timeout := c.timeout(); timeout != rest.timeout {
		rest = c.withTimeout(timeout)
		c.rest.Store(rest)
	}
	return rest
}

func (c *Client) timeout() time.Duration {
	if c.config.TimeoutNow == nil {
		return c.config.Timeout
	}
	return orElse(c.config.TimeoutNow(), c.config.Timeout)
}

// Close lets go of the connections that are not in use.
func (c *Client) Close() { c.conn.CloseIdleConnections() }

// Request is one question.
type Request struct {
	Method string
	// URL is absolute.
	URL string
	// Body is sent as JSON; nil is no body.
	Body any
	// User and Password are sent as Basic credentials unless both are empty.
	User, Password string
	// Header is sent besides.
	Header map[string]string
	// Host is what the server is told that it is called, in place of the host in the
	// URL; empty is that.
	Host string
	// Secrets are kept out of errors, as Password is.
	Secrets []string
	// Timeout bounds this request in place of the client's; 0 does not. It is
	// not for clients that repeat requests.
	Timeout time.Duration

	// bearer is the token that Do adds; it is kept out of errors.
	bearer string
	// patience is how long its answer is waited for: the Timeout, or what its caller
	// gives it if that is less.
	patience time.Duration
}

// Response is what came back.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// TLS is what the connection was, nil for one without.
	TLS *tls.ConnectionState
	// Peer is the address of who called the request a bad one, with its port.
	Peer string
}

// patience is how long a request that begins now may take.
func patience(ctx context.Context, timeout time.Duration) time.Duration {
	if until, bounded := ctx.Deadline(); bounded {
		if left := time.Until(until); left < timeout {
			return max(left, 0).Round(10 * time.Millisecond)
		}
	}
	return timeout
}

// Do asks. The error is an *Error, and nil for a 2xx whose body was read whole.
// The response is nil only if no status came back: next to an error it says
// what was answered.
func (c *Client) Do(ctx context.Context, q Request) (*Response, error) {
	began := time.Now()
	res, err := c.do(ctx, q)
	if c.config.Asked != nil && !withheld(err) {
		c.config.Asked(ClassOf(err), time.Since(began))
	}
	c.outages.note(err)
	return res, err
}

func (c *Client) do(ctx context.Context, q Request) (*Response, error) {
	rest, bounded := c.current(), ctx
	q.Timeout = orElse(q.Timeout, rest.timeout)
	q.patience = patience(ctx, q.Timeout)
	if c.config.Retries == 0 {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, q.Timeout)
		defer cancel()
	}
	var sent atomic.Bool
	var peer atomic.Value // a net.Addr
	traced := httptrace.WithClientTrace(bounded, &httptrace.ClientTrace{
		// net/http takes another connection only after one on which
		// nothing was written, or for a read.
		GetConn: func(string) { sent.Store(false) },
		GotConn: func(info httptrace.GotConnInfo) {
			sent.Store(true)
			peer.CompareAndSwap(nil, info.Conn.RemoteAddr())
		},
	})
	token, err := c.bearer(q)
	if err != nil {
		return nil, err
	}
	r := rest.R().SetContext(traced).SetHeaders(q.Header)
	if token != "" {
		r.SetAuthToken(token)
		q.bearer = token
	}
	if q.User != "" || q.Password != "" {
		r.SetBasicAuth(q.User, q.Password)
	}
	if q.Host != "" {
		r.SetHeader("Host", q.Host)
	}
	if q.Body != nil {
		body, err := json.Marshal(q.Body)
		if err != nil {
			return nil, c.say(&Error{Kind: NotSent, cause: err}, q, "the body of "+asked(q)+" cannot be written as JSON")
		}
		r.SetHeader("Content-Type", "application/json").SetBody(body)
	}
	if !reads(q.Method) && !bos.MaySend(ctx) {
		return nil, c.say(&Error{Kind: NotSent, Cancelled: true, cause: context.Canceled}, q, asked(q)+": "+bos.NotPermitted)
	}
	raw, err := r.Execute(q.Method, q.URL)
	if err != nil {
		drop(raw)
		return nil, c.unanswered(ctx, q, err, sent.Load())
	}
	res, err := c.read(ctx, q, raw.RawResponse)
	if at, ok := peer.Load().(net.Addr); ok && res.Status == http.StatusBadRequest {
		res.Peer = at.String()
	}
	return res, err
}

func (c *Client) read(ctx context.Context, q Request, raw *http.Response) (*Response, error) {
	defer raw.Body.Close()
	body, err := readBody(raw, c.config.MaxBody)
	res := &Response{Status: raw.StatusCode, Header: raw.Header, Body: body, TLS: raw.TLS}
	if c.config.Heard != nil {
		c.config.Heard(raw.Header)
	}
	if res.Status == http.StatusUnauthorized && q.bearer != "" && c.config.Refused != nil {
		c.config.Refused(q.bearer)
	}
	if !Accepted(res.Status) {
		return res, c.refused(q, res)
	}
	switch {
	case err == nil && c.config.Pages && c.foreign(res):
		return res, c.Broken(q, res, errPage)
	case err == nil:
		return res, nil
	case errors.Is(err, errTooLarge):
		return res, c.Broken(q, res, err)
	default:
		failed := c.unanswered(ctx, q, err, true)
		failed.Status = res.Status
		return res, failed
	}
}

// JSON asks and decodes the answer into v. An answer that is empty or not of
// v's shape is an error.
func (c *Client) JSON(ctx context.Context, q Request, v any) error {
	res, err := c.Do(ctx, q)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(res.Body, v); err != nil {
		return c.Broken(q, res, err)
	}
	return nil
}

// Broken is the error of an answer with a body that is not what it should be.
func (c *Client) Broken(q Request, res *Response, why error) error {
	text := "cannot be used: " + Unreadable(why)
	if len(res.Body) == 0 && !errors.Is(why, errTooLarge) {
		text = "is empty"
	}
	e := &Error{Kind: Broken, Status: res.Status, foreign: errors.Is(why, errPage), cause: why}
	return c.say(e, q, fmt.Sprintf("%s's answer to %s %s", c.config.Upstream, asked(q), text))
}

func (c *Client) refused(q Request, res *Response) *Error {
	e := &Error{
		Kind: Refused, Status: res.Status,
		Message:    Said(q.scrub(c.config.Message(res.Body))),
		RetryAfter: RetryAfter(res.Header, time.Now()),
		foreign:    c.foreign(res),
	}
	said := fmt.Sprintf("%s answered %s to %s", c.config.Upstream, status(res.Status), asked(q))
	if to := res.Header.Get("Location"); to != "" && res.Status >= 300 && res.Status < 400 {
		said += ", a redirect to " + Excerpt(Address(to)) + " that is not followed"
		e.Message = "" // its page has that address once more, with all that is secret in it
	}
	if e.Message != "" {
		said += ": " + e.Message
	}
	return c.say(e, q, said)
}

func (c *Client) unanswered(ctx context.Context, q Request, err error, sent bool) *Error {
	e := &Error{Kind: NotSent, Cancelled: ctx.Err() != nil, cause: err}
	said := fmt.Sprintf("no connection to %s for %s: ", c.config.Upstream, asked(q))
	if sent {
		e.Kind, said = Unanswered, fmt.Sprintf("%s did not answer %s: ", c.config.Upstream, asked(q))
	}
	return c.say(e, q, said+reason(err, sent, q.patience))
}

// say completes the sentence of an error.
func (c *Client) say(e *Error, q Request, said string) *Error {
	if c.config.WayOut != nil {
		if way := c.config.WayOut(e); way != "" {
			said = bos.Unstopped(said) + "; " + way
		}
	}
	e.text = q.scrub(said)
	return e
}

func asked(q Request) string { return q.Method + " " + Address(q.URL) }

func status(code int) string {
	if text := http.StatusText(code); text != "" {
		return fmt.Sprintf("%d %s", code, text)
	}
	return fmt.Sprint(code)
}

// sameHostReads follows redirects of reads within one host: credentials stay
// where they were sent, and a change is never made anywhere else. What is not
// followed comes back as the answer.
func sameHostReads(next *http.Request, via []*http.Request) error {
	first := via[0]
	if !reads(first.Method) || !sameOrigin(next.URL, first.URL) || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// reads reports whether a request of this method changes nothing.
func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// again reports whether a request may be repeated and repeating it may help.
func (c *Client) again(r *resty.Response, err error) bool {
	if r == nil || r.Request.Method != http.MethodGet {
		return false
	}
	if err != nil {
		return true
	}
	switch r.StatusCode() {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		// The last answer must stay readable: it is the error.
		return r.Request.Attempt <= c.config.Retries && RetryAfter(r.Header(), time.Now()) <= 16*c.config.RetryWait
	default:
		return false
	}
}

// drop closes an answer that nobody reads.
func drop(r *resty.Response) {
	if r != nil && r.RawResponse != nil && r.RawResponse.Body != nil {
		_, _ = readCapped(r.RawResponse.Body, 64<<10)
		_ = r.RawResponse.Body.Close()
	}
}

// silent keeps resty from writing to the terminal; every error is returned.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
