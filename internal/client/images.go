package client

import (
	"context"
	"net/url"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Image tells what the boot image whose manifest is at path is now. It needs a server
// that announces bos.ExtensionImages.
func (c *Client) Image(ctx context.Context, path string) (bos.ImageFacts, error) {
	var facts bos.ImageFacts
	err := c.get(ctx, "/x/v1/images", url.Values{"path": {path}}, &facts)
	return facts, err
}
