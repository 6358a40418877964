package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// noRollouts is what becomes of a rollout on a server that would start all nodes at
// once.
func noRollouts() error {
	return bos.Invalidf("rollout", "cannot be asked of this BOS, which does not announce %s and would start all nodes at once; leave it out, or have a session for each batch", bos.ExtensionRollouts)
}

// Rollout says how far the rollout of a session is, and what it is held by. This and
// those that follow need a server that announces bos.ExtensionRollouts.
func (c *Client) Rollout(ctx context.Context, session string) (bos.RolloutStatus, error) {
	var status bos.RolloutStatus
	err := c.get(ctx, "/x/v1/sessions/"+url.PathEscape(session)+"/rollout", nil, &status)
	return status, err
}

// PromoteRollout lets the other batches of a rollout follow its canary, which is
// healthy.
func (c *Client) PromoteRollout(ctx context.Context, session, reason string) (bos.RolloutStatus, error) {
	return c.tellRollout(ctx, session, "promote", reason)
}

// FailRollout gives up the nodes of a rollout whose turn has not come.
func (c *Client) FailRollout(ctx context.Context, session, reason string) (bos.RolloutStatus, error) {
	return c.tellRollout(ctx, session, "fail", reason)
}

func (c *Client) tellRollout(ctx context.Context, session, verb, reason string) (bos.RolloutStatus, error) {
	var status bos.RolloutStatus
	err := c.send(ctx, http.MethodPost, "/x/v1/sessions/"+url.PathEscape(session)+"/"+verb, reasoned{reason}, &status)
	return status, err
}

// ResumeRollout lets a rollout go on that has halted: the failed nodes of the batch in
// which it did are tried again, unless they are skipped.
func (c *Client) ResumeRollout(ctx context.Context, session, reason string, skipFailed bool) error {
	body := struct {
		reasoned
		SkipFailed bool `json:"skip_failed,omitempty"`
	}{reasoned{reason}, skipFailed}
	var state bos.PauseState
	return c.send(ctx, http.MethodPost, "/x/v1/sessions/"+url.PathEscape(session)+"/resume", body, &state)
}
