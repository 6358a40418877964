package client

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxWatchLine bounds one line of what is watched: the snapshot of a large room is one.
const maxWatchLine = 64 << 20

// Watched is where a client is in what it watches: what it knows, and the id by which it
// goes on. The zero value knows nothing.
type Watched struct {
	bos.Watched
	last string
}

// Watch takes in how far a session and its nodes are, and what changes, until ctx or the
// stream ends, and calls each after every event. It returns nil when the stream ended by
// itself; who calls it again with what is known misses nothing.
func (c *Client) Watch(ctx context.Context, session string, known *Watched, each func(bos.Watched)) error {
	return c.secrets.concealIn(c.watch(ctx, session, known, each))
}

func (c *Client) watch(ctx context.Context, session string, known *Watched, each func(bos.Watched)) error {
	const path = "/x/v1/stream"
	resp, err := c.openStream(ctx, path, url.Values{"session": {session}}, eventStream, "nothing to watch", known.last)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxWatchLine)
	event, id := "", ""
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "event":
			event = value
		case "id":
			id = value
		case "data":
			if err := known.Take(event, []byte(value)); err != nil {
				known.last = ""
				return fmt.Errorf("what is watched of session %s cannot be read: %w", session, err)
			}
			known.last = id
			each(known.Watched)
		}
	}
	if err := lines.Err(); err != nil {
		return c.noAnswer(http.MethodGet, path, err)
	}
	return nil
}

// Summary is how far a session is, without its nodes.
func (c *Client) Summary(ctx context.Context, session string) (bos.StreamSession, error) {
	var snapshot bos.StreamSnapshot
	if err := c.get(ctx, "/x/v1/stream", url.Values{"session": {session}, "nodes": {"no"}}, &snapshot); err != nil {
		return bos.StreamSession{}, err
	}
	if len(snapshot.Sessions) == 0 {
		return bos.StreamSession{}, fmt.Errorf("the service shows nothing of session %s", session)
	}
	return snapshot.Sessions[0], nil
}

// Why says what a component waits for, and what happens next.
func (c *Client) Why(ctx context.Context, component string) (bos.Why, error) {
	var why bos.Why
	err := c.get(ctx, "/x/v1/components/"+url.PathEscape(component)+"/why", nil, &why)
	return why, err
}

// Newest lists the newest events that a filter finds, the newest first.
func (c *Client) Newest(ctx context.Context, component, session string, kinds []string, limit int) ([]bos.Event, error) {
	query := url.Values{"newest": {"true"}, "limit": {fmt.Sprint(limit)}}
	if component != "" {
		query.Set("component", component)
	}
	if session != "" {
		query.Set("session", session)
	}
	if len(kinds) > 0 {
		query.Set("reason", strings.Join(kinds, ","))
	}
	var page bos.EventPage
	err := c.get(ctx, "/x/v1/events", query, &page)
	return page.Events, err
}
