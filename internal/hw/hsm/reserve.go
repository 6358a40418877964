package hsm

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
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
// may share one, as nodes share a BMC. The mutex is held over each request about them,
// as HSM refuses what it still has.
type reservations struct {
	mu  sync.Mutex
	own map[string]*reservation
	// perhaps are components that HSM may keep for this service without that its
	// key is known, by when they were asked for: the answer was lost.
	perhaps map[string]time.Time
	// claims are what HSM calls reserved because of it.
	claims claims
}

// reservation is one component. One without users could not be given back, and is used
// by who wants it next.
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
	var all []string
	r := &c.reservations
	r.mu.Lock()
	defer r.mu.Unlock()
	now := c.bmcs.now()
	for _, id := range ids {
		node := bos.CanonicalXname(id)
		wanted[id] = []string{node, c.bmcs.bmcOf(node)}
		all = append(all, wanted[id]...)
	}
	slices.Sort(all)
	ask, err := c.renew(ctx, slices.Compact(all), now)
	if err != nil {
		return nil, nil, nil, err
	}
	r.claims.begin(ask, now)
	refused, err := c.reserve(ctx, ask, now)
	if err != nil {
		for _, of := range ask {
			if _, perhaps := r.perhaps[of]; !perhaps && r.own[of] == nil {
				r.claims.refused(of) // who has it now is somebody else
			}
		}
		return nil, nil, ask, err
	}
	kept = make(map[string]bos.Hold)
	for _, id := range ids {
		missing := slices.IndexFunc(wanted[id], func(of string) bool { return refused[of] != "" })
		if missing < 0 {
			used = append(used, wanted[id]...)
			continue
		}
		left = append(left, wanted[id]...)
		kept[id] = r.keptBy(wanted[id][missing], refused[wanted[id][missing]], now)
	}
	for _, of := range used {
		r.own[of].users++
	}
	for of := range refused {
		r.claims.refused(of)
	}
	return kept, used, left, nil
}

// keptBy says why a node is not reserved, one of whose components HSM refuses.
func (r *reservations) keptBy(of, reason string, now time.Time) bos.Hold {
	asked, perhaps := r.perhaps[of]
	switch ends := asked.Add(reservedFor); {
	case reason == "Locked":
		return bos.Hold{Cause: bos.CauseLocked, Detail: of + " is locked in HSM; unlock it there, or wait for who works on it"}
	case perhaps && now.Before(ends):
		return bos.Hold{Cause: bos.CauseReserved, Detail: fmt.Sprintf("%s cannot be reserved in HSM (%s), and that may be this service's own doing, as HSM's answer to it was lost; it ends by itself until %s", of, reason, ends.UTC().Format(time.TimeOnly+" MST"))}
	default:
		return bos.Hold{Cause: bos.CauseReserved, Detail: fmt.Sprintf("%s cannot be reserved in HSM (%s), so somebody works on it; wait for who does, or look in HSM's locks and reservations", of, reason)}
	}
}

// renew is which of some components are to be asked for: those that this service does
// not have. What it has for long it makes last, as HSM would refuse to reserve it once
// more; what HSM does not know any more is to be asked for. The caller holds the mutex.
func (c *Client) renew(ctx context.Context, ids []string, now time.Time) (ask []string, err error) {
	var old []reservationKey
	for _, id := range ids {
		switch own := c.reservations.own[id]; {
		case own == nil, now.Sub(own.at) >= reservedFor:
			ask = append(ask, id)
		case now.Sub(own.at) >= usedFor:
			old = append(old, reservationKey{id, own.key})
		}
	}
	for chunk := range slices.Chunk(old, maxLockQuestion) {
		var answer struct {
			Success struct{ ComponentIDs []string }
		}
		err := c.http.JSON(ctx, transport.Request{Method: http.MethodPost, URL: c.url + "/locks/service/reservations/renew", Body: struct {
			ReservationKeys     []reservationKey
			ProcessingModel     string
			ReservationDuration int
		}{chunk, "flexible", int(reservedFor / time.Minute)}}, &answer)
		switch class := transport.ClassOf(err); {
		case class == transport.ClassAbsent, class == transport.ClassUnsupported:
			// This HSM makes nothing last; it may give it anew.
		case err != nil:
			return nil, err
		}
		lasts := make(map[string]bool, len(chunk))
		for _, id := range answer.Success.ComponentIDs {
			lasts[bos.CanonicalXname(id)] = true
		}
		for _, k := range chunk {
			if !lasts[k.ID] {
				ask = append(ask, k.ID)
				continue
			}
			c.reservations.own[k.ID].at = now
			c.reservations.claims.begin([]string{k.ID}, now)
		}
	}
	return ask, nil
}

// reservationKey is a component and what its reservation is known by.
type reservationKey struct{ ID, Key string }

// reserve asks HSM for components, and says why it does not get some. The caller holds
// the mutex.
func (c *Client) reserve(ctx context.Context, ids []string, now time.Time) (refused map[string]string, err error) {
	refused = make(map[string]string)
	r := &c.reservations
	if r.own == nil {
		r.own, r.perhaps = make(map[string]*reservation), make(map[string]time.Time)
	}
	maps.DeleteFunc(r.perhaps, func(_ string, asked time.Time) bool { return now.Sub(asked) >= reservedFor })
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
			if transport.ClassOf(err) == transport.ClassMaybe {
				for _, id := range chunk {
					r.perhaps[id] = now
				}
			}
			return nil, err
		}
		for _, id := range chunk {
			refused[id] = "HSM does not say why"
		}
		for _, f := range answer.Failure {
			refused[bos.CanonicalXname(f.ID)] = transport.Said(f.Reason)
		}
		for _, s := range answer.Success {
			id := bos.CanonicalXname(s.ID)
			delete(refused, id)
			delete(r.perhaps, id)
			users := 0
			if own := r.own[id]; own != nil {
				users = own.users
			}
			r.own[id] = &reservation{s.ReservationKey, now, users}
		}
	}
	return refused, nil
}

// release gives components back that nobody uses any more; used says that who gives
// them back has counted as a user. What HSM cannot be told now stays this service's.
func (c *Client) release(ids []string, used bool) {
	var keys []reservationKey
	r := &c.reservations
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		own := r.own[id]
		if own == nil {
			continue
		}
		if used {
			own.users--
		}
		if own.users <= 0 {
			keys = append(keys, reservationKey{id, own.key})
		}
	}
	if len(keys) == 0 {
		return
	}
	slices.SortFunc(keys, func(a, b reservationKey) int { return strings.Compare(a.ID, b.ID) })
	keys = slices.Compact(keys) // of nodes of one BMC it is the same
	// It is given back whoever may act now; what cannot be ends by itself.
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	_, err := c.http.Do(ctx, transport.Request{Method: http.MethodPost, URL: c.url + "/locks/service/reservations/release", Body: struct {
		ReservationKeys []reservationKey
		ProcessingModel string
	}{keys, "flexible"}})
	if err != nil {
		return
	}
	for _, k := range keys {
		r.claims.end(k.ID, r.own[k.ID].at, c.bmcs.now())
		delete(r.own, k.ID)
	}
}
