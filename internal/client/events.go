package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// eventStream is what a stream of events is.
const eventStream = "text/event-stream"

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
	resp, err := c.openStream(ctx, path, query, eventStream, "no stream of events", "")
	if err != nil {
		return after, err
	}
	defer resp.Body.Close()
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

// openStream asks for an answer that has no bound in time or length, and is to be of a
// media type; without is what an answer of another one is not. It goes on after the event
// of the id last, if there is one; what is no stream is answered with 304 where it is
// still that of the id.
func (c *Client) openStream(ctx context.Context, path string, query url.Values, media, without, last string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", media)
	r.Header.Set("User-Agent", c.agent)
	if c.tenant != "" {
		r.Header.Set(tenantHeader, c.tenant)
	}
	switch {
	case last != "" && media == eventStream:
		r.Header.Set("Last-Event-ID", last)
	case last != "":
		r.Header.Set("If-None-Match", strconv.Quote(last))
	}
	resp, err := c.stream.Do(r)
	if err != nil {
		return nil, c.noAnswer(http.MethodGet, path, err)
	}
	is := resp.Header.Get("Content-Type")
	if resp.StatusCode == http.StatusOK && strings.HasPrefix(is, media) {
		return resp, nil
	}
	defer resp.Body.Close()
	begins, _ := io.ReadAll(io.LimitReader(resp.Body, maxEventLine))
	e := &Error{
		Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode), Method: http.MethodGet, URL: c.base + path, Again: again(resp.Header),
		Detail: fmt.Sprintf("the answer is %q and %s%s", is, without, c.beginning(begins)),
	}
	var problem struct{ Detail string }
	if strings.HasPrefix(is, problemMedia) && json.Unmarshal(begins, &problem) == nil && problem.Detail != "" {
		e.Problem, e.Detail = true, problem.Detail
	}
	return nil, e
}
