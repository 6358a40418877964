package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// CancelSession ends a session at once and lets go of its nodes where they
// stand; the reason, which may be empty, becomes part of its error. One that is
// complete is returned as it is. It needs a server that announces
// bos.ExtensionCancel.
func (c *Client) CancelSession(ctx context.Context, name, reason string) (bos.Session, error) {
	var s bos.Session
	body := struct {
		Reason string `json:"reason,omitempty"`
	}{reason}
	err := c.send(ctx, http.MethodPost, "/x/v1/sessions/"+url.PathEscape(name)+"/cancel", body, &s)
	return s, err
}
