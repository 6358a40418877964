package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

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

// NoPlace says that a service has no place for a stream more, and that what is watched was
// asked for once instead: it is to be watched again after some time.
type NoPlace struct {
	Again time.Duration
	// Why is what the service says.
	Why string
}

// Error says how what is watched is known.
func (n *NoPlace) Error() string {
	return fmt.Sprintf("not live, asked anew every %s: %s", n.Again, n.Why)
}

// leastPause is the least time between two questions for all that is watched.
const leastPause = 5 * time.Second

// Watch takes in how far a session and its nodes are, and what changes, until ctx or the
// stream ends, and calls each after every event. It returns nil when the stream ended by
// itself; who calls it again with what is known misses nothing. Where the service has no
// place for a stream more it asks for all once, and returns a NoPlace.
func (c *Client) Watch(ctx context.Context, session string, known *Watched, each func(bos.Watched)) error {
	return c.secrets.concealIn(c.watch(ctx, session, known, each))
}

func (c *Client) watch(ctx context.Context, session string, known *Watched, each func(bos.Watched)) error {
	const path = "/x/v1/stream"
	resp, err := c.openStream(ctx, path, url.Values{"session": {session}}, eventStream, "nothing to watch", known.last)
	var refused *Error
	if errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable && refused.Problem {
		return c.look(ctx, session, known, each, refused)
	}
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

// look asks for all that is watched, once. Where that cannot be had either it is not for
// want of a place that the stream was refused.
func (c *Client) look(ctx context.Context, session string, known *Watched, each func(bos.Watched), refused *Error) error {
	const path = "/x/v1/stream"
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	noPlace := &NoPlace{Again: max(refused.Again, leastPause), Why: refused.Detail}
	resp, err := c.openStream(ctx, path, url.Values{"session": {session}}, "application/json", "nothing to watch", known.last)
	if hasStatus(err, http.StatusNotModified) {
		return noPlace
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxWatchLine))
	if err != nil {
		return c.noAnswer(http.MethodGet, path, err)
	}
	known.last = ""
	if err := known.Take(bos.StreamSnapshotEvent, text); err != nil {
		return fmt.Errorf("what is watched of session %s cannot be read: %w", session, err)
	}
	known.last, _ = strconv.Unquote(resp.Header.Get("ETag")) // without one it is asked for as a whole
	each(known.Watched)
	return noPlace
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
