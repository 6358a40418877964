package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxIDsQuery is how long an ids filter may be for the original BOS; longer
// lists are filtered here.
const maxIDsQuery = 127

func componentPath(id string) string { return "/v2/components/" + url.PathEscape(id) }

// Component reads one component.
func (c *Client) Component(ctx context.Context, id string) (bos.Component, error) {
	var record bos.Component
	err := c.get(ctx, componentPath(id), nil, &record)
	return record, err
}

// Components lists the components that pass the filter, ordered by id. A list
// of ids that is too long for the original BOS is applied to the whole list.
func (c *Client) Components(ctx context.Context, f bos.ComponentFilter) ([]bos.Component, error) {
	query := url.Values{}
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	ids := strings.Join(f.IDs, ",")
	if len(ids) <= maxIDsQuery {
		set("ids", ids)
	}
	set("session", f.Session)
	set("staged_session", f.StagedSession)
	set("status", strings.Join(f.Status, ","))
	set("start_after_id", f.After)
	if f.Enabled != nil {
		query.Set("enabled", strconv.FormatBool(*f.Enabled))
	}
	if f.Phase != nil {
		query.Set("phase", string(*f.Phase))
	}
	if f.Limit > 0 {
		query.Set("page_size", strconv.Itoa(f.Limit))
	}
	var all []bos.Component
	if err := c.get(ctx, "/v2/components", query, &all); err != nil {
		return nil, err
	}
	return keep(all, f), nil
}

// keep applies what the original BOS leaves out: long lists of ids, and a
// filter by enabled or phase that stands alone.
func keep(all []bos.Component, f bos.ComponentFilter) []bos.Component {
	wanted := make(map[string]bool, len(f.IDs))
	for _, id := range f.IDs {
		wanted[id] = true
	}
	kept := make([]bos.Component, 0, len(all))
	for _, record := range all {
		switch {
		case len(wanted) > 0 && !wanted[record.ID]:
		case f.Enabled != nil && record.Enabled != *f.Enabled:
		case f.Phase != nil && record.Status.Phase != *f.Phase:
		default:
			kept = append(kept, record)
		}
	}
	return kept
}

// PatchComponent changes the given members of one component and returns the
// record.
func (c *Client) PatchComponent(ctx context.Context, id string, patch bos.ComponentPatch) (bos.Component, error) {
	var record bos.Component
	err := c.send(ctx, http.MethodPatch, componentPath(id), patch, &record)
	return record, err
}
