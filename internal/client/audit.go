package client

import (
	"context"
	"fmt"
	"io"
	"net/url"
)

// auditStream is what an exported history is.
const auditStream = "application/x-ndjson"

// Audit writes the whole history to w, oldest first, one event as JSON a line: from the
// time since on and before until, which may be empty. It fails where the answer breaks off.
func (c *Client) Audit(ctx context.Context, since, until string, w io.Writer) error {
	return c.secrets.concealIn(c.audit(ctx, since, until, w))
}

func (c *Client) audit(ctx context.Context, since, until string, w io.Writer) error {
	const path = "/x/v1/audit"
	query := url.Values{}
	for name, value := range map[string]string{"since": since, "until": until} {
		if value != "" {
			query.Set(name, value)
		}
	}
	resp, err := c.openStream(ctx, path, query, auditStream, "no history", "")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("the history broke off, so what was written is not whole: %w", err)
	}
	return nil
}
