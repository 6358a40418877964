package hsm

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/turn"
)

const (
	// reservedFor is how long HSM keeps what this service reserves, in whole minutes
	// and at most 15, should the service die; usedFor is for how long it counts on it.
	reservedFor, usedFor = 15 * time.Minute, 10 * time.Minute
)

// reservations are those that this service has, by xname. Calls that run side by side
// may share one, as nodes share a BMC. The turn is had over each request about them, as HSM
// refuses what it still has; the mutex is of what is known, and held over none.
type reservations struct {
	turn turn.Turn
	mu   sync.Mutex
	own  map[string]*reservation
	// perhaps are components that HSM may keep for this service without that its
	// key is known, by when they were asked for: the answer was lost.
	perhaps map[string]time.Time
	// giving says that somebody tries again to give back what HSM did not take.
	giving bool
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
	if err := r.turn.Take(ctx); err != nil {
		return nil, nil, nil, fmt.Errorf("other calls ask HSM for reservations, and this one ended before its turn: %w; see whether HSM is slow", err)
	}
	defer r.turn.Give()
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
	r.mu.Lock()
	defer r.mu.Unlock()
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
// more; what HSM does not know any more is to be asked for. The caller has the turn.
func (c *Client) renew(ctx context.Context, ids []string, now time.Time) ([]string, error) {
	ask, old := c.reservations.old(ids, now)
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
			if !c.reservations.lasts(k.ID, lasts[k.ID], now) {
				ask = append(ask, k.ID)
			}
		}
	}
	return ask, nil
}

// old are those components that this service does not have, and those that it has for long.
func (r *reservations) old(ids []string, now time.Time) (ask []string, old []reservationKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		switch own := r.own[id]; {
		case own == nil, now.Sub(own.at) >= reservedFor:
			ask = append(ask, id)
		case now.Sub(own.at) >= usedFor:
			old = append(old, reservationKey{id, own.key})
		}
	}
	return ask, old
}

// lasts notes that a reservation lasts from now on, if HSM says so.
func (r *reservations) lasts(id string, does bool, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := r.own[id]
	if !does || own == nil {
		return false
	}
	own.at = now
	r.claims.begin([]string{id}, now)
	return true
}

// reservationKey is a component and what its reservation is known by.
type reservationKey struct{ ID, Key string }

// reserve asks HSM for components, and says why it does not get some. The caller has the
// turn.
func (c *Client) reserve(ctx context.Context, ids []string, now time.Time) (refused map[string]string, err error) {
	refused = make(map[string]string)
	r := &c.reservations
	r.begin(now)
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
				r.doubt(chunk, now)
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
			r.have(id, s.ReservationKey, now)
		}
	}
	return refused, nil
}

// begin makes room for what is about to be asked for, and forgets what HSM has ended.
func (r *reservations) begin(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.own == nil {
		r.own, r.perhaps = make(map[string]*reservation), make(map[string]time.Time)
	}
	maps.DeleteFunc(r.perhaps, func(_ string, asked time.Time) bool { return now.Sub(asked) >= reservedFor })
}

// doubt notes that HSM may have reserved some components, of which the answer was lost.
func (r *reservations) doubt(ids []string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		r.perhaps[id] = now
	}
}

// have notes a reservation.
func (r *reservations) have(id, key string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.perhaps, id)
	users := 0
	if own := r.own[id]; own != nil {
		users = own.users
	}
	r.own[id] = &reservation{key, now, users}
}
