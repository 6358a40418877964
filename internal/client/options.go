package client

import (
	"context"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Templates lists the session templates of the client's tenant, or of everyone
// without one.
func (c *Client) Templates(ctx context.Context) ([]bos.SessionTemplate, error) {
	var all []bos.SessionTemplate
	err := c.get(ctx, "/v2/sessiontemplates", nil, &all)
	return all, err
}

// Options reads the options of the service; what it does not have is zero.
func (c *Client) Options(ctx context.Context) (bos.Options, error) {
	var o bos.Options
	err := c.get(ctx, "/v2/options", nil, &o)
	return o, err
}

// KnownOptions reads the options that the service has; what it does not have is
// nil.
func (c *Client) KnownOptions(ctx context.Context) (bos.OptionsPatch, error) {
	var o bos.OptionsPatch
	err := c.get(ctx, "/v2/options", nil, &o)
	return o, err
}

// SetOptions sets what the patch sets and returns the options that the service
// has. Setting the same once more does no harm.
func (c *Client) SetOptions(ctx context.Context, p bos.OptionsPatch) (bos.OptionsPatch, error) {
	var o bos.OptionsPatch
	err := c.send(ctx, http.MethodPatch, "/v2/options", p, &o)
	return o, err
}

// PatchOptions sets what the patch sets and returns all options.
func (c *Client) PatchOptions(ctx context.Context, p bos.OptionsPatch) (bos.Options, error) {
	var o bos.Options
	err := c.send(ctx, http.MethodPatch, "/v2/options", p, &o)
	return o, err
}
