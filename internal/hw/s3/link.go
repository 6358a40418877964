package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// Links makes addresses of objects for those who have no keys.
type Links struct {
	client  *Client
	base    *url.URL
	allowed allowed
	virtual bool
	// ttl is how long a signed address is good for, 0 for plain ones.
	ttl time.Duration
}

// MaxLinkTTL is the longest that a signed address can be good for.
const MaxLinkTTL = 7 * 24 * time.Hour

// NewLinks makes addresses at c.Endpoint, which need not be the one that others
// use: signed ones with the keys of c that are good for ttl, or plain ones for
// a ttl of 0, which need a bucket that everyone may read.
func NewLinks(c Config, ttl time.Duration) (*Links, error) {
	if ttl < 0 || ttl > MaxLinkTTL {
		return nil, fmt.Errorf("links to images cannot be good for %s; use up to %s", ttl, MaxLinkTTL)
	}
	base, err := url.Parse(c.Endpoint)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("images cannot be linked to at %q, which is no URL such as http://rgw:8080", transport.Address(c.Endpoint))
	}
	l := &Links{base: base, ttl: ttl, allowed: c.Buckets, virtual: c.Virtual}
	if ttl == 0 {
		return l, nil
	}
	if c.AccessKey == "" && c.Keys == nil {
		return nil, errors.New("links to images cannot be signed without the keys of artifacts.s3; set them, or boot_parameters.builtin.presign to false")
	}
	l.client, err = Open(c)
	return l, err
}

// Link is an http address of the object at an s3://bucket/key. Nothing is asked
// of the store. The error wraps bos.ErrImage if the path is none.
func (l *Links) Link(ctx context.Context, path string) (string, error) {
	bucket, key, err := l.allowed.split(path)
	if err != nil {
		return "", err
	}
	if l.ttl == 0 {
		plain := *l.base
		if l.virtual {
			plain.Host, plain.Path = bucket+"."+plain.Host, strings.TrimRight(plain.Path, "/")+"/"+key
			return plain.String(), nil
		}
		plain.Path = strings.TrimRight(plain.Path, "/") + "/" + bucket + "/" + key
		return plain.String(), nil
	}
	signed, err := l.client.core.Presign(ctx, http.MethodGet, bucket, key, l.ttl, nil)
	if err != nil {
		return "", fmt.Errorf("sign a link to %s: %w", path, below(err))
	}
	return signed.String(), nil
}
