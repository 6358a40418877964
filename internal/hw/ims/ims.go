// Package ims asks the Image Management Service what is registered about an
// image, and tags it. What an image consists of is read from its manifest, not
// from here.
package ims

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	defaultTimeout = 30 * time.Second
	maxBody        = 1 << 20
	retries        = 2
)

// Client speaks to one IMS. It is safe for concurrent use.
type Client struct {
	http *transport.Client
	url  string
}

var _ bos.Images = (*Client)(nil)

// New speaks to the IMS at u; its URL is the prefix before /images, such as
// http://ims:9000/v3. It connects when it is first asked.
func New(u transport.Upstream) *Client { return newClient(u, 0) }

func newClient(u transport.Upstream, retryWait time.Duration) *Client {
	return &Client{
		http: u.Open(transport.Config{
			Upstream: "IMS", WayOut: transport.Look("check IMS and images.ims.url", "images.ims"),
			Timeout: defaultTimeout, MaxBody: maxBody, Retries: retries, RetryWait: retryWait,
		}),
		url: u.Base(),
	}
}

// Close lets go of the connections that are not in use.
func (c *Client) Close() { c.http.Close() }

// ImageRecord reads what is registered about an image.
func (c *Client) ImageRecord(ctx context.Context, id string) (bos.ImageRecord, error) {
	var image struct {
		ID   string `json:"id"`
		Arch string `json:"arch"`
	}
	if err := c.http.JSON(ctx, transport.Request{Method: http.MethodGet, URL: c.image(id)}, &image); err != nil {
		if transport.ClassOf(err) == transport.ClassRefused && uuid.Validate(id) == nil {
			// IMS refuses no such id: somebody else does, such as a port that wants TLS.
			return bos.ImageRecord{}, err
		}
		return bos.ImageRecord{}, judge(id, err)
	}
	if image.ID == "" {
		return bos.ImageRecord{}, fmt.Errorf("IMS's answer to GET %s lacks the id; check IMS and images.ims.url", transport.Address(c.image(id)))
	}
	return bos.ImageRecord{ID: image.ID, Arch: image.Arch}, nil
}

// Tag sets one tag of an image.
func (c *Client) Tag(ctx context.Context, id, key, value string) error {
	type metadata struct {
		Operation string `json:"operation"`
		Key       string `json:"key"`
		Value     string `json:"value"`
	}
	_, err := c.http.Do(ctx, transport.Request{
		Method: http.MethodPatch, URL: c.image(id),
		Body: struct {
			Metadata metadata `json:"metadata"`
		}{metadata{"set", key, value}},
	})
	if err != nil {
		return judge(id, err)
	}
	return nil
}

func (c *Client) image(id string) string { return c.url + "/images/" + url.PathEscape(id) }

// judge tells an image that IMS does not have from an IMS that is not there. An
// id that is none is refused with a 400.
func judge(id string, err error) error {
	if class := transport.ClassOf(err); class == transport.ClassAbsent || class == transport.ClassRefused {
		return fmt.Errorf("image %q in IMS: %w (%w)", id, bos.ErrNotFound, err)
	}
	return err
}
