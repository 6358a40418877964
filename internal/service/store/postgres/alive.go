package postgres

import (
	"context"
	"time"
)

// live says that this process is alive, in a transaction that asks nothing for a while.
func (c *connection) live() {
	c.using.Lock()
	defer c.using.Unlock()
	if !c.open || c.conn == nil || time.Since(c.began) > longestWrite {
		return
	}
	if c.conn.IsClosed() {
		return // why, who lost it knows, as what was sent ahead
	}
	ctx, done := c.patient(context.Background(), roundTrip)
	defer done()
	_, err := c.conn.Exec(ctx, "SELECT 1")
	switch {
	case err == nil:
		c.alive.Reset(signOfLife)
	case c.conn.IsClosed():
		c.lost = judgedGone(ctx, err)
	}
}

// opened notes that a transaction is open, or over.
func (c *connection) opened(is bool) {
	c.using.Lock()
	defer c.using.Unlock()
	c.open, c.began = is, time.Now()
	switch {
	case !is:
		c.alive.Stop()
	case c.alive == nil:
		c.alive = time.AfterFunc(signOfLife, c.live)
	default:
		c.alive.Reset(signOfLife)
	}
}
