package redfish

import (
	"context"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// target is one node to be asked about.
type target struct {
	id string
	Endpoint
	// found says that the BMC was asked for the path of the system.
	found bool
}

// job is what is done to each node of one call.
type job[T any] struct {
	// ask asks the BMC; silent says that the BMC did not answer.
	ask func(ctx context.Context, t target) (result T, silent bool)
	// skipped is the result for a node whose BMC was just found silent.
	skipped func(t target) T
	// lost is the result for a node without endpoint; err says that where
	// the BMCs are could not be learned.
	lost func(id string, err error) T
	// cancelled is the result for a node that the caller no longer waits for.
	cancelled func(id string) T
}

// run does the job for every id and hands each result to each, one after
// another, on this goroutine. Nodes of one BMC come in a row, BMCs side by side.
// When it returns, every BMC is free for the next call.
func run[T any](ctx context.Context, c *Client, ids []string, j job[T], each func(T)) {
	ids = bos.Distinct(ids)
	// Room for every result: no worker ever waits for each.
	out := make(chan T, len(ids))
	found, missing := locate(ids, c.locator.current(ctx))
	var workers sync.WaitGroup
	dispatch(ctx, c, &workers, found, j, out)
	if len(missing) > 0 {
		workers.Go(func() {
			known, err := c.locator.renewed(ctx)
			found, missing := locate(missing, known)
			for _, id := range missing {
				if ctx.Err() != nil && known == nil {
					out <- j.cancelled(id)
					continue
				}
				out <- j.lost(id, err)
			}
			dispatch(ctx, c, &workers, found, j, out)
		})
	}
	for range ids {
		each(<-out)
	}
	workers.Wait()
}

func locate(ids []string, known map[string]Endpoint) (found []target, missing []string) {
	for _, id := range ids {
		if e, ok := known[id]; ok {
			found = append(found, target{id: id, Endpoint: e})
		} else {
			missing = append(missing, id)
		}
	}
	return found, missing
}

// dispatch starts workers that send one result per target.
func dispatch[T any](ctx context.Context, c *Client, workers *sync.WaitGroup, targets []target, j job[T], out chan<- T) {
	groups := make(map[string][]target)
	var order []string
	for _, t := range targets {
		if groups[t.Address] == nil {
			order = append(order, t.Address)
		}
		groups[t.Address] = append(groups[t.Address], t)
	}
	var trusted, suspect [][]target
	for _, address := range order {
		if c.wasSilent(address) {
			suspect = append(suspect, groups[address])
		} else {
			trusted = append(trusted, groups[address])
		}
	}
	work(ctx, c, workers, c.trusted, trusted, j, out)
	work(ctx, c, workers, c.suspect, suspect, j, out)
}

// work starts as many workers as a lane has room for, and another one for each BMC
// that takes long and leaves its place to the next.
func work[T any](ctx context.Context, c *Client, workers *sync.WaitGroup, lane chan struct{}, groups [][]target, j job[T], out chan<- T) {
	queue := make(chan []target, len(groups))
	for _, g := range groups {
		queue <- g
	}
	close(queue)
	var more func()
	more = func() {
		workers.Go(func() {
			for g := range queue {
				oneBMC(ctx, c, lane, more, g, j, out)
			}
		})
	}
	for range min(cap(lane), len(groups)) {
		more()
	}
}

// oneBMC asks about the nodes of one BMC, one after the other. Once it keeps
// silent, it is not asked about the rest of them. It calls slow if the BMC leaves
// its place in the lane.
func oneBMC[T any](ctx context.Context, c *Client, lane chan struct{}, slow func(), nodes []target, j job[T], out chan<- T) {
	address := nodes[0].Address
	leave, entered := c.enter(ctx, address, lane, slow)
	if entered {
		defer leave()
	}
	dead := false
	for _, t := range nodes {
		switch {
		case !entered || ctx.Err() != nil || !bos.MayAct(ctx, t.id):
			out <- j.cancelled(t.id)
		case dead:
			out <- j.skipped(t)
		default:
			var result T
			result, dead = j.ask(bos.ActingOn(ctx, t.id), t)
			if ctx.Err() == nil {
				c.noteSilent(address, dead)
			}
			out <- result
		}
	}
}

// gate lets one request at a time through to a BMC.
type gate struct {
	token chan struct{}
	users int // holders and waiters; the gate is forgotten with the last
}

// enter waits for the BMC and then for room in the lane, in this order: what
// waits for a busy BMC takes no room. It gives up when ctx ends, and calls slow if
// the place is given up for one among the suspect ones.
func (c *Client) enter(ctx context.Context, address string, lane chan struct{}, slow func()) (leave func(), entered bool) {
	c.mu.Lock()
	g := c.gates[address]
	if g == nil {
		g = &gate{token: make(chan struct{}, 1)}
		c.gates[address] = g
	}
	g.users++
	c.mu.Unlock()
	forget := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if g.users--; g.users == 0 {
			delete(c.gates, address)
		}
	}
	if !acquire(ctx, g.token) {
		forget()
		return nil, false
	}
	if !acquire(ctx, lane) {
		<-g.token
		forget()
		return nil, false
	}
	release := func() { <-lane }
	if lane == c.trusted {
		release = c.borrow(slow)
	}
	return func() {
		release()
		<-g.token
		forget()
	}, true
}

// borrow is for who has a place in the trusted lane: after a while it is given up
// for one in the suspect lane, as soon as there is one, and moved is called. The
// function that it returns gives up whichever it is.
func (c *Client) borrow(moved func()) (release func()) {
	var mu sync.Mutex
	var timer *time.Timer
	lane, over := c.trusted, false
	move := func() {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return
		}
		select {
		case c.suspect <- struct{}{}:
			<-c.trusted
			lane = c.suspect
			moved()
		default:
			timer.Reset(patience)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(patience, move)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
		timer.Stop()
		<-lane
	}
}

func acquire(ctx context.Context, tokens chan struct{}) bool {
	select {
	case tokens <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *Client) wasSilent(address string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.silent[address]
}

func (c *Client) noteSilent(address string, silent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if silent {
		c.silent[address] = true
	} else if c.silent[address] {
		delete(c.silent, address)
		c.doubtEvents(address)
	}
}
