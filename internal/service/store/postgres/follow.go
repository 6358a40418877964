package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// channel is where each commit that writes tells that it did, once. That is a hint:
	// behind a pooler nobody hears it.
	channel = "bos_changes"
	// pollInterval is how often it is looked whether another process wrote, without a
	// hint.
	pollInterval = time.Second
)

// follower finds out when other processes have written.
type follower struct {
	connect func(ctx context.Context) (*pgx.Conn, error)
	// id is this process, whose own hints are none.
	id string
	// events is called when there are new events, written when anything is new, and free
	// when nobody has the lease any more.
	events        func()
	mu            sync.Mutex
	written, free func()
	done          chan struct{}
}

// state is what was written last, what services have to say to each other, and the fence
// of the lease that was given up last.
type state struct{ revision, event, asked, heard, told, free int64 }

const selectState = `SELECT (SELECT MAX(revision) FROM changes), last_event,
COALESCE((SELECT asked FROM lease), 0), COALESCE((SELECT heard FROM lease), 0), COALESCE((SELECT MAX(number) FROM told), 0),
COALESCE((SELECT fence FROM lease WHERE holder = ''), 0) FROM turn`

// run follows until ctx ends.
func (f *follower) run(ctx context.Context) {
	defer close(f.done)
	var last state
	for ctx.Err() == nil {
		_ = f.follow(ctx, &last) // the next try tells
		select {
		case <-ctx.Done():
		case <-time.After(pollInterval):
		}
	}
}

// follow follows over one connection until that fails.
func (f *follower) follow(ctx context.Context, last *state) error {
	conn, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it is of no use any more
	if err := listen(ctx, conn); err != nil {
		return err
	}
	for {
		if err := f.look(ctx, conn, last); err != nil {
			return err
		}
		if err := f.wait(ctx, conn); err != nil {
			return err
		}
	}
}

// listen asks for hints, without which it works as well.
func listen(ctx context.Context, conn *pgx.Conn) error {
	ctx, done := context.WithTimeout(ctx, roundTrip)
	defer done()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil && conn.IsClosed() {
		return err
	}
	return nil
}

// look finds out whether something was written.
func (f *follower) look(ctx context.Context, conn *pgx.Conn, last *state) error {
	ctx, done := context.WithTimeout(ctx, roundTrip)
	defer done()
	var now state
	if err := conn.QueryRow(ctx, selectState).Scan(&now.revision, &now.event, &now.asked, &now.heard, &now.told, &now.free); err != nil {
		return err
	}
	if now.event != last.event {
		f.events()
	}
	last.event = now.event
	f.mu.Lock()
	written, free := f.written, f.free
	f.mu.Unlock()
	if now.free > last.free {
		free()
	}
	now.free = max(now.free, last.free)
	if now != *last {
		written()
	}
	*last = now
	return nil
}

// wait waits for the hint of another process, or for the time to look without one.
func (f *follower) wait(ctx context.Context, conn *pgx.Conn) error {
	ctx, done := context.WithTimeout(ctx, pollInterval)
	defer done()
	for {
		hint, err := conn.WaitForNotification(ctx)
		switch {
		case err != nil && ctx.Err() != nil && !conn.IsClosed():
			return nil
		case err != nil:
			return err
		case hint.Payload != f.id:
			return nil
		}
	}
}

// Follow lets written be called, from any goroutine, soon after another process has
// written something, and sometimes although none has; and free soon after nobody has the
// lease any more.
func (s *Store) Follow(written, free func()) {
	s.follower.mu.Lock()
	defer s.follower.mu.Unlock()
	s.follower.written, s.follower.free = written, free
}
