package transport

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Kind says how far a request came.
type Kind int

// The kinds of failure.
const (
	// NotSent: there never was a connection (name, dial, TLS handshake), so
	// the request cannot have had an effect.
	NotSent Kind = iota
	// Unanswered: it was sent, and the answer did not come, or not whole; it
	// may have had its effect.
	Unanswered
	// Refused: it was answered with a status other than 2xx.
	Refused
	// Broken: it was answered with success, but the body is too large or
	// not what it should be.
	Broken
	// Withheld: it was not asked, because of what was answered before.
	Withheld
)

// Withhold is the error of a request that is not made; why is the whole sentence.
func Withhold(why string) *Error { return &Error{Kind: Withheld, text: why} }

// Error is a failed request. Its text holds no credentials.
type Error struct {
	Kind Kind
	// Status is the HTTP status, 0 if there was no answer.
	Status int
	// Message is what the server said of it, cut and cleaned; often empty.
	Message string
	// RetryAfter is the server's wish, 0 if it has none.
	RetryAfter time.Duration
	// Cancelled is set when the caller gave up, which says nothing about
	// the server.
	Cancelled bool

	// foreign is set where somebody before the service answered.
	foreign bool
	text    string
	cause   error
}

// Cancelled reports whether an error is that of a request that its caller gave up.
func Cancelled(err error) bool {
	var failed *Error
	return errors.As(err, &failed) && failed.Cancelled
}

// Error is one sentence: what was asked, of whom, what came back, where to look.
func (e *Error) Error() string { return e.text }

// Unwrap is the error below, for errors.Is and errors.As. Its own text may
// name addresses in full and is not for people.
func (e *Error) Unwrap() error { return e.cause }

// MaxMessage bounds what of a server's message is shown, in bytes.
const MaxMessage = 300

// Excerpt is text on one line, without control characters, cut to MaxMessage.
func Excerpt(text string) string {
	text = strings.ToValidUTF8(text, "?")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if len(text) <= MaxMessage {
		return text
	}
	const ellipsis = "…"
	return strings.ToValidUTF8(text[:MaxMessage-len(ellipsis)], "") + ellipsis
}

// Said is an excerpt of what a server says, as a part of a sentence.
func Said(text string) string { return bos.Unstopped(Excerpt(text)) }

// Unreadable is why JSON cannot be read, for people: the shapes of this program's own
// types say nothing to them.
func Unreadable(err error) string {
	var shape *json.UnmarshalTypeError
	if !errors.As(err, &shape) {
		return err.Error()
	}
	at := "it"
	if shape.Field != "" {
		at = shape.Field
	}
	return fmt.Sprintf("%s is JSON of another shape than that of this service, with %s at byte %d", at, article(shape.Value), shape.Offset)
}

// article is what JSON calls a value, with its article.
func article(value string) string {
	kind, _, _ := strings.Cut(value, " ")
	if kind == "array" || kind == "object" {
		return "an " + kind
	}
	return "a " + kind
}

// problem is what a service says in a problem+json body, or the text of it.
func problem(body []byte) string {
	var p struct {
		Detail string `json:"detail"`
		Title  string `json:"title"`
	}
	if json.Unmarshal(body, &p) == nil {
		if p.Detail != "" {
			return p.Detail
		}
		return p.Title
	}
	return string(body)
}

// scrub takes the credentials of the request out of text that came from elsewhere.
func (q Request) scrub(text string) string {
	for _, secret := range q.Secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	if q.bearer != "" {
		text = strings.ReplaceAll(text, q.bearer, "***")
	}
	if q.Password == "" {
		return text
	}
	basic := base64.StdEncoding.EncodeToString([]byte(q.User + ":" + q.Password))
	return strings.NewReplacer(basic, "***", q.Password, "***", url.QueryEscape(q.Password), "***").Replace(text)
}

// reason is why no answer came within a time, for people.
func reason(err error, sent bool, within time.Duration) string {
	var (
		dns    *net.DNSError
		cert   *tls.CertificateVerificationError
		record tls.RecordHeaderError
		netErr net.Error
		stray  *strayError
	)
	switch {
	case errors.As(err, &stray):
		return stray.Error()
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %q cannot be resolved", dns.Name)
	case errors.As(err, &cert):
		return fmt.Sprintf("its TLS certificate is not trusted: %v", cert.Err)
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "it does not speak TLS"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "too many files are open here; raise the limit on open files (ulimit -n)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to it"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		if sent {
			return fmt.Sprintf("no answer within %s", within)
		}
		return "no connection in time"
	case sent:
		return "the connection broke before the answer was whole"
	default:
		if over := handshake(err); over != "" {
			return "the TLS handshake failed: " + over
		}
		return inner(err).Error()
	}
}

// handshake is what of TLS a connection failed over, empty if it was something else.
// The alerts of either side have no type of their own outside of net.OpError, other
// failures none at all.
func handshake(err error) string {
	var alert *net.OpError
	if errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error") {
		who := "it says"
		if alert.Op == "local error" {
			who = "this side says"
		}
		return fmt.Sprintf("%s %q about the versions, ciphers and curves that are offered", who, strings.TrimPrefix(alert.Err.Error(), "tls: "))
	}
	if text, is := strings.CutPrefix(inner(err).Error(), "tls: "); is {
		return text
	}
	return ""
}

// Trouble is what a connection failed over, where that asks for another way out than
// power and network.
type Trouble int

// The troubles.
const (
	TroubleNone Trouble = iota
	// TroubleName: the name of the server cannot be resolved.
	TroubleName
	// TroubleCertificate: its certificate is not trusted.
	TroubleCertificate
	// TroubleTLS: there is no version, cipher or curve that both have.
	TroubleTLS
	// TroubleNetwork: it is in no network that may be connected to.
	TroubleNetwork
)

// Trouble is what the connection failed over.
func (e *Error) Trouble() Trouble {
	var (
		dns    *net.DNSError
		cert   *tls.CertificateVerificationError
		pinned *pinError
		record tls.RecordHeaderError
		stray  *strayError
	)
	switch {
	case e.Kind != NotSent || e.cause == nil:
		return TroubleNone
	case errors.As(e.cause, &dns):
		return TroubleName
	case errors.As(e.cause, &stray):
		return TroubleNetwork
	case errors.As(e.cause, &cert), errors.As(e.cause, &pinned):
		return TroubleCertificate
	case errors.As(e.cause, &record), errors.Is(e.cause, http.ErrSchemeMismatch), handshake(e.cause) != "":
		return TroubleTLS
	default:
		return TroubleNone
	}
}

// inner is the error below net/http's, whose text repeats the address.
func inner(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// maxRetryAfter bounds how long a server can make us wait.
const maxRetryAfter = time.Hour

// RetryAfter reads the header of that name, in seconds or as a date; 0 if it is
// missing, past or unreadable, and at most an hour.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// errTooLarge says that an answer was larger than its cap.
var errTooLarge = errors.New("the answer is too large")

// errPage says that an answer is a page for browsers.
var errPage = errors.New("it is a page for browsers, of a gateway or a login before the service")

// readBody reads an answer to its end. One that says how long it is, is read into
// a buffer of that size; the answer to a HEAD says so and has none.
func readBody(raw *http.Response, most int64) ([]byte, error) {
	if raw.Request != nil && raw.Request.Method == http.MethodHead {
		return nil, nil
	}
	if raw.ContentLength <= 0 || raw.ContentLength > most {
		return readCapped(raw.Body, most)
	}
	body := make([]byte, raw.ContentLength)
	n, err := io.ReadFull(raw.Body, body)
	if err != nil {
		return body[:n], err
	}
	// The connection can be used again once the end has been seen.
	_, err = io.Copy(io.Discard, raw.Body)
	return body, err
}

// readCapped reads r to its end, so that the connection can be used again, or
// fails above most bytes.
func readCapped(r io.Reader, most int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return body, err
	}
	if int64(len(body)) > most {
		return nil, fmt.Errorf("%w: above %d bytes", errTooLarge, most)
	}
	return body, nil
}
