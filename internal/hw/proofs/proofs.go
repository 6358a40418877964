// Package proofs asks for what shows that nodes have booted where they do not say so
// themselves: whether a port of theirs is answered, and what the inventory calls their
// state. It says what it sees; what that proves is decided elsewhere.
package proofs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// dialTimeout is for one address of a node: a node that is up answers at once, and
	// one that is off does not.
	dialTimeout = 2 * time.Second
	// concurrency bounds the connections at a time, of all questions together, and
	// addresses those of one node.
	concurrency = 512
	addresses   = 4
)

// Config is what proofs are asked of; each may be nil.
type Config struct {
	// Addresses are the IP addresses of a node, none if they are not known.
	Addresses func(ctx context.Context, id string) []string
	// States are the states of all nodes in the inventory.
	States func(ctx context.Context) (map[string]string, error)
}

// Client asks for proofs. It is safe for concurrent use.
type Client struct {
	Config
	dial func(ctx context.Context, address string) error
	// turns has one entry for each node that is being connected to.
	turns chan struct{}
}

var _ bos.BootProofs = (*Client)(nil)

// New asks for proofs.
func New(c Config) *Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &Client{Config: c, turns: make(chan struct{}, concurrency), dial: func(ctx context.Context, address string) error {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close() // that it was opened is all
		}
		return err
	}}
}

// Probe asks for the proof of each node.
func (c *Client) Probe(ctx context.Context, asks []bos.ProofAsk, each func(bos.ProofReading)) {
	var mu sync.Mutex
	tell := func(ask bos.ProofAsk, sent time.Time, sight bos.ProofSight, detail string) {
		mu.Lock()
		defer mu.Unlock()
		each(bos.ProofReading{ID: ask.ID, Proof: ask.Proof, Sight: sight, Detail: detail, Asked: sent})
	}
	var of []bos.ProofAsk
	var running errgroup.Group
	running.SetLimit(concurrency)
	for _, ask := range asks {
		switch {
		case ask.Proof.Kind == bos.ProofReady && c.States != nil:
			of = append(of, ask)
		case ask.Proof.Kind == bos.ProofTCP && c.Addresses != nil:
			running.Go(func() error {
				select {
				case c.turns <- struct{}{}:
					defer func() { <-c.turns }()
				case <-ctx.Done():
					tell(ask, time.Time{}, bos.ProofUnknown, "the question was cancelled before its turn came")
					return nil
				}
				sent := time.Now()
				sight, detail := c.port(ctx, ask)
				tell(ask, sent, sight, detail)
				return nil
			})
		default:
			tell(ask, time.Time{}, bos.ProofUnknown, "this site has nothing that could be asked for "+ask.Proof.String())
		}
	}
	c.states(ctx, of, tell)
	_ = running.Wait() // none fails
}

// states asks the inventory once for all.
func (c *Client) states(ctx context.Context, asks []bos.ProofAsk, tell func(bos.ProofAsk, time.Time, bos.ProofSight, string)) {
	if len(asks) == 0 {
		return
	}
	sent := time.Now()
	states, err := c.States(ctx)
	for _, ask := range asks {
		switch state := states[ask.ID]; {
		case err != nil:
			tell(ask, sent, bos.ProofUnknown, "the states of nodes cannot be read: "+err.Error())
		case state == "" || state == "Unknown":
			tell(ask, sent, bos.ProofUnknown, "the inventory has no state of the node")
		case state == "Ready":
			tell(ask, sent, bos.ProofPresent, "its state is Ready")
		default:
			tell(ask, sent, bos.ProofAbsent, fmt.Sprintf("its state is %.40q", state))
		}
	}
}

// port asks the addresses of a node, one after the other, until one answers.
func (c *Client) port(ctx context.Context, ask bos.ProofAsk) (bos.ProofSight, string) {
	list := c.Addresses(ctx, ask.ID)
	if len(list) == 0 {
		return bos.ProofUnknown, "the inventory knows no address of the node"
	}
	sight, detail := bos.ProofAbsent, ""
	for _, ip := range list[:min(len(list), addresses)] {
		address := net.JoinHostPort(ip, strconv.Itoa(ask.Proof.Port))
		err := c.dial(ctx, address)
		switch {
		case err == nil:
			return bos.ProofPresent, address + " answers"
		case !silent(err):
			sight = bos.ProofUnknown // nothing is known of this one
		}
		detail = err.Error()
	}
	return sight, detail
}

// silent reports whether an error says that nobody answers there: refused, or no answer
// as from a node that is off. Others say that nobody was asked.
func silent(err error) bool {
	var late net.Error
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ECONNRESET) ||
		errors.As(err, &late) && late.Timeout() && !errors.Is(err, context.Canceled)
}
