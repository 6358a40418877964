package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// eventPage is how many events are asked for at a time.
const eventPage = 10000

// Events lists history, oldest first: at most f.Limit events after f.After. last is
// the After to read on with, more whether there may be any. It needs a server that
// announces bos.ExtensionEvents; f.Visible is the server's to say.
func (c *Client) Events(ctx context.Context, f bos.EventFilter) (events []bos.Event, last int64, more bool, err error) {
	query := url.Values{}
	if f.Session != "" {
		query.Set("session", f.Session)
	}
	if f.Component != "" {
		query.Set("component", f.Component)
	}
	last = f.After
	for len(events) < f.Limit {
		wanted := min(f.Limit-len(events), eventPage)
		query.Set("after", strconv.FormatInt(last, 10))
		query.Set("limit", strconv.Itoa(wanted))
		var page bos.EventPage
		if err := c.get(ctx, "/x/v1/events", query, &page); err != nil {
			return nil, 0, false, err
		}
		events = append(events, page.Events...)
		last = max(last, page.Last)
		if len(page.Events) < wanted {
			return events, last, false, nil
		}
	}
	return events, last, true, nil
}
