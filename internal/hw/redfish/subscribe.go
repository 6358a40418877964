package redfish

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	eventServicePath = "/redfish/v1/EventService"
	// subscribeEvery is the pause between two rounds, renewEvery how often a
	// BMC is asked whether it still has the subscription, and giveUpFor how
	// long one is left alone that has no events.
	subscribeEvery = 30 * time.Second
	renewEvery     = 5 * time.Minute
	giveUpFor      = time.Hour
	// subscribersAtOnce bounds the BMCs that are subscribed to side by side,
	// besides those that are probed.
	subscribersAtOnce = 16
	// maxSubscriptions bounds the subscriptions of others that are read to find
	// an earlier one of ours.
	maxSubscriptions = 32
)

// wanted are the types of events that may be about power.
var wanted = []string{"StatusChange", "ResourceUpdated", "Alert"}

// errNoEvents is that a BMC has no events to send.
var errNoEvents = errors.New("the BMC has no event service, or it is off")

// subscription is that to the events of one BMC.
type subscription struct {
	// path is empty while there is none.
	path string
	// blind says that the BMC took the subscription and shows it nowhere. It
	// is not asked again: that might leave one more there each time.
	blind bool
	// sends says that the BMC has said that it will send events.
	sends bool
	// due is when the BMC is to be asked again.
	due time.Time
}

// KeepSubscribed subscribes to the events of all BMCs that the inventory has and
// that offer them, and again where a BMC has lost that, until ctx ends. service is
// this service as BMCs reach it; Events takes what they send there. Where it is shared,
// others are behind the same address, and Close leaves the subscriptions to them. Events
// are hints: without them all goes on at the pace of polling.
func (c *Client) KeepSubscribed(ctx context.Context, service string, shared bool, log *slog.Logger) {
	c.mu.Lock()
	c.subscribedForOthers = shared
	c.mu.Unlock()
	round := time.NewTicker(subscribeEvery)
	defer round.Stop()
	told := -1
	for {
		sending, err := c.subscribeDue(ctx, service)
		if ctx.Err() == nil && sending != told {
			told = sending
			log.Info("BMCs send events; the others are polled", "bmcs", sending, "last_error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-round.C:
		}
	}
}

// subscribeDue asks all BMCs that are due. It returns how many send events now,
// and what went wrong with one of the others.
func (c *Client) subscribeDue(ctx context.Context, service string) (sending int, last error) {
	caller, err := c.caller()
	if err != nil {
		return 0, err
	}
	known, err := c.locator.renewed(ctx)
	if err != nil {
		return 0, err
	}
	due := c.dueForEvents(known)
	queue := make(chan target, len(due))
	for _, t := range due {
		queue <- t
	}
	close(queue)
	lane := make(chan struct{}, subscribersAtOnce)
	var workers sync.WaitGroup
	for range min(subscribersAtOnce, len(due)) {
		workers.Go(func() {
			for t := range queue {
				leave, entered := c.enter(ctx, t.Address, lane, nil)
				if !entered {
					return
				}
				err := caller.subscribeTo(ctx, t, destination(service, t.Address))
				leave()
				if err != nil && ctx.Err() == nil {
					c.mu.Lock()
					last = err
					c.mu.Unlock()
				}
			}
		})
	}
	workers.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.subscriptions {
		if s.sends {
			sending++
		}
	}
	return sending, last
}

// dueForEvents is one target for each BMC that is to be asked about its
// subscription. BMCs that are silent are asked once they are not.
func (c *Client) dueForEvents(known map[string]Endpoint) (due []target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, listed := time.Now(), make(map[string]bool)
	for id, e := range known {
		if e.Fault != "" || listed[e.Address] || c.silent[e.Address] {
			continue
		}
		listed[e.Address] = true
		s := c.subscriptions[e.Address]
		if s == nil {
			s = &subscription{}
			c.subscriptions[e.Address] = s
		}
		if !s.blind && !e.Disabled && !now.Before(s.due) {
			due = append(due, target{id: id, Endpoint: e})
		}
	}
	return due
}

// doubtEvents makes a BMC be asked soon whether it still has the subscription: it
// may have restarted. The caller holds the mutex.
func (c *Client) doubtEvents(address string) {
	if s := c.subscriptions[address]; s != nil {
		s.due = time.Time{}
	}
}

// subscribeTo sees to it that a BMC sends its events to a destination, and notes
// when to ask it again. It is called by who holds the gate.
func (c caller) subscribeTo(ctx context.Context, t target, destination string) error {
	c.mu.Lock()
	path := c.subscriptions[t.Address].path
	c.mu.Unlock()
	path, err := c.ensure(ctx, t.Endpoint, path, destination)
	c.mu.Lock()
	defer c.mu.Unlock()
	again := renewEvery
	if errors.Is(err, errNoEvents) {
		again = giveUpFor
	}
	c.subscriptions[t.Address] = &subscription{path: path, blind: err == nil && path == "", sends: err == nil, due: time.Now().Add(again)}
	return err
}

// ensure is the path of our subscription on a BMC: the known one, one of an
// earlier run, or a new one. It is empty if the BMC does not tell that of a new one.
func (c caller) ensure(ctx context.Context, e Endpoint, path, destination string) (string, error) {
	if path != "" {
		ours, err := c.isOurs(ctx, e, path, destination)
		if ours || err != nil {
			return path, err
		}
	}
	var service struct {
		ServiceEnabled            *bool
		EventTypesForSubscription []string
		Subscriptions             struct {
			ID string `json:"@odata.id"`
		}
	}
	if err := c.read(ctx, e, eventServicePath, &service); absent(err) || err == nil && service.ServiceEnabled != nil && !*service.ServiceEnabled {
		return "", errNoEvents
	} else if err != nil {
		return "", err
	}
	list, ok := e.local(service.Subscriptions.ID)
	if !ok {
		return "", errNoEvents
	}
	if path, err := c.earlier(ctx, e, list, destination); path != "" || err != nil {
		return path, err
	}
	types := slices.DeleteFunc(slices.Clone(wanted), func(w string) bool { return !slices.Contains(service.EventTypesForSubscription, w) })
	return c.subscribe(ctx, e, list, destination, types)
}

// absent says that a BMC does not have what it was asked for.
func absent(err error) bool {
	failed := failure(err)
	return failed != nil && transport.Absent(failed.Status)
}

// isOurs tells whether a BMC still has a subscription under a path, and for us:
// after a restart the path may be that of somebody else.
func (c caller) isOurs(ctx context.Context, e Endpoint, path, destination string) (bool, error) {
	var found struct{ Destination string }
	err := c.read(ctx, e, path, &found)
	if absent(err) {
		return false, nil
	}
	return err == nil && found.Destination == destination, err
}

// earlier finds a subscription that is ours already, empty for none.
func (c caller) earlier(ctx context.Context, e Endpoint, list, destination string) (string, error) {
	var found struct {
		Members []struct {
			ID string `json:"@odata.id"`
		}
	}
	if err := c.read(ctx, e, list, &found); err != nil {
		return "", err
	}
	for i, m := range found.Members {
		path, ok := e.local(m.ID)
		if !ok || i >= maxSubscriptions {
			continue
		}
		if ours, err := c.isOurs(ctx, e, path, destination); ours || err != nil {
			return path, err
		}
	}
	return "", nil
}

// subscribe makes a subscription to events of some types, of all if there are
// none to choose.
func (c caller) subscribe(ctx context.Context, e Endpoint, list, destination string, types []string) (string, error) {
	body := struct {
		Destination, Protocol, Context string
		EventTypes                     []string `json:",omitempty"`
	}{destination, "Redfish", "bos", types}
	res, failed := c.ask(ctx, http.MethodPost, e, list, body)
	switch {
	case failed != nil && callsBad(failed.Status) && len(types) > 0:
		// Later versions of the specification have no types.
		return c.subscribe(ctx, e, list, destination, nil)
	case failed != nil:
		return "", failed
	}
	if path, ok := e.local(res.Header.Get("Location")); ok {
		return path, nil
	}
	return c.earlier(ctx, e, list, destination)
}

// unsubscribe ends all subscriptions as far as there is time.
func (c *Client) unsubscribe() {
	caller, err := c.caller()
	if err != nil {
		return
	}
	known := c.locator.last()
	c.mu.Lock()
	if c.subscribedForOthers {
		known = nil
	}
	type held struct {
		bmc  Endpoint
		path string
	}
	var left []held
	for _, e := range known {
		if s := c.subscriptions[e.Address]; s != nil && s.path != "" {
			left = append(left, held{e, s.path})
			delete(c.subscriptions, e.Address)
		}
	}
	c.mu.Unlock()
	farewell(left, func(ctx context.Context, s held) {
		_, _ = caller.ask(ctx, http.MethodDelete, s.bmc, s.path, nil) // the BMC finds out
	})
}

// farewell does the last thing to each, side by side and as far as there is time.
func farewell[T any](all []T, do func(context.Context, T)) {
	ctx, cancel := context.WithTimeout(context.Background(), farewellTimeout)
	defer cancel()
	room := make(chan struct{}, farewellsAtOnce)
	var group sync.WaitGroup
	for _, one := range all {
		if !acquire(ctx, room) {
			break
		}
		group.Go(func() {
			defer func() { <-room }()
			do(ctx, one)
		})
	}
	group.Wait()
}
