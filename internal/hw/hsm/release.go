package hsm

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	// releaseTimeout bounds one try to give reservations back, its turn included.
	releaseTimeout = 10 * time.Second
	// againFirst and againMost are the pauses before what HSM did not take back is given
	// back once more, for at most as long as it lasts.
	againFirst, againMost = 5 * time.Second, time.Minute
)

// release gives components back that nobody uses any more; used says that who gives
// them back has counted as a user. What HSM does not take now stays this service's, and
// is given back later, beside all else: whoever else wants to work on it waits meanwhile.
func (c *Client) release(ids []string, used bool) {
	r := &c.reservations
	if used {
		r.leave(ids)
	}
	left, err := c.giveBack(ids)
	if len(left) == 0 {
		return
	}
	c.bmcs.log.Warn("reservations could not be given back to "+c.name+", so others find these components reserved; it is tried again until they end by themselves",
		"components", bos.Fold(left), "until", r.ends(left).UTC().Format(time.TimeOnly+" MST"), "error", err)
	if r.giveAgain() {
		go c.keepGivingBack()
	}
}

// leave notes that a user of components has left.
func (r *reservations) leave(ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if own := r.own[id]; own != nil {
			own.users--
		}
	}
}

// unused are those of some components that this service has and nobody uses, with what
// their reservations are known by.
func (r *reservations) unused(ids []string) (keys []reservationKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if own := r.own[id]; own != nil && own.users <= 0 {
			keys = append(keys, reservationKey{id, own.key})
		}
	}
	slices.SortFunc(keys, func(a, b reservationKey) int { return strings.Compare(a.ID, b.ID) })
	return slices.Compact(keys) // of nodes of one BMC it is the same
}

// ends is when the last of some reservations ends by itself.
func (r *reservations) ends(ids []string) (end time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if own := r.own[id]; own != nil && own.at.Add(reservedFor).After(end) {
			end = own.at.Add(reservedFor)
		}
	}
	return end
}

// giveAgain reports whether nobody tries again yet, and that somebody does from now on.
func (r *reservations) giveAgain() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.giving
	r.giving = true
	return !was
}

// lasting are the components that nobody uses and that HSM may still keep, if it is to be
// gone on. Where there are none nobody tries any more.
func (r *reservations) lasting(now time.Time, on bool) (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, own := range r.own {
		if own.users > 0 || !on {
			continue
		}
		if now.Sub(own.at) >= reservedFor {
			delete(r.own, id)
			continue
		}
		ids = append(ids, id)
	}
	r.giving = len(ids) > 0
	return ids
}

// over takes note of one that was given back, unless it has ended by itself meanwhile.
func (r *reservations) over(id string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if own := r.own[id]; own != nil {
		r.claims.end(id, own.at, now)
		delete(r.own, id)
	}
}

// giveBack gives those of some components back that nobody uses, and returns those that HSM
// did not take, with the reason. It is tried whoever may act now.
func (c *Client) giveBack(ids []string) (left []string, err error) {
	r := &c.reservations
	if len(r.unused(ids)) == 0 {
		return nil, nil // who got nothing waits for nobody
	}
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	if err := r.turn.Take(ctx); err != nil {
		return idsOf(r.unused(ids)), err
	}
	defer r.turn.Give()
	keys := r.unused(ids)
	if len(keys) == 0 {
		return nil, nil
	}
	res, err := c.http.Do(ctx, transport.Request{Method: http.MethodPost, URL: c.url + "/locks/service/reservations/release", Body: struct {
		ReservationKeys []reservationKey
		ProcessingModel string
	}{keys, "flexible"}})
	if err != nil {
		return idsOf(keys), err
	}
	refused := notTaken(res.Body)
	now := c.bmcs.now()
	for _, k := range keys {
		if why := refused[k.ID]; why != nil {
			left, err = append(left, k.ID), cmp.Or(err, why)
			continue
		}
		r.over(k.ID, now)
	}
	return left, err
}

func idsOf(keys []reservationKey) []string {
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	return ids
}

// refusal is why HSM did not take a reservation back.
type refusal string

// Error says it.
func (r refusal) Error() string { return "HSM did not take it back: " + string(r) }

// notTaken are the components that an answer says were not given back. One that HSM does
// not know has ended, and an answer of another shape tells of none.
func notTaken(body []byte) map[string]error {
	var answer struct {
		Failure []struct{ ID, Reason string }
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil
	}
	refused := make(map[string]error)
	for _, f := range answer.Failure {
		if f.Reason != "NotFound" {
			refused[bos.CanonicalXname(f.ID)] = refusal(transport.Said(f.Reason))
		}
	}
	return refused
}

// keepGivingBack gives back what HSM did not take, until it does or all has ended there.
func (c *Client) keepGivingBack() {
	over := time.Now().Add(reservedFor)
	for pause := againFirst; ; pause = min(2*pause, againMost) {
		<-time.After(pause) // nobody waits for it, and it ends by itself
		ids := c.reservations.lasting(c.bmcs.now(), time.Now().Before(over))
		if len(ids) == 0 {
			return
		}
		if left, _ := c.giveBack(ids); len(left) == 0 { // the first try said why
			c.bmcs.log.Info("the reservations that could not be given back to "+c.name+" are given back", "components", bos.Fold(ids))
		}
	}
}
