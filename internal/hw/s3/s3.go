// Package s3 reads boot images: the manifest of an image in an S3 bucket and
// what it names.
package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Limits on what is read, in bytes.
const (
	maxManifest   = 1 << 20
	maxParameters = 64 << 10
)

// Client reads from one S3 endpoint. It is safe for concurrent use.
type Client struct{ s3 *minio.Client }

// New reads from the endpoint, an http or https URL.
func New(endpoint, accessKey, secretKey string) (*Client, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("artifacts.s3.endpoint %q is not a URL such as http://rgw:8080", endpoint)
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Secure: u.Scheme == "https", BucketLookup: minio.BucketLookupPath, Region: "us-east-1",
	})
	if err != nil {
		return nil, fmt.Errorf("artifacts.s3.endpoint %q: %w", endpoint, err)
	}
	return &Client{client}, nil
}

var _ bos.Artifacts = (*Client)(nil)

type manifest struct {
	Artifacts []struct {
		Link struct {
			Path string `json:"path"`
			ETag string `json:"etag"`
			Type string `json:"type"`
		} `json:"link"`
		Type string `json:"type"`
	} `json:"artifacts"`
}

// Image reads the manifest and what it names; the kernel must exist.
func (c *Client) Image(ctx context.Context, path string) (bos.Image, error) {
	body, etag, err := c.read(ctx, path, maxManifest)
	if err != nil {
		return bos.Image{}, err
	}
	image, parameters, err := parse(path, body)
	if err != nil {
		return bos.Image{}, err
	}
	image.ETag = etag
	bucket, key, err := split(image.Kernel.Path)
	if err != nil {
		return bos.Image{}, err
	}
	if _, err := c.s3.StatObject(ctx, bucket, key, minio.StatObjectOptions{}); err != nil {
		return bos.Image{}, failed(image.Kernel.Path, err)
	}
	if parameters != "" {
		text, _, err := c.read(ctx, parameters, maxParameters)
		if err != nil {
			return bos.Image{}, err
		}
		image.Parameters = string(text)
	}
	return image, nil
}

// parse takes exactly one kernel, initrd and rootfs, and at most one file of
// boot parameters, whose path it returns.
func parse(path string, body []byte) (image bos.Image, parameters string, err error) {
	broken := func(format string, args ...any) (bos.Image, string, error) {
		return bos.Image{}, "", fmt.Errorf("%w: manifest %s: %s", bos.ErrImage, path, fmt.Sprintf(format, args...))
	}
	var m manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return broken("%s", err)
	}
	image.Path = path
	var own bos.Artifact
	wanted := map[string]*bos.Artifact{
		"application/vnd.cray.image.kernel":          &image.Kernel,
		"application/vnd.cray.image.initrd":          &image.Initrd,
		"application/vnd.cray.image.rootfs.squashfs": &image.Rootfs,
		"application/vnd.cray.image.parameters.boot": &own,
	}
	for _, a := range m.Artifacts {
		to, known := wanted[a.Type]
		if !known {
			continue
		}
		if to.Path != "" {
			return broken("it names more than one %s", a.Type)
		}
		if a.Link.Path == "" {
			return broken("its %s has no path", a.Type)
		}
		*to = bos.Artifact{Path: a.Link.Path, ETag: a.Link.ETag}
	}
	for kind, a := range wanted {
		if a.Path == "" && a != &own {
			return broken("it names no %s", kind)
		}
	}
	return image, own.Path, nil
}

func split(path string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(path, "s3://")
	bucket, key, found := strings.Cut(rest, "/")
	if !ok || !found || bucket == "" || key == "" {
		return "", "", fmt.Errorf("%w: path %q is not of the form s3://bucket/key", bos.ErrImage, path)
	}
	return bucket, key, nil
}

func (c *Client) read(ctx context.Context, path string, most int64) ([]byte, string, error) {
	bucket, key, err := split(path)
	if err != nil {
		return nil, "", err
	}
	object, err := c.s3.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, "", failed(path, err)
	}
	defer object.Close() //nolint:errcheck // it was read or failed
	body, err := io.ReadAll(io.LimitReader(object, most+1))
	if err != nil {
		return nil, "", failed(path, err)
	}
	if int64(len(body)) > most {
		return nil, "", fmt.Errorf("%w: %s is larger than %d bytes", bos.ErrImage, path, most)
	}
	info, err := object.Stat()
	if err != nil {
		return nil, "", failed(path, err)
	}
	return body, strings.Trim(info.ETag, `"`), nil
}

// failed tells an object that is not there from a store that does not answer.
func failed(path string, err error) error {
	var res minio.ErrorResponse
	if errors.As(err, &res) && (res.StatusCode == http.StatusNotFound || res.Code == "NoSuchKey" || res.Code == "NoSuchBucket") {
		return fmt.Errorf("%w: there is nothing at %s", bos.ErrImage, path)
	}
	return fmt.Errorf("read %s: %w", path, err)
}
