package oidc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	// maxBody bounds what an issuer answers.
	maxBody = 1 << 20
	// maxRedirects bounds how often it sends on.
	maxRedirects = 3
)

// validURL refuses what is no address of an issuer or of its keys. What comes by plain
// HTTP could be anybody's keys.
func validURL(text string) error {
	if err := plainURL(text); err != nil {
		return err
	}
	if u, err := url.Parse(text); err != nil || !private(u) {
		return fmt.Errorf("%q is not https; whoever is on the way could hand out keys of their own, so plain http is for loopback alone", text)
	}
	return nil
}

// plainURL is nil for a URL with nothing but a path.
func plainURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return errors.New("is missing; use the URL that its tokens have in iss, such as https://keycloak.example/realms/site")
	case err != nil || u.Host == "":
		return errors.New("is no URL; use one such as https://keycloak.example/realms/site")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("of the host %q has a user, a query or a fragment; use a plain URL such as https://keycloak.example/realms/site", u.Host)
	}
	return nil
}

// private reports whether nobody is on the way to an address.
func private(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// fetcher asks an issuer for its keys.
type fetcher struct {
	Settings
	client *http.Client

	mu    sync.Mutex
	found string // where the keys are, as discovery says
}

func newFetcher(s Settings) *fetcher {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is documented as one
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CA != nil {
		t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			d := tls.Dialer{Config: &tls.Config{RootCAs: s.CA(), MinVersion: tls.VersionTLS12}}
			return d.DialContext(ctx, network, address)
		}
	}
	t.MaxResponseHeaderBytes = 64 << 10
	t.MaxIdleConnsPerHost = 1
	return &fetcher{Settings: s, client: &http.Client{Transport: bounded{t}, Timeout: fetchTimeout, CheckRedirect: near}}
}

// near refuses to be sent to another host.
func near(r *http.Request, via []*http.Request) error {
	if from := via[0].URL; r.URL.Scheme != from.Scheme || r.URL.Host != from.Host {
		return fmt.Errorf("it sends on to another address, %s://%s; name the right one in the settings", r.URL.Scheme, r.URL.Host)
	}
	if len(via) > maxRedirects {
		return errors.New("it sends on again and again; look at the issuer")
	}
	return nil
}

// bounded asks only where nobody is on the way, and for so much.
type bounded struct{ http.RoundTripper }

// RoundTrip sends one request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if !private(r.URL) {
		return nil, fmt.Errorf("%s://%s is not https; have the issuer name its keys by https", r.URL.Scheme, r.URL.Host)
	}
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = &limited{ReadCloser: response.Body, left: maxBody}
	}
	return response, err
}

// limited fails after so many bytes.
type limited struct {
	io.ReadCloser
	left int
}

// Read reads what is left.
func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("it answers with more than %d bytes; look at the issuer", maxBody)
	}
	n, err := l.ReadCloser.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// fetch gets the keys.
func (f *fetcher) fetch(ctx context.Context) (*set, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	address := f.JWKSURL
	if address == "" {
		address = f.found
	}
	if address == "" {
		var err error
		if address, err = f.discover(ctx); err != nil {
			return nil, err
		}
		f.found = address
	}
	got, err := f.get(ctx, address)
	if err != nil {
		f.found = "" // the next fetch looks for it again
		return nil, fmt.Errorf("its keys at %s: %w", clip(address), err)
	}
	return got, nil
}

// discover asks the issuer where its keys are.
func (f *fetcher) discover(ctx context.Context) (string, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, f.client), f.Issuer)
	if err != nil {
		return "", fmt.Errorf("discovery at %s: %s; correct issuer, or give jwks_url where the issuer has no discovery", f.Issuer, clip(err.Error()))
	}
	var says struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&says); err != nil || says.Keys == "" {
		return "", fmt.Errorf("discovery at %s names no jwks_uri; give jwks_url", f.Issuer)
	}
	if err := validURL(says.Keys); err != nil {
		return "", fmt.Errorf("discovery at %s: jwks_uri %w", f.Issuer, err)
	}
	return says.Keys, nil
}

func (f *fetcher) get(ctx context.Context, address string) (*set, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	response, err := f.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s; correct the address, or look at the issuer", response.Status)
	}
	return parseSet(body, f.Algorithms)
}
