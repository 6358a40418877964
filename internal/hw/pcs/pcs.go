// Package pcs reads and changes the power of nodes through the Power Control
// Service. Questions that come while one is out travel together in the next
// request; a transition that was accepted is watched, and what PCS says of a
// node's task is told with the readings that follow. When to do what is decided
// elsewhere.
package pcs

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/gather"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	defaultTimeout = 30 * time.Second
	// maxBody bounds an answer: the status of maxQuestion nodes is 2 MB.
	maxBody = 64 << 20
	// maxTransition bounds the nodes of one transition. PCS stores it as one
	// value in etcd, which takes no more than about 2,500.
	maxTransition = 1999
	// maxQuestion bounds the nodes of one question, of which PCS looks up all
	// nodes of the system each time.
	maxQuestion = 5000
	// defaultDeadline is how long PCS watches a transition. All its nodes are
	// reserved until then if one is late, and no other transition takes them.
	defaultDeadline = time.Minute
	// concurrency bounds the requests of one call.
	concurrency = 4
)

// Config says which PCS is asked, and how. Zero values are the defaults.
type Config struct {
	// URL is the prefix before /transitions, such as http://pcs:28007/v1.
	transport.Upstream
	// TaskDeadline is how long PCS watches for a transition to show, in whole
	// minutes; 0 is one. How long a node may take is decided elsewhere.
	TaskDeadline time.Duration
}

// Client speaks to one PCS. It is safe for concurrent use.
type Client struct {
	http *transport.Client
	url  string
	// deadline is the taskDeadlineMinutes of every transition.
	deadline time.Duration
	// old is set once PCS turned out to know no POST /power-status.
	old     atomic.Bool
	asks    *gather.Asks[bos.PowerReading]
	errands errands
	// pause lets time pass, unless there is news or the context ends before.
	pause func(ctx context.Context, d time.Duration, news <-chan struct{}) bool
	// witnesses are nodes that this PCS knew.
	witnesses witnesses
}

var _ bos.Power = (*Client)(nil)

// New makes a client; it connects when it is first asked for something.
func New(c Config) *Client {
	deadline := c.TaskDeadline.Truncate(time.Minute)
	if deadline <= 0 {
		deadline = defaultDeadline
	}
	client := &Client{
		http: c.Open(transport.Config{
			Upstream: "PCS", WayOut: transport.Look("check PCS and power.pcs.url", "power.pcs"), Timeout: defaultTimeout, MaxBody: maxBody,
		}),
		url:      c.Base(),
		deadline: deadline,
		errands:  errands{now: time.Now},
		pause:    pause,
	}
	client.asks = gather.New(client.status)
	return client
}

// Close lets go of the connections that are not in use.
func (c *Client) Close() { c.http.Close() }

// failure is err as what transport always returns.
func failure(err error) *transport.Error {
	failed, _ := err.(*transport.Error) //nolint:errorlint // Do returns it as it is
	return failed
}
