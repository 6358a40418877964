package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// reasoned is a body with a reason, which may be empty.
type reasoned struct {
	Reason string `json:"reason,omitempty"`
}

// Pause says whether the site is paused. All that pauses needs a server that
// announces bos.ExtensionPause.
func (c *Client) Pause(ctx context.Context) (bos.PauseState, error) {
	var state bos.PauseState
	err := c.get(ctx, "/x/v1/pause", nil, &state)
	return state, err
}

// PauseSite pauses the site.
func (c *Client) PauseSite(ctx context.Context, reason string) (bos.PauseState, error) {
	return c.pause(ctx, "/x/v1/pause", reason)
}

// ResumeSite ends the pause of the site.
func (c *Client) ResumeSite(ctx context.Context, reason string) (bos.PauseState, error) {
	return c.pause(ctx, "/x/v1/resume", reason)
}

// PauseSession pauses one session.
func (c *Client) PauseSession(ctx context.Context, name, reason string) (bos.PauseState, error) {
	return c.pause(ctx, "/x/v1/sessions/"+url.PathEscape(name)+"/pause", reason)
}

// ResumeSession ends the pause of a session.
func (c *Client) ResumeSession(ctx context.Context, name, reason string) (bos.PauseState, error) {
	return c.pause(ctx, "/x/v1/sessions/"+url.PathEscape(name)+"/resume", reason)
}

func (c *Client) pause(ctx context.Context, path, reason string) (bos.PauseState, error) {
	var state bos.PauseState
	err := c.send(ctx, http.MethodPost, path, reasoned{reason}, &state)
	return state, err
}

// Holds lists the components that are held. This and those that change holds need a
// server that announces bos.ExtensionHolds.
func (c *Client) Holds(ctx context.Context) ([]bos.HeldComponent, error) {
	var holds bos.Holds
	err := c.get(ctx, "/x/v1/holds", nil, &holds)
	return holds.Holds, err
}

// HoldComponent puts a hold on a component.
func (c *Client) HoldComponent(ctx context.Context, id, reason string) (bos.HeldComponent, error) {
	var held bos.HeldComponent
	err := c.send(ctx, http.MethodPut, "/x/v1/components/"+url.PathEscape(id)+"/hold", reasoned{reason}, &held)
	return held, err
}

// ReleaseComponent lifts the hold of a component, if it has one.
func (c *Client) ReleaseComponent(ctx context.Context, id string) error {
	return c.send(ctx, http.MethodDelete, "/x/v1/components/"+url.PathEscape(id)+"/hold", nil, nil)
}

// HoldComponents puts a hold on all of the components, or on none.
func (c *Client) HoldComponents(ctx context.Context, ids []string, reason string) ([]bos.HeldComponent, error) {
	var holds bos.Holds
	body := struct {
		IDs    []string `json:"ids"`
		Reason string   `json:"reason"`
	}{ids, reason}
	err := c.send(ctx, http.MethodPost, "/x/v1/holds", body, &holds)
	return holds.Holds, err
}

// ReleaseComponents lifts the holds of all of the components, or of none.
func (c *Client) ReleaseComponents(ctx context.Context, ids []string) error {
	body := struct {
		IDs []string `json:"ids"`
	}{ids}
	return c.send(ctx, http.MethodPost, "/x/v1/holds/release", body, nil)
}
