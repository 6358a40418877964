package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
	"github.com/bootorch/terraform-provider-bos/internal/turn"
)

// Credentials is how to get tokens from an identity provider such as
// Keycloak: the client credentials grant of OAuth 2.
type Credentials struct {
	// TokenURL is the token endpoint; https, or loopback for tests.
	TokenURL     string
	ClientID     string
	ClientSecret string
	Scopes       []string
}

// CredentialError is a request that was not sent because there is no token for
// it.
type CredentialError struct{ Err error }

// Error says why there is none.
func (e *CredentialError) Error() string { return "no token to send along: " + e.Err.Error() }

// Unwrap is the cause.
func (e *CredentialError) Unwrap() error { return e.Err }

// errDenied marks that asking for a token again would bring the same.
var errDenied = errors.New("the identity provider refuses")

// tokens hands out bearer tokens; an empty one is none. renew forgets one that was refused; it says
// whether it is worth asking for another.
type tokens interface {
	token(ctx context.Context) (string, error)
	renew(ctx context.Context, refused string) bool
	// refused says which token the server refused, and the way out.
	refused() string
}

func newTokens(c Config, transport http.RoundTripper) (tokens, error) {
	switch {
	case c.Token != "":
		return fixedToken{c.Token, c.Endpoint}, nil
	case c.TokenFile != "":
		return &tokenFile{path: c.TokenFile}, nil
	case c.ClientCredentials != nil:
		return newTokenEndpoint(*c.ClientCredentials, transport, c.Timeout)
	case c.ClientCertificate != "":
		return nil, nil //nolint:nilnil // the certificate says who asks
	default:
		return &localTokens{endpoint: c.Endpoint}, nil
	}
}

// localTokens are those that a service on this machine leaves for its clients; none
// where it is on another. A service that starts anew draws another one.
type localTokens struct{ endpoint string }

func (t *localTokens) token(context.Context) (string, error) { return localtoken.Find(t.endpoint), nil }

// findsToken reports whether the token is that which a service on this machine leaves.
func (c Config) findsToken() bool {
	return c.Token == "" && c.TokenFile == "" && c.ClientCredentials == nil && c.ClientCertificate == ""
}

// dialService connects to an endpoint by name where the service that left the token of
// this machine listens: at another address of localhost another user may listen, and
// would be sent the token.
func dialService(endpoint string, dial dialer) dialer {
	u, err := url.Parse(endpoint)
	if err != nil {
		return dial
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, _, err := net.SplitHostPort(address); err == nil && strings.EqualFold(host, u.Hostname()) {
			if at := localtoken.At(endpoint); at != "" {
				address = at
			}
		}
		return dial(ctx, network, address)
	}
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

func (t *localTokens) renew(_ context.Context, refused string) bool {
	now := localtoken.Find(t.endpoint)
	return now != "" && now != refused
}

func (t *localTokens) refused() string {
	const give = "give one in token or BOS_TOKEN"
	found, missing := localtoken.Sought(t.endpoint)
	switch {
	case found != "":
		return fmt.Sprintf("the token of %s was sent, which may be that of a service that ran here before; %s", found, give)
	case len(missing) == 0:
		return "no token was sent; " + give
	}
	texts := make([]string, len(missing))
	for i, err := range missing {
		texts[i] = err.Error()
	}
	return fmt.Sprintf("no token was sent, as none was found that this user may use: %s; run this as the user of the service, or %s", strings.Join(texts, ", "), give)
}

// fixedToken is a token of the settings, for an endpoint.
type fixedToken struct{ text, endpoint string }

func (t fixedToken) token(context.Context) (string, error) { return t.text, nil }
func (t fixedToken) renew(context.Context, string) bool    { return false }

func (t fixedToken) refused() string {
	const sent = "the token of the setting token, or of BOS_TOKEN, was sent; give another one"
	if found, _ := localtoken.Sought(t.endpoint); found != "" {
		return sent + ", or none, and the one that the service has left in " + found + " is taken"
	}
	return sent
}

// maxToken bounds a token, in bytes.
const maxToken = 64 << 10

// tokenFile is a file that something else keeps fresh; it is read for each
// request.
type tokenFile struct{ path string }

func (f *tokenFile) token(context.Context) (string, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return "", fmt.Errorf("token_file cannot be read: %w; correct it, or BOS_TOKEN_FILE where the provider block has none", err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxToken))
	if err != nil {
		return "", fmt.Errorf("token_file %s cannot be read: %w", f.path, err)
	}
	text := strings.TrimSpace(string(content))
	if text == "" || strings.ContainsAny(text, "\r\n \t") {
		return "", fmt.Errorf("token_file %s does not hold a token; it should hold nothing else", f.path)
	}
	return text, nil
}

// renew: the file may hold another one by now.
func (f *tokenFile) renew(ctx context.Context, refused string) bool {
	now, err := f.token(ctx)
	return err == nil && now != refused
}

func (f *tokenFile) refused() string {
	return fmt.Sprintf("the token in %s was sent, which token_file or BOS_TOKEN_FILE names; put another one there", f.path)
}

// tokenEndpoint gets tokens and keeps each until shortly before it expires.
type tokenEndpoint struct {
	c   Credentials
	via *http.Client
	now func() time.Time

	turn    turn.Turn // over the request for a token
	current string
	until   time.Time
}

func (e *tokenEndpoint) refused() string {
	return fmt.Sprintf("a token that %s issued for client_id %q was sent; check that BOS trusts that issuer, and what the client may do", e.c.TokenURL, e.c.ClientID)
}

// tokenMargin is how long before its end a token is no longer used; of short
// ones at most a quarter.
const tokenMargin = 30 * time.Second

func newTokenEndpoint(c Credentials, transport http.RoundTripper, timeout time.Duration) (*tokenEndpoint, error) {
	u, err := url.Parse(c.TokenURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, &ConfigError{"client_credentials", "token_url is no URL; write it like https://auth.example.com/keycloak/realms/shasta/protocol/openid-connect/token"}
	case u.User != nil:
		return nil, &ConfigError{"client_credentials", "token_url holds a user name; leave it out and use client_id and client_secret"}
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, &ConfigError{"client_credentials", "token_url begins with http://, which would show client_secret to the network; use https://"}
	case c.ClientID == "" || c.ClientSecret == "":
		return nil, &ConfigError{"client_credentials", "client_id or client_secret is empty; give both"}
	}
	via := &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &tokenEndpoint{c: c, via: via, now: time.Now}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (e *tokenEndpoint) renew(ctx context.Context, refused string) bool {
	if e.turn.Take(ctx) != nil {
		return false
	}
	defer e.turn.Give()
	if e.current == refused {
		e.current = ""
	}
	return true
}

// token waits for others that are getting one, and takes theirs.
func (e *tokenEndpoint) token(ctx context.Context) (string, error) {
	if err := e.turn.Take(ctx); err != nil {
		return "", fmt.Errorf("others wait for a token of %s, and this request ended before: %w; check token_url", e.c.TokenURL, err)
	}
	defer e.turn.Give()
	if e.current != "" && e.now().Before(e.until) {
		return e.current, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {e.c.ClientID}, "client_secret": {e.c.ClientSecret}}
	if len(e.c.Scopes) > 0 {
		form.Set("scope", strings.Join(e.c.Scopes, " "))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.c.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", errors.New("token_url cannot be asked")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	resp, err := e.via.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return "", fmt.Errorf("%s got no answer: %w; check token_url and ca_certificate", e.c.TokenURL, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 2*maxToken))
	if err != nil {
		return "", fmt.Errorf("the answer of %s broke off: %w", e.c.TokenURL, err)
	}
	return e.take(resp.StatusCode, body)
}

// take reads the answer. Nothing of it is shown but the error code that OAuth
// defines: bodies of identity providers may repeat what was sent.
func (e *tokenEndpoint) take(status int, body []byte) (string, error) {
	var answer struct {
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"`
		Error       string  `json:"error"`
	}
	err := json.NewDecoder(bytes.NewReader(body)).Decode(&answer)
	switch {
	case status != http.StatusOK && oauthErrors[answer.Error]:
		return "", fmt.Errorf("%w: %s answered %d %s; check client_id, client_secret and scopes", errDenied, e.c.TokenURL, status, answer.Error)
	case status != http.StatusOK && status < http.StatusInternalServerError:
		return "", fmt.Errorf("%w: %s answered %d; check token_url, client_id and client_secret", errDenied, e.c.TokenURL, status)
	case status != http.StatusOK:
		return "", fmt.Errorf("%s answered %d; check token_url, client_id and client_secret", e.c.TokenURL, status)
	case err != nil || answer.AccessToken == "":
		return "", fmt.Errorf("%s answered without an access_token; check that token_url is the token endpoint", e.c.TokenURL)
	}
	lasts := time.Duration(answer.ExpiresIn * float64(time.Second))
	e.current, e.until = answer.AccessToken, e.now().Add(lasts-min(tokenMargin, lasts/4))
	return e.current, nil
}

var oauthErrors = map[string]bool{
	"invalid_request": true, "invalid_client": true, "invalid_grant": true, "unauthorized_client": true, "unsupported_grant_type": true, "invalid_scope": true,
}

// authorized sends requests with a token. A token that the server refuses is
// replaced once: a request that was answered with 401 was not carried out.
type authorized struct {
	next   http.RoundTripper
	tokens tokens
}

// RoundTrip adds the token to a copy of the request.
func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := a.tokens.token(r.Context())
	if err != nil {
		return nil, &CredentialError{err}
	}
	resp, err := a.next.RoundTrip(bearing(r, token, r.Body))
	if err != nil || resp.StatusCode != http.StatusUnauthorized || r.Body != nil && r.GetBody == nil || !a.tokens.renew(r.Context(), token) {
		return resp, err
	}
	again, err := a.tokens.token(r.Context())
	if err != nil {
		return resp, nil //nolint:nilerr // the refusal is what counts
	}
	body := r.Body
	if r.GetBody != nil {
		if body, err = r.GetBody(); err != nil {
			return resp, nil //nolint:nilerr // the refusal is what counts
		}
	}
	_ = resp.Body.Close()
	return a.next.RoundTrip(bearing(r, again, body))
}

func bearing(r *http.Request, token string, body io.ReadCloser) *http.Request {
	with := r.Clone(r.Context())
	with.Body = body
	if token != "" {
		with.Header.Set("Authorization", "Bearer "+token)
	}
	return with
}
