package hsm

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	// reservedFor is how long HSM keeps what this service reserves, in whole minutes
	// and at most 15, should the service die; usedFor is for how long it counts on it.
	reservedFor, usedFor = 15 * time.Minute, 10 * time.Minute
	releaseTimeout       = 10 * time.Second
)

// reservations are those that this service has, by xname. Calls that run side by side
// may share one, as nodes share a BMC.
type reservations struct {
	mu  sync.Mutex
	own map[string]*reservation
	// claims are what HSM calls reserved because of it.
	claims claims
}

type reservation struct {
	key   string
	at    time.Time
	users int
}

// Reserve reserves nodes and their BMCs for this service, so that nobody else works on
// them meanwhile. kept are those that it does not get, and why; release gives back
// what it got. It must be called.
func (c *Client) Reserve(ctx context.Context, ids []string) (kept map[string]bos.Hold, release func(), err error) {
	kept, used, left, err := c.reserveAll(ctx, ids)
	c.release(left, false) // of a node that it does not get whole it keeps nothing
	var once sync.Once
	return kept, func() { once.Do(func() { c.release(used, true) }) }, err
}

// reserveAll is Reserve. used are the components of the nodes that it got, left those of
// the others.
func (c *Client) reserveAll(ctx context.Context, ids []string) (kept map[string]bos.Hold, used, left []string, err error) {
	wanted := make(map[string][]string, len(ids)) // the components of each node
	var ask []string
	r := &c.reservations
	r.mu.Lock()
	defer r.mu.Unlock()
	now := c.bmcs.now()
	for _, id := range ids {
		node := bos.CanonicalXname(id)
		wanted[id] = []string{node, c.bmcs.bmcOf(node)}
		for _, of := range wanted[id] {
			if own := r.own[of]; own == nil || now.Sub(own.at) >= usedFor {
				ask = append(ask, of)
			}
		}
	}
	slices.Sort(ask)
	ask = slices.Compact(ask)
	r.claims.begin(ask, now)
	refused, err := c.reserve(ctx, ask, now)
	if err != nil {
		return nil, nil, ask, err
	}
	for of := range refused {
		r.claims.refused(of)
	}
	kept = make(map[string]bos.Hold)
	for _, id := range ids {
		missing := slices.IndexFunc(wanted[id], func(of string) bool { return refused[of] != "" })
		if missing < 0 {
			used = append(used, wanted[id]...)
			continue
		}
		left = append(left, wanted[id]...)
		of := wanted[id][missing]
		kept[id] = bos.Hold{Cause: bos.CauseReserved, Detail: fmt.Sprintf("%s cannot be reserved in HSM (%s), so somebody works on it; wait for who does, or look in HSM's locks and reservations", of, refused[of])}
		if refused[of] == "Locked" {
			kept[id] = bos.Hold{Cause: bos.CauseLocked, Detail: of + " is locked in HSM; unlock it there, or wait for who works on it"}
		}
	}
	for _, of := range used {
		r.own[of].users++
	}
	return kept, used, left, nil
}

// reserve asks HSM for components, and says why it does not get some. The caller holds
// the mutex.
func (c *Client) reserve(ctx context.Context, ids []string, now time.Time) (refused map[string]string, err error) {
	refused = make(map[string]string)
	if c.reservations.own == nil {
		c.reservations.own = make(map[string]*reservation)
	}
	for chunk := range slices.Chunk(ids, maxLockQuestion) {
		var answer struct {
			Success []struct{ ID, ReservationKey string }
			Failure []struct{ ID, Reason string }
		}
		q := transport.Request{Method: http.MethodPost, URL: c.url + "/locks/service/reservations", Body: struct {
			ComponentIDs        []string
			ProcessingModel     string
			ReservationDuration int
		}{chunk, "flexible", int(reservedFor / time.Minute)}}
		if err := c.http.JSON(ctx, q, &answer); err != nil {
			return nil, err
		}
		for _, id := range chunk {
			refused[id] = "HSM does not say why"
		}
		for _, f := range answer.Failure {
			refused[bos.CanonicalXname(f.ID)] = transport.Excerpt(f.Reason)
		}
		for _, s := range answer.Success {
			id := bos.CanonicalXname(s.ID)
			delete(refused, id)
			users := 0
			if own := c.reservations.own[id]; own != nil {
				users = own.users
			}
			c.reservations.own[id] = &reservation{s.ReservationKey, now, users}
		}
	}
	return refused, nil
}

// release gives components back that nobody uses any more; used says that who gives
// them back has counted as a user.
func (c *Client) release(ids []string, used bool) {
	type key struct{ ID, Key string }
	var keys []key
	given := make(map[string]time.Time) // what is given back, by when it was reserved
	r := &c.reservations
	r.mu.Lock()
	for _, id := range ids {
		own := r.own[id]
		if own == nil {
			continue
		}
		if used {
			own.users--
		}
		if own.users <= 0 {
			keys = append(keys, key{id, own.key})
			given[id] = own.at
			delete(r.own, id)
		}
	}
	r.mu.Unlock()
	if len(keys) == 0 {
		return
	}
	// It is given back whoever may act now; what cannot be ends by itself.
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	_, err := c.http.Do(ctx, transport.Request{Method: http.MethodPost, URL: c.url + "/locks/service/reservations/release", Body: struct {
		ReservationKeys []key
		ProcessingModel string
	}{keys, "flexible"}})
	if err != nil {
		return
	}
	for id, at := range given {
		r.claims.end(id, at, c.bmcs.now())
	}
}
