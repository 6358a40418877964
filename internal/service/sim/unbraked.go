package sim

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// unbraked holds what is sent to nodes against pauses and holds.
func (c *checks) unbraked(p *process, what string, ids ...string) {
	c.rollout.touched(what, ids...)
	if !c.braked {
		return
	}
	for _, id := range ids {
		r, _ := c.stored(id)
		paused := c.paused && !c.mayNotKnow(func(u *unsettled) bool { return u.site })
		if paused || r.Held.On() && !c.componentUnsettled(id) {
			c.w.violated("%s sends %s to %s, while it or the site is paused or held", p.holder, what, id)
		}
		for _, key := range c.sessions {
			if key.Name != r.Session || c.mayNotKnow(func(u *unsettled) bool { return u.sessions[key] }) {
				continue
			}
			if s, err := c.w.store.Session(c.w.ctx, key); err == nil && s.Paused.On() && s.Owns(&r) {
				c.w.violated("%s sends %s to %s, while its session is paused", p.holder, what, id)
			}
		}
	}
}

// pause takes note that the site is paused or goes on.
func (c *checks) pause(on bool) {
	c.braked = true
	if c.paused && !on {
		c.pausedFor += c.w.Now.Sub(c.pausedAt)
	}
	if on && !c.paused {
		c.pausedAt = c.w.Now
	}
	c.paused = on
}

// pauseSeen is how long the service may take to see a pause: one that takes another's
// place, and reads slowly, takes longer.
func (c *checks) pauseSeen() time.Duration {
	if c.w.shared() {
		return 3*shell.LeaseTTL + 2*longestRead
	}
	return 3 * time.Second
}
