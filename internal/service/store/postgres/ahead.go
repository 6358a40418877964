package postgres

import (
	"cmp"
	"context"
	"fmt"
)

// lostWriting says that a write lost its connection before it was at its end, and why.
func (c *connection) lostWriting() error {
	return fmt.Errorf("in the middle of a write: %w", cmp.Or(c.lost, errLost))
}

// ahead is what was sent and is not waited for: the database works on it while the writer
// makes what comes next. There is one at most, so what both hold in memory is bounded.
type ahead struct {
	over    chan struct{}
	touched int64
	err     error
}

// sendAhead sends what was put off. Whether it succeeded, whatever is sent next says.
func (c *connection) sendAhead(ctx context.Context) error {
	if err := c.landed(); err != nil {
		return err
	}
	if c.conn == nil {
		return c.lostWriting()
	}
	batch, put := c.batch(nil)
	if put == 0 {
		return nil
	}
	a := &ahead{over: make(chan struct{})}
	conn := c.conn
	c.using.Lock() // until it is answered
	if c.open {
		c.alive.Reset(signOfLife)
	}
	ctx, done := c.patient(ctx, roundTrip)
	c.ahead = a
	go func() {
		defer close(a.over)
		defer c.using.Unlock()
		defer done()
		results := conn.SendBatch(ctx, batch)
		_, a.touched, a.err = read(results, put, 0, conn.TypeMap())
		if closed := results.Close(); a.err == nil {
			a.err = closed
		}
		if a.err != nil && conn.IsClosed() {
			a.err = judgedGone(ctx, a.err)
		}
	}()
	return nil
}

// landed waits for the answers to what was sent ahead, and returns its error.
func (c *connection) landed() error {
	a := c.ahead
	if a == nil {
		return nil
	}
	<-a.over
	c.ahead = nil
	c.touched += a.touched
	c.using.Lock()
	defer c.using.Unlock()
	return c.judged(context.Background(), a.err)
}
