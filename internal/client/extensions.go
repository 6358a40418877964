package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Capabilities is what the server announces beyond v2; none for a plain v2
// server. It is asked once.
func (c *Client) Capabilities(ctx context.Context) (bos.Capabilities, error) {
	c.announced.mu.Lock()
	defer c.announced.mu.Unlock()
	if c.announced.caps != nil {
		return *c.announced.caps, nil
	}
	var caps bos.Capabilities
	if err := c.get(ctx, "/x/v1/capabilities", nil, &caps); err != nil {
		if !c.announcesNothing(ctx, err) {
			return bos.Capabilities{}, err
		}
		caps = bos.Capabilities{}
	}
	c.announced.caps = &caps
	return caps, nil
}

// announcesNothing tells a plain BOS from one that is not reached: gateways in
// front of a plain BOS answer unknown paths with 404, with 403 by policy, or with
// a page for people, and a gateway that has lost its way to BOS does as well.
// Where BOS did not say so itself, it must answer what every BOS v2 does.
func (c *Client) announcesNothing(ctx context.Context, err error) bool {
	var e *Error
	if !errors.As(err, &e) || !slices.Contains([]int{
		http.StatusOK, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented,
	}, e.Status) {
		return false
	}
	if IsNotFound(err) {
		return true
	}
	_, err = c.Version(ctx)
	return err == nil
}

// Has reports whether a server announced the extension.
func Has(caps bos.Capabilities, extension string) bool {
	return slices.Contains(caps.Extensions, extension)
}

// Preview asks what a session would do. It changes nothing and is therefore
// tried again like a read.
func (c *Client) Preview(ctx context.Context, r bos.PreviewRequest) (bos.Preview, error) {
	var p bos.Preview
	caps, err := c.Capabilities(ctx)
	if err != nil {
		return p, err
	}
	if !Has(caps, bos.ExtensionReceipts) {
		r.Receipt, r.RunKey = "", ""
	}
	if !Has(caps, bos.ExtensionGuards) {
		r.Guards = nil
	}
	if r.Overlap, r.Replaces, err = overlapHere(caps, r.Overlap, r.Replaces); err != nil {
		return p, err
	}
	if r.Rollout != nil && !Has(caps, bos.ExtensionRollouts) {
		return p, noRollouts()
	}
	err = c.call(ctx, c.read, http.MethodPost, "/x/v1/previews", nil, r, &p)
	return p, err
}

// PreviewNodes says node by node what the preview with this pin said, as long as
// the server keeps it.
func (c *Client) PreviewNodes(ctx context.Context, pin string) ([]bos.PreviewNode, error) {
	var all []bos.PreviewNode
	query := url.Values{"page_size": {outcomePage}}
	for range maxOutcomePages {
		var page bos.PreviewNodes
		if err := c.get(ctx, "/x/v1/previews/"+url.PathEscape(pin)+"/nodes", query, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Nodes...)
		if page.Next == "" {
			return all, nil
		}
		query.Set("start_after_id", page.Next)
	}
	return nil, fmt.Errorf("the nodes of preview %s do not end after %d pages", pin, maxOutcomePages)
}
