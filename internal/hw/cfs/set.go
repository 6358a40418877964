package cfs

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

type patch struct {
	DesiredConfig string            `json:"desired_config"`
	Enabled       bool              `json:"enabled"`
	Tags          map[string]string `json:"tags"`
	// State is empty to forget what was applied, and left out to keep it.
	State *[]struct{} `json:"state,omitempty"`
}

type filters struct {
	IDs string `json:"ids"`
}

// Set gives the nodes a target, in as many requests as their number needs. CFS
// answers with the nodes that it changed: the others it does not know.
func (c *Client) Set(ctx context.Context, target bos.ConfigurationTarget, ids []string, each func(bos.CallResult)) {
	ids = bos.Distinct(ids)
	results := make(chan []bos.CallResult, (len(ids)+maxPatch-1)/maxPatch)
	go func() {
		defer close(results)
		var all errgroup.Group
		all.SetLimit(concurrency)
		for chunk := range slices.Chunk(ids, maxPatch) {
			all.Go(func() error {
				results <- c.patch(ctx, target, chunk)
				return nil
			})
		}
		_ = all.Wait() // every failure is among the results
	}()
	for list := range results {
		for _, r := range list {
			each(r)
		}
	}
}

func (c *Client) patch(ctx context.Context, target bos.ConfigurationTarget, ids []string) []bos.CallResult {
	ids, denied := bos.Permitted(ctx, ids)
	if len(denied) > 0 {
		results := make([]bos.CallResult, len(denied))
		for i, id := range denied {
			results[i] = bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted}
		}
		if len(ids) > 0 {
			results = append(results, c.patch(ctx, target, ids)...)
		}
		return results
	}
	all := make([]bos.CallResult, len(ids))
	same := func(r bos.CallResult) []bos.CallResult {
		for i, id := range ids {
			all[i] = r
			all[i].ID = id
		}
		return all
	}
	p := patch{DesiredConfig: target.Name, Enabled: target.Enabled, Tags: map[string]string{"bos_session": target.Session}}
	if target.Clear {
		p.State = &[]struct{}{}
	}
	var answer struct {
		IDs *[]string `json:"component_ids"`
	}
	err := c.http.JSON(bos.ActingOn(ctx, ids...), transport.Request{
		Method: http.MethodPatch, URL: c.url + "/components",
		Body: struct {
			Patch   patch   `json:"patch"`
			Filters filters `json:"filters"`
		}{p, filters{strings.Join(ids, ",")}},
	}, &answer)
	if err != nil {
		return same(judge(err))
	}
	if answer.IDs == nil {
		return same(bos.CallResult{
			Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage,
			Detail: "CFS did not say which nodes it changed; check that configuration.cfs.url ends in /v3",
		})
	}
	known := make(map[string]bool, len(*answer.IDs))
	for _, id := range *answer.IDs {
		known[bos.CanonicalXname(id)] = true
	}
	same(bos.CallResult{Outcome: bos.CallDone})
	for i, id := range ids {
		if !known[bos.CanonicalXname(id)] {
			all[i].Outcome, all[i].Cause = bos.CallRefused, bos.CauseUnknownToConfiguration
			all[i].Detail = bos.CauseUnknownToConfiguration.Sentence()
		}
	}
	return all
}

// judge says what is known about a target that was not set.
func judge(err error) bos.CallResult {
	r := bos.CallResult{Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage, Detail: err.Error()}
	var failed *transport.Error
	if errors.As(err, &failed) {
		r.RetryAfter = failed.RetryAfter
	}
	switch transport.ClassOf(err) {
	case transport.ClassRefused:
		r.Outcome, r.Cause = bos.CallRefused, bos.CauseConfiguration
	case transport.ClassBusy:
		r.Outcome = bos.CallBusy
	case transport.ClassAway, transport.ClassCaller, transport.ClassGateway, transport.ClassUnsupported, transport.ClassAbsent:
		// About the caller or the address, not about the nodes.
		r.Outcome = bos.CallNotAttempted
		if transport.Cancelled(err) {
			r.Cause = bos.CauseNone
		}
	case transport.ClassNone, transport.ClassMaybe:
	}
	return r
}
