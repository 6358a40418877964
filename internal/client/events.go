package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxEventLine bounds one line of a stream of events.
const maxEventLine = 1 << 20

// Follow sends what happens to a session to each, from the event after the
// given one on, until ctx or the stream ends; a service ends streams now and
// then. It returns the id of the last event that each has seen, with which to
// follow on, and nil when the stream ended by itself. It needs a server that
// announces bos.ExtensionEvents.
func (c *Client) Follow(ctx context.Context, session string, after int64, each func(bos.Event)) (last int64, err error) {
	last, err = c.follow(ctx, session, after, each)
	return last, c.secrets.concealIn(err)
}

func (c *Client) follow(ctx context.Context, session string, after int64, each func(bos.Event)) (last int64, err error) {
	const path = "/x/v1/events"
	query := url.Values{"session": {session}, "after": {strconv.FormatInt(after, 10)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return after, err
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("User-Agent", c.agent)
	if c.tenant != "" {
		r.Header.Set(tenantHeader, c.tenant)
	}
	resp, err := c.stream.Do(r)
	if err != nil {
		return after, c.noAnswer(http.MethodGet, path, err)
	}
	defer resp.Body.Close()
	if media := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(media, "text/event-stream") {
		return after, &Error{
			Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode), Method: http.MethodGet, URL: c.base + path,
			Detail: fmt.Sprintf("the answer is %q and no stream of events", media),
		}
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEventLine)
	for lines.Scan() {
		data, isData := strings.CutPrefix(lines.Text(), "data:")
		if !isData {
			continue
		}
		var event bos.Event
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			return after, fmt.Errorf("an event of session %s cannot be read: %w", session, err)
		}
		after = max(after, event.ID)
		each(event)
	}
	if err := lines.Err(); err != nil {
		return after, c.noAnswer(http.MethodGet, path, err)
	}
	return after, nil
}
