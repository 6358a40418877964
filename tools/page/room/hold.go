package room

import (
	"context"
	"net/http"
)

// Pause has the whole room wait, and Resume lifts that.
func (r *Room) Pause(ctx context.Context) error {
	return r.Ask(ctx, http.MethodPost, "/x/v1/pause", map[string]any{"reason": "a test"}, nil)
}

// Resume lets it go on.
func (r *Room) Resume(ctx context.Context) error {
	return r.Ask(ctx, http.MethodPost, "/x/v1/resume", nil, nil)
}

// Hold holds nodes, and Release lifts that: what a test changes of a room at once.
func (r *Room) Hold(ctx context.Context, ids []string) error {
	return r.Ask(ctx, http.MethodPost, "/x/v1/holds", map[string]any{"ids": ids, "reason": "a test"}, nil)
}

// Release lifts holds.
func (r *Room) Release(ctx context.Context, ids []string) error {
	return r.Ask(ctx, http.MethodPost, "/x/v1/holds/release", map[string]any{"ids": ids}, nil)
}
