package bos

import "context"

// Hearing is how what some services of a store are told reaches the one that drives it.
//
// Who has written something that forbids calls asks for it to be heard: the engine's
// service stops those calls when it reads it, and says so. One that cannot say so for as
// long as its lease lasts may send nothing any more, as each renewal of the lease tells
// what was asked.
type Hearing interface {
	// Ask asks that all that is stored now be heard, and returns its position in the
	// feed.
	Ask(ctx context.Context) (position int64, err error)
	// Heard is how far that is.
	Heard(ctx context.Context) (Heard, error)
	// Hear says that the service with the fence acts on all up to a position. It fails with
	// ErrFenced under another fence.
	Hear(ctx context.Context, fence, position int64) error

	// Tell leaves hints for the service that drives; what it does not take is given up
	// beyond a bound, the oldest first. Told takes them, under the fence.
	Tell(ctx context.Context, hints Hints) error
	Told(ctx context.Context, fence int64) (Hints, error)
}

// Heard is what was asked to be heard and what was.
type Heard struct {
	// Asked is the newest position that was asked for, Upto that up to which the service
	// that drives, or did, has said that it acts.
	Asked, Upto int64
	// Nobody says that nobody has the lease: who takes it reads all that is stored.
	Nobody bool
	// Hints says that there are hints to be taken.
	Hints bool
}

// Hints is what others say of nodes: nothing that is decided by, but when to look, and
// what to tell people.
type Hints struct {
	// Power are nodes whose power may have changed.
	Power []string `json:"power,omitempty"`
	// Scripts are boot scripts that were given out.
	Scripts []ScriptFetch `json:"scripts,omitempty"`
}

// Empty reports whether there are none.
func (h Hints) Empty() bool { return len(h.Power) == 0 && len(h.Scripts) == 0 }
