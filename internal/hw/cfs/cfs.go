// Package cfs reads and sets the configurations of nodes through version 3 of
// the Configuration Framework Service. Which configuration a node shall have,
// and what its status means, is decided elsewhere.
package cfs

import (
	"sync/atomic"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/gather"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	defaultTimeout = 30 * time.Second
	// maxBody bounds an answer; a page has some KB per node.
	maxBody = 64 << 20
	retries = 2
	// maxQuestion and maxPatch bound the nodes that one request names. CFS
	// compares each of its nodes with each of these.
	maxQuestion = 200
	maxPatch    = 1000
	// maxPages bounds the pages of a list of all components, which have a
	// thousand each unless CFS is set up otherwise.
	maxPages = 1000
	// fewPages is how many pages such a list is taken to have until one was
	// read.
	fewPages = 4
	// firstPause and lastPause are those between two questions. The engine asks when a
	// configuration should be applied, so that what waits here is late by them.
	firstPause = 250 * time.Millisecond
	lastPause  = 500 * time.Millisecond
	// concurrency bounds the requests of one call.
	concurrency = 4
)

// Client speaks to one CFS. It is safe for concurrent use.
type Client struct {
	http *transport.Client
	url  string
	asks *gather.Asks[bos.ConfigurationReading]
	// listing is how many requests it takes to read all components.
	listing atomic.Int32
}

var _ bos.Configuration = (*Client)(nil)

// New speaks to the CFS at u; its URL is the prefix before /components, such as
// http://cfs:9000/v3. It connects when it is first asked for something.
func New(u transport.Upstream) *Client { return newClient(u, 0) }

func newClient(u transport.Upstream, retryWait time.Duration) *Client {
	client := &Client{
		http: u.Open(transport.Config{
			Upstream: "CFS", WayOut: transport.Look("check CFS and configuration.cfs.url", "configuration.cfs"),
			Timeout: defaultTimeout, MaxBody: maxBody, Retries: retries, RetryWait: retryWait,
		}),
		url: u.Base(),
	}
	client.listing.Store(fewPages)
	client.asks = gather.New(client.components).Pausing(firstPause, lastPause)
	return client
}

// Close lets go of the connections that are not in use.
func (c *Client) Close() { c.http.Close() }
