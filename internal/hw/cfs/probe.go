package cfs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// Probe asks CFS for the configurations of the nodes, together with the questions
// of other calls. A node that CFS leaves out of a whole answer is missing; what
// could not be asked has a symptom.
func (c *Client) Probe(ctx context.Context, ids []string, each func(bos.ConfigurationReading)) {
	ids = bos.Distinct(ids)
	if len(ids) == 0 {
		return
	}
	answers, err := c.asks.Ask(ctx, ids)
	for _, id := range ids {
		if err != nil {
			each(bos.ConfigurationReading{ID: id, Symptom: bos.SymptomSilent, Detail: "the question was cancelled before CFS answered"})
			continue
		}
		each(answers[id])
	}
}

// component is what CFS says of one node.
type component struct {
	ID            string                  `json:"id"`
	DesiredConfig string                  `json:"desired_config"`
	Status        bos.ConfigurationStatus `json:"configuration_status"`
	// Enabled is nil where CFS does not say; then it counts as enabled.
	Enabled *bool `json:"enabled"`
}

// components asks for all nodes and answers for each: a question for each few
// of them, or, where that is fewer requests, one for all that CFS has.
func (c *Client) components(ctx context.Context, ids []string) map[string]bos.ConfigurationReading {
	answers := make(map[string]bos.ConfigurationReading, len(ids))
	if questions := (len(ids) + maxQuestion - 1) / maxQuestion; questions > int(c.listing.Load()) {
		sent := time.Now()
		said, requests, err := c.pages(ctx, nil, maxPages)
		answer(answers, ids, sent, said, err)
		if err == nil {
			c.listing.Store(int32(requests))
		}
		return answers
	}
	var mu sync.Mutex
	var all errgroup.Group
	all.SetLimit(concurrency)
	for chunk := range slices.Chunk(ids, maxQuestion) {
		all.Go(func() error {
			sent := time.Now()
			said, _, err := c.pages(ctx, chunk, len(chunk)+1)
			mu.Lock()
			defer mu.Unlock()
			answer(answers, chunk, sent, said, err)
			return nil
		})
	}
	_ = all.Wait() // every failure is in the answers
	return answers
}

// answer puts what CFS said, or the error, down for each of the nodes, with when
// it was asked.
func answer(answers map[string]bos.ConfigurationReading, ids []string, sent time.Time, said map[string]component, err error) {
	for _, id := range ids {
		r := bos.ConfigurationReading{ID: id, Asked: sent}
		switch n, ok := said[bos.CanonicalXname(id)]; {
		case err != nil:
			r.Symptom, r.Detail = bos.SymptomSilent, err.Error()
		case !ok:
			r.Missing = true
		default:
			r.Desired, r.Status = n.DesiredConfig, n.Status
			r.Idle = n.Enabled != nil && !*n.Enabled
		}
		answers[id] = r
	}
}

// pages reads all pages of one question, at most so many; no ids are all
// components. A page names the next one by the parameters of its question.
func (c *Client) pages(ctx context.Context, ids []string, most int) (said map[string]component, requests int, err error) {
	said = make(map[string]component, len(ids))
	params := map[string]parameter{"ids": parameter(strings.Join(ids, ","))}
	for requests < most {
		requests++
		q := transport.Request{Method: http.MethodGet, URL: c.url + "/components" + query(params)}
		var page struct {
			Components *[]component         `json:"components"`
			Next       map[string]parameter `json:"next"`
		}
		if err := c.http.JSON(ctx, q, &page); err != nil {
			return nil, requests, err
		}
		if page.Components == nil {
			return nil, requests, fmt.Errorf("CFS's answer to GET %s lacks the components; check that configuration.cfs.url ends in /v3", transport.Address(q.URL))
		}
		for _, n := range *page.Components {
			said[bos.CanonicalXname(n.ID)] = n
		}
		if len(page.Next) == 0 {
			return said, requests, nil
		}
		params = page.Next
	}
	return nil, requests, fmt.Errorf("CFS's answer to GET %s/components has more pages than %d; check that configuration.cfs.url is a CFS", transport.Address(c.url), most)
}

// parameter is one of a question, in the form that it has in a query.
type parameter string

// UnmarshalJSON reads texts, numbers and truth values; null is the empty one. Numbers
// are kept as CFS writes them.
func (p *parameter) UnmarshalJSON(b []byte) error {
	var text string
	switch {
	case string(b) == "null":
	case json.Unmarshal(b, &text) == nil:
	default:
		text = string(b)
	}
	*p = parameter(text)
	return nil
}

// query writes parameters as CFS names them; empty ones are none.
func query(params map[string]parameter) string {
	values := make(url.Values)
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if v := params[name]; v != "" {
			values.Set(name, string(v))
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}
