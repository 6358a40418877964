package report

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// NodeTokenHeader has the token of a node where Authorization has another one.
const NodeTokenHeader = "Bos-Node-Token" //nolint:gosec // the name of one

// The limits of one report.
const (
	reportTimeout  = 30 * time.Second
	connectTimeout = 5 * time.Second
	tlsTimeout     = 10 * time.Second
	// maxAnswer is more than a component can have.
	maxAnswer = 2 << 20
	maxSecret = 64 << 10
)

// refusal is an answer by which a report was not taken.
type refusal struct {
	text string
	// after is how long to wait by the answer, 0 if it does not say.
	after time.Duration
}

// Error is what was answered.
func (r *refusal) Error() string { return r.text }

// address is where a report goes.
func (s Settings) address() string { return s.API + "/v2/components/" + url.PathEscape(s.Xname) }

// send makes one report.
func (s Settings) send(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]any{"id": s.Xname, "actual_state": map[string]string{"bss_token": s.Token}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPatch, s.address(), strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	if err := s.header(request.Header); err != nil {
		return err
	}
	client, err := s.client()
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return cause(err)
	}
	defer answer.Body.Close()
	return s.taken(answer)
}

// header says who asks.
func (s Settings) header(h http.Header) error {
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "bos-report")
	bearer := s.NodeToken
	if s.TokenFile != "" {
		f, err := os.Open(s.TokenFile)
		if err != nil {
			return fmt.Errorf("the bearer token cannot be read: %w", err)
		}
		defer f.Close() //nolint:errcheck // only read
		text, err := io.ReadAll(io.LimitReader(f, maxSecret))
		if err != nil {
			return fmt.Errorf("the bearer token cannot be read: %w", err)
		}
		if bearer = strings.TrimSpace(string(text)); bearer == "" || strings.ContainsFunc(bearer, unicode.IsControl) {
			return fmt.Errorf("%s holds no bearer token of one line", s.TokenFile)
		}
		if s.NodeToken != "" {
			h.Set(NodeTokenHeader, s.NodeToken)
		}
	}
	if bearer != "" {
		h.Set("Authorization", "Bearer "+bearer)
	}
	return nil
}

// client is made anew for each report: hours are between them, and certificates may
// have been replaced. It asks no proxy, and follows nobody elsewhere with tokens.
func (s Settings) client() (*http.Client, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("the certificates cannot be read: %w", err)
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM form", s.CAFile)
		}
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: (&net.Dialer{Timeout: connectTimeout}).DialContext, TLSHandshakeTimeout: tlsTimeout, TLSClientConfig: trust,
			DisableKeepAlives: true, MaxResponseHeaderBytes: maxSecret,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// taken is nil if the answer is that of a BOS which took the report.
func (s Settings) taken(answer *http.Response) error {
	var said struct{ ID, Detail string }
	err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&said)
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300 && said.ID != "":
		return nil
	case code >= 200 && code < 300:
		return errors.Join(errors.New("the answer is "+answer.Status+", but no component: is this the address of BOS?"), cause(err))
	case code >= 300 && code < 400:
		return fmt.Errorf("it sends elsewhere, to %.200q: set %s to where BOS is", answer.Header.Get("Location"), WordAPI)
	default:
		text := answer.Status
		if said.Detail != "" {
			text += ": " + printable(said.Detail)
		}
		return &refusal{text, retryAfter(answer.Header.Get("Retry-After"))}
	}
}

// retryAfter reads a number of seconds.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
}

// maxDetail bounds what of an answer goes into a line of the log.
const maxDetail = 500

// printable is a text of somebody else as one line.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + "..."
	}
	return text
}

// cause is why a request was not answered, without its address, which is in the line
// already.
func cause(err error) error {
	var of *url.Error
	switch {
	case errors.As(err, &of):
		err = of.Err
	case err == nil:
		return nil
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w; name the file with its certificates by %s=", err, WordCAFile)
	}
	return err
}
