package client

import (
	"context"
	"net/http"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// ApplyStaged starts what sessions have staged on the nodes, in as many requests
// as the limit of the API needs. Each request is sent once. With an error, the
// outcome holds what the requests before it brought.
func (c *Client) ApplyStaged(ctx context.Context, xnames []string) (bos.StagedOutcome, error) {
	var all bos.StagedOutcome
	for part := range slices.Chunk(xnames, bos.MaxStagedXnames) {
		body := struct {
			Xnames []string `json:"xnames"`
		}{part}
		var outcome bos.StagedOutcome
		if err := c.send(ctx, http.MethodPost, "/v2/applystaged", body, &outcome); err != nil {
			return all, err
		}
		all.Succeeded = append(all.Succeeded, outcome.Succeeded...)
		all.Failed = append(all.Failed, outcome.Failed...)
		all.Ignored = append(all.Ignored, outcome.Ignored...)
	}
	return all, nil
}
