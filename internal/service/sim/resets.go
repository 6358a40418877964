package sim

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// reset holds a reset that reaches a BMC against what must be true. An attempt
// that was given back may have reached it, so each allows one more.
func (c *checks) reset(op bos.PowerOp, id string, started time.Time) {
	if !c.member[id] {
		c.w.violated("%s of %s, which no session touches", op, id)
		return
	}
	if op != bos.PowerOn {
		return
	}
	c.ramp(id)
	if started.Before(c.armedAt[id]) {
		return // for who had the node before
	}
	if _, followed := c.allowed[id]; !followed {
		return // by a process that took its lease back with the engine of before
	}
	c.resets[id]++
	work := c.record(id).Work
	if most, lost, again := c.allowed[id], work.Misses.Lost+work.Misses.Excused, c.repeats[id]; c.resets[id] > most+lost+again {
		c.w.violated("%s was powered on %d times, %d are allowed, %d were given back and %d sent again", id, c.resets[id], most, lost, again)
	}
}

// ramp counts the power-ons of the window that ends now.
func (c *checks) ramp(id string) {
	l := c.w.config.Limits
	if !l.Any() {
		return
	}
	c.starts = append(c.starts, start{c.w.Now, bos.CabinetOf(id)})
	all, here := 0, 0
	for i := len(c.starts) - 1; i >= 0 && c.w.Now.Sub(c.starts[i].at) < l.Window; i-- {
		all++
		if c.starts[i].cabinet == bos.CabinetOf(id) {
			here++
		}
	}
	if l.Starts > 0 && all > l.Starts || l.CabinetStarts > 0 && here > l.CabinetStarts {
		c.w.violated("%d power-ons within %s, %d of them in %s; the limits are %+v", all, l.Window, here, bos.CabinetOf(id), l)
	}
}
