package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// problemMedia is the media type of what BOS says no with.
const problemMedia = "application/problem+json"

// Error is an answer that says no: a problem+json document, or what came in
// its place.
type Error struct {
	Status int
	Title  string
	Detail string
	Method string
	URL    string
	// Problem reports whether it came as a problem document, as every
	// refusal of BOS does. What a gateway says in its place has none.
	Problem bool
	// Again is how long a server that refused a stream wants not to be asked again.
	Again time.Duration
}

// Error says what was asked and what the server said.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %s answered %d %s: %s", e.Method, e.URL, e.Status, e.Title, e.Detail)
}

// Unreachable is a request that got no answer: whether a write took effect is
// not known.
type Unreachable struct {
	Method string
	URL    string
	Err    error
}

// Error says what was asked, why there is no answer and where to look.
func (e *Unreachable) Error() string {
	return fmt.Sprintf("%s %s got no answer: %s; check the endpoint and that the service runs", e.Method, e.URL, e.Err)
}

// Unwrap is the cause.
func (e *Unreachable) Unwrap() error { return e.Err }

// IsNotFound reports whether BOS itself said that it has no such thing. The 404
// of a gateway that has no way to BOS for the moment says nothing of the kind.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && e.Problem
}

// IsConflict reports whether the server said 409.
func IsConflict(err error) bool { return hasStatus(err, http.StatusConflict) }

// IsBadRequest reports whether the server said 400.
func IsBadRequest(err error) bool { return hasStatus(err, http.StatusBadRequest) }

// IsForbidden reports whether the server, or a gateway before it, said 403: who asks is
// known and may not.
func IsForbidden(err error) bool { return hasStatus(err, http.StatusForbidden) }

func hasStatus(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status
}

// Undecided reports whether a write that failed with err may have taken effect
// all the same.
func Undecided(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Status >= http.StatusInternalServerError || e.Status < http.StatusMultipleChoices || e.Status == http.StatusRequestTimeout
	}
	var u *Unreachable
	return errors.As(err, &u)
}

func (c *Client) noAnswer(method, path string, err error) error {
	cause := err
	var credential *CredentialError
	if errors.As(err, &credential) {
		return fmt.Errorf("%s %s was not sent: %w", method, c.base+path, credential)
	}
	var u *url.Error
	if errors.As(err, &u) {
		cause = u.Err // its text repeats method and URL
	}
	switch {
	case errors.Is(err, resty.ErrAutoRedirectDisabled):
		cause = fmt.Errorf("the server redirects elsewhere, and credentials are not sent after it; set endpoint to where it points: %w", cause)
	case errors.Is(err, resty.ErrResponseBodyTooLarge):
		cause = fmt.Errorf("the answer is larger than %d bytes: %w", maxResponse, cause)
	case isCertificate(err):
		cause = fmt.Errorf("%w; give the CA that signed it in ca_certificate", cause)
	case wantsCertificate(err):
		cause = fmt.Errorf("%w; the server lets in only who has a certificate that it trusts: give one in client_certificate and client_key", cause)
	}
	return &Unreachable{Method: method, URL: c.base + path, Err: cause}
}

// wantsCertificate reports whether the server ended the handshake for want of a
// client certificate that it trusts. The alert has no type to tell it by.
func wantsCertificate(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return false
	}
	text := op.Err.Error()
	return strings.Contains(text, "certificate required") || strings.Contains(text, "bad certificate") || strings.Contains(text, "unknown certificate authority")
}

func (c *Client) asError(method, path string, resp *resty.Response) error {
	e := &Error{Status: resp.StatusCode(), Method: method, URL: c.base + path}
	var problem struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
	}
	if json.Unmarshal(resp.Body(), &problem) == nil {
		e.Title, e.Detail = problem.Title, problem.Detail
		media, _, err := mime.ParseMediaType(resp.Header().Get("Content-Type"))
		e.Problem = err == nil && media == problemMedia
	}
	if e.Title == "" {
		e.Title = http.StatusText(e.Status)
	}
	if e.Detail == "" {
		e.Detail = "no problem document came with it" + c.beginning(resp.Body())
	}
	switch {
	case e.Status == http.StatusUnauthorized && c.tokens != nil:
		e.Detail = bos.Unstopped(e.Detail) + "; " + c.tokens.refused()
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		e.Detail = bos.Unstopped(e.Detail) + "; check token and tenant"
	}
	return e
}

// beginning is the first line of a body that is not what was expected, such as
// the page of a gateway. Secrets are hidden before it is cut, which could leave
// a part of one.
func (c *Client) beginning(body []byte) string {
	const most = 200
	text := c.secrets.conceal(string(body[:min(len(body), most+c.secrets.longest())]))
	text = strings.TrimSpace(text[:min(len(text), most)])
	line, _, _ := strings.Cut(text, "\n")
	if line == "" {
		return ""
	}
	return fmt.Sprintf("; the body begins with %q", line)
}
