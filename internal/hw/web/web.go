// Package web reads boot images over plain HTTP and HTTPS, below the prefixes
// that the administrator names. What an image consists of is in package
// manifest.
package web

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/manifest"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	defaultTimeout = 30 * time.Second
	retries        = 2
)

// Config says what may be read.
type Config struct {
	// Prefixes are where paths may lead, each a URL that ends in a slash.
	// Paths come from clients of the API: they must not make the service
	// read whatever it can reach.
	Prefixes []string
	// CA verifies the servers; nil is the system's pool.
	CA func() *x509.CertPool
	// Asked is told of each request; nil is nobody.
	Asked func(outcome transport.Class, took time.Duration)
	// RetryWait is the pause before a read is repeated; 0 is the default of
	// package transport.
	RetryWait time.Duration
}

// Client reads from web servers. It is safe for concurrent use.
type Client struct {
	http     *transport.Client
	conn     *http.Transport
	prefixes []string
}

var _ manifest.Source = (*Client)(nil)

// New makes a client; it connects when it is first asked.
func New(c Config) *Client {
	conn := transport.NewConn(transport.ConnConfig{MaxIdle: 16, CA: c.CA})
	return &Client{
		conn: conn,
		http: transport.New(transport.Config{
			Upstream: "the image server", WayOut: transport.Always("check the server and artifacts.http"),
			Timeout: defaultTimeout, MaxBody: manifest.MaxManifest, Retries: retries, RetryWait: c.RetryWait, Asked: c.Asked,
		}, conn),
		prefixes: c.Prefixes,
	}
}

// Takes refuses what is not below a prefix. What a server could take for another
// path than the one that is compared, is refused as well.
func (c *Client) Takes(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || path.Clean(u.Path) != u.Path || strings.ContainsAny(u.Path, `\%`) {
		return bos.ImageFaultf("the path %.200q is no plain address of a file; correct the template's path", bos.Unsigned(address))
	}
	for _, prefix := range c.prefixes {
		if strings.HasPrefix(u.String(), prefix) {
			return nil
		}
	}
	return bos.ImageFaultf("%.200q is below none of artifacts.http.prefixes (%s); correct the template's path, or add a prefix", address, strings.Join(c.prefixes, ", "))
}

// Check asks whether there is a file.
func (c *Client) Check(ctx context.Context, address string) error {
	if err := c.Takes(address); err != nil {
		return err
	}
	_, err := c.http.Do(ctx, transport.Request{Method: http.MethodHead, URL: address})
	var failed *transport.Error
	if errors.As(err, &failed) && transport.Absent(failed.Status) && !transport.Missing(failed.Status) {
		return nil // this server answers no HEAD
	}
	return judge(address, err)
}

// Read reads a file of at most most bytes, and its etag.
func (c *Client) Read(ctx context.Context, address string, most int64) ([]byte, string, error) {
	if err := c.Takes(address); err != nil {
		return nil, "", err
	}
	res, err := c.http.Do(ctx, transport.Request{Method: http.MethodGet, URL: address, Header: map[string]string{"Accept": "*/*"}})
	if err != nil {
		return nil, "", judge(address, err)
	}
	if int64(len(res.Body)) > most {
		return nil, "", manifest.TooLarge(address, most)
	}
	return res.Body, manifest.Unquote(res.Header.Get("ETag")), nil
}

// Hash reads a file to its end, however large, and writes it into a hash.
func (c *Client) Hash(ctx context.Context, address string, into io.Writer) (size int64, etag string, err error) {
	if err := c.Takes(address); err != nil {
		return 0, "", err
	}
	if err := c.Check(ctx, address); err != nil {
		return 0, "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	// A redirect could lead to what may not be read.
	stay := http.Client{Transport: c.conn, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := stay.Do(req)
	if err != nil {
		return 0, "", fmt.Errorf("read %s: %w; check the server and artifacts.http", address, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return 0, "", fmt.Errorf("read %s: the image server answered %s; check the server and artifacts.http", address, res.Status)
	}
	size, err = io.Copy(into, res.Body)
	if err != nil {
		return size, "", fmt.Errorf("read %s: the answer ended after %d bytes: %w; check the server", address, size, err)
	}
	return size, manifest.Unquote(res.Header.Get("ETag")), nil
}

// judge tells a file that is not there from a server that cannot be read now.
func judge(address string, err error) error {
	var failed *transport.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &failed):
		return err
	case transport.Missing(failed.Status):
		return manifest.Missing(address, failed.Message)
	case failed.Kind == transport.Broken:
		return manifest.TooLarge(address, manifest.MaxManifest)
	default:
		return err
	}
}
