// Package s3 reads boot images from S3 buckets. What an image consists of is in
// package manifest; which is wanted, and what becomes of it, is decided elsewhere.
package s3

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/manifest"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	defaultTimeout = 30 * time.Second
	// defaultRegion spares the question for the bucket's own; gateways such
	// as Ceph's take any.
	defaultRegion   = "us-east-1"
	defaultAttempts = 3
)

// Config is where the images are.
type Config struct {
	// Endpoint is a URL without a path, such as http://rgw:8080.
	Endpoint string
	// AccessKey and SecretKey may both be empty for a public bucket.
	AccessKey, SecretKey string
	// SessionToken goes with keys that are good for a while.
	SessionToken string
	// Keys replaces the three above, so that keys that changed are picked up. It
	// must not block for long, and its error must not tell what it read.
	Keys func() (Keys, error)
	// Virtual has the bucket in the name of the host, in place of the path.
	Virtual bool
	// Buckets are what may be read and linked to: a bucket, or what is below
	// bucket/prefix. None is all that the keys may read.
	Buckets []string
	// Region is the buckets'; empty is us-east-1.
	Region string
	// CA verifies the endpoint; nil is the system's pool.
	CA func() *x509.CertPool
	// Timeout bounds the reading of one object; 0 is 30 s.
	Timeout time.Duration
	// Attempts is how often each read is tried; 0 is 3.
	Attempts int
	// Asked is told of each request; nil is nobody.
	Asked func(outcome transport.Class, took time.Duration)
	// Heard is told the header of each answer; nil is nobody.
	Heard func(http.Header)
}

// Client reads from one S3 endpoint. It is safe for concurrent use.
type Client struct {
	core    minio.Core
	keys    *credentials.Credentials
	at      string
	timeout time.Duration
	allowed allowed
}

var (
	_ bos.Artifacts   = (*Client)(nil)
	_ manifest.Source = (*Client)(nil)
)

// New reads from the endpoint, with the defaults of Config for all else.
func New(endpoint, accessKey, secretKey string) (*Client, error) {
	return Open(Config{Endpoint: endpoint, AccessKey: accessKey, SecretKey: secretKey})
}

// Open makes a client; it connects when it is first asked. The error says which
// setting is wrong.
func Open(c Config) (*Client, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return nil, fmt.Errorf("artifacts.s3.endpoint %q is not a URL without user and path, such as http://rgw:8080", transport.Address(c.Endpoint))
	}
	if (c.AccessKey == "") != (c.SecretKey == "") {
		return nil, errors.New("artifacts.s3 has only one of the access key and the secret key; set both, or neither for a public bucket")
	}
	if c.Region == "" {
		c.Region = defaultRegion
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.Attempts <= 0 {
		c.Attempts = defaultAttempts
	}
	style := minio.BucketLookupPath
	if c.Virtual {
		style = minio.BucketLookupDNS
	}
	keys := c.credentials()
	core, err := minio.NewCore(u.Host, &minio.Options{
		Creds:        keys,
		Secure:       u.Scheme == "https",
		Region:       c.Region,
		BucketLookup: style,
		MaxRetries:   c.Attempts,
		Transport:    dated{transport.NewConn(transport.ConnConfig{CA: c.CA, MaxIdle: 16}), c.Heard, c.Asked},
	})
	if err != nil {
		return nil, fmt.Errorf("artifacts.s3.endpoint %q: %w", transport.Address(c.Endpoint), err)
	}
	return &Client{core: *core, keys: keys, at: transport.Address(c.Endpoint), timeout: c.Timeout, allowed: c.Buckets}, nil
}

// Image reads an image of which all is in this store.
func (c *Client) Image(ctx context.Context, path string) (bos.Image, error) {
	return manifest.Sources{"s3": c}.Image(ctx, path)
}

// Takes refuses what is no s3://bucket/key, or may not be read.
func (c *Client) Takes(path string) error {
	_, _, err := c.allowed.split(path)
	return err
}

// Check asks whether an object is there.
func (c *Client) Check(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	bucket, key, err := c.allowed.split(path)
	if err != nil {
		return err
	}
	if _, err := c.core.StatObject(ctx, bucket, key, minio.StatObjectOptions{}); err != nil {
		return c.failed(ctx, path, err)
	}
	return nil
}

// Read reads an object of at most most bytes and its etag, in one request.
func (c *Client) Read(ctx context.Context, path string, most int64) ([]byte, string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	bucket, key, err := c.allowed.split(path)
	if err != nil {
		return nil, "", err
	}
	object, info, _, err := c.core.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, "", c.failed(ctx, path, err)
	}
	defer object.Close()
	if info.Size > most {
		return nil, "", manifest.TooLarge(path, most)
	}
	body, err := io.ReadAll(io.LimitReader(object, most+1))
	if err != nil {
		return nil, "", c.failed(ctx, path, err)
	}
	if int64(len(body)) > most {
		return nil, "", manifest.TooLarge(path, most)
	}
	return body, manifest.Unquote(info.ETag), nil
}

// signature is that of a request, with which it can be sent again for a while.
var signature = regexp.MustCompile(`(?i)(signature["=:\s]+)[0-9a-f]{16,}`)

// told is what a store, or something in its place, says of a request: without the keys of
// the request, which careless ones repeat.
func (c *Client) told(text string) string {
	text = signature.ReplaceAllString(text, "$1***")
	if keys, err := c.keys.GetWithContext(nil); err == nil {
		for _, secret := range []string{keys.SessionToken, keys.SecretAccessKey} {
			if secret != "" {
				text = strings.ReplaceAll(text, secret, "***")
			}
		}
	}
	return transport.Said(text)
}

// failed tells an object that is not there from a store that cannot be read.
func (c *Client) failed(ctx context.Context, path string, err error) error {
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		if errors.Is(ctx.Err(), context.Canceled) {
			return fmt.Errorf("read %s: cancelled before S3 at %s answered: %w", path, c.at, ctx.Err())
		}
		if ctx.Err() != nil {
			return fmt.Errorf("read %s: S3 at %s did not answer within %s: %w; check artifacts.s3 and the store", path, c.at, c.timeout, ctx.Err())
		}
		return fmt.Errorf("read %s: S3 at %s: %w; check artifacts.s3 and the store", path, c.at, below(err))
	}
	switch answer.Code {
	case minio.NoSuchKey, minio.NoSuchBucket, minio.InvalidBucketName, minio.XMinioInvalidObjectName:
		return manifest.Missing(path, answer.Code)
	}
	if transport.Missing(answer.StatusCode) {
		return manifest.Missing(path, "")
	}
	return fmt.Errorf("read %s: S3 at %s answered %d %s: %s; check artifacts.s3, its keys and the store",
		path, c.at, answer.StatusCode, c.told(answer.Code), c.told(answer.Message))
}

// below is the error under net/http's, whose text is the whole signed address.
func below(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// dated gives an answer without Last-Modified one: some stores and proxies leave it
// out, the client library then refuses the object, and nothing here reads it.
type dated struct {
	http.RoundTripper
	heard func(http.Header)
	asked func(transport.Class, time.Duration)
}

// RoundTrip passes a request on.
func (d dated) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := d.RoundTripper.RoundTrip(r)
	if d.asked != nil {
		d.asked(outcome(resp, err), time.Since(began))
	}
	if err == nil && d.heard != nil {
		d.heard(resp.Header)
	}
	if err == nil && resp.Header.Get("Last-Modified") == "" {
		resp.Header.Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
	}
	return resp, err
}

// outcome is what an answer means, for whoever counts.
func outcome(resp *http.Response, err error) transport.Class {
	if err != nil {
		return transport.ClassMaybe
	}
	return transport.ClassOfStatus(resp.StatusCode)
}
