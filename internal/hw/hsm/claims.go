package hsm

import (
	"maps"
	"sync"
	"time"
)

// claimKept is how long it is remembered that something was reserved for this service:
// longer than any question for locks is out, whose answer may be of before.
const claimKept = 5 * time.Minute

// claims are the components that HSM may call reserved because this service has
// reserved them: they keep nobody here from his work. A lock of their own
// protects them, as reservations are asked for under that of all.
type claims struct {
	mu sync.Mutex
	of map[string]claim
}

// claim is from when until when one may be reserved; until is zero while it may.
type claim struct{ at, until time.Time }

// begin notes what is about to be reserved, as HSM may say so before its answer is here.
func (c *claims) begin(ids []string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = make(map[string]claim)
	}
	maps.DeleteFunc(c.of, func(_ string, one claim) bool { return one.over(now.Add(-claimKept)) })
	for _, id := range ids {
		c.of[id] = claim{at: now}
	}
}

// refused notes that somebody else has what was to be reserved.
func (c *claims) refused(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.of, id)
}

// end notes that reservations are given back by now. Of one whose giving back failed
// nothing is to be noted: it lasts until HSM ends it.
func (c *claims) end(id string, at, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.of[id]; one.at.Equal(at) {
		c.of[id] = claim{at, now}
	}
}

// cover says whether a component may have been reserved by this service, and so by
// nobody else, at the time since or later.
func (c *claims) cover(id string, since time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	one, ok := c.of[id]
	return ok && !one.over(since)
}

// over says whether a claim had ended before a time.
func (c claim) over(at time.Time) bool {
	end := c.at.Add(reservedFor)
	if !c.until.IsZero() {
		end = c.until
	}
	return end.Before(at)
}
