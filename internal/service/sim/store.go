package sim

import (
	"context"
	"errors"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// store is the store as a process has it: real, but for the renewal of leases and for
// reads of a feed without news, which cost time and tell nothing. Commits are checked,
// and may fail.
type store struct {
	shell.Store
	p *process
}

var errDisk = errors.New("the disk is full")

// alive panics for a process that was killed.
func (s store) alive() {
	if s.p.dead {
		panic(killed{})
	}
}

// Commit writes a pass, or not; the process may be killed or stopped after it.
func (s store) Commit(ctx context.Context, c bos.Commit) (bos.Committed, error) {
	s.alive()
	w := s.p.w
	if w.full || w.chance(w.config.CommitErrors) {
		if w.check.callsUnderWay() {
			w.happened(CommitFailsInFlight)
		}
		if w.config.Bug == BugFullIsStored {
			return bos.Committed{}, nil
		}
		return bos.Committed{}, errDisk
	}
	if w.config.Bug == BugStopsUnheard && !s.p.stopping.IsZero() {
		return bos.Committed{}, nil
	}
	spoilt := w.spoil(&c)
	before, _ := w.store.LastEvent(w.ctx)
	expiring := w.check.expiring(c.Expired)
	done, err := s.Store.Commit(ctx, c)
	if err != nil {
		if !errors.Is(err, bos.ErrFenced) {
			w.violated("commit: %s", err)
		}
		return done, err
	}
	w.written++
	w.hintOthers(s.p)
	w.check.committed(c, done.Conflicts, before)
	w.check.expired(expiring, done.Conflicts)
	if spoilt {
		// It is to know what was really written: the feed tells it of a revision
		// that is not its own.
		done.Revision = -1
		s.p.shell.Changed(shell.Change{})
	}
	s.committed()
	return done, nil
}

// Components are the records.
func (s store) Components(ctx context.Context, f bos.ComponentFilter) ([]bos.Record, error) {
	if f.Held && s.p.w.config.Bug == BugHoldUnseen {
		return nil, nil
	}
	return s.Store.Components(ctx, f)
}

// Session and Sessions are the sessions.
func (s store) Session(ctx context.Context, key bos.SessionKey) (bos.SessionRecord, error) {
	rec, err := s.Store.Session(ctx, key)
	s.p.w.spoilRollout(&rec)
	return rec, err
}

// Sessions lists them.
func (s store) Sessions(ctx context.Context, f bos.SessionFilter, now time.Time) ([]bos.SessionRecord, error) {
	list, err := s.Store.Sessions(ctx, f, now)
	for i := range list {
		s.p.w.spoilRollout(&list[i])
	}
	return list, err
}

// SitePause is the pause of the site.
func (s store) SitePause(ctx context.Context) (bos.SitePause, error) {
	if s.p.w.blind() {
		return bos.SitePause{}, nil
	}
	return s.Store.SitePause(ctx)
}

// SetUp sets a session up likewise.
func (s store) SetUp(ctx context.Context, setup bos.Setup) (bos.SessionRecord, []bos.Record, error) {
	s.alive()
	w := s.p.w
	if w.full || w.chance(w.config.CommitErrors) {
		w.check.crashed = true // the pass is committed, and its calls are not made
		return bos.SessionRecord{}, nil, errDisk
	}
	before, _ := w.store.LastEvent(w.ctx)
	was := w.check.working()
	w.spoilSetUp(&setup)
	session, records, err := s.Store.SetUp(ctx, setup)
	switch {
	case errors.Is(err, bos.ErrChanged), errors.Is(err, bos.ErrFenced):
		return session, records, err
	case ctx.Err() != nil && errors.Is(err, ctx.Err()): // its process is told to stop, and nothing is written
		return session, records, err
	case err != nil:
		w.violated("set a session up: %s", err)
		return session, records, err
	}
	w.written++
	w.hintOthers(s.p)
	w.check.setUp(session, records, before)
	w.check.overlaps(session, records, was)
	if session.Status.Status == bos.SessionComplete {
		w.check.completed(session)
	}
	s.committed()
	w.spoilRollout(&session)
	return session, records, nil
}

// committed is what may become of a process right after a commit.
func (s store) committed() {
	w, p := s.p.w, s.p
	w.Commits++
	crash := w.config.CrashAt == EveryCommit && w.faulty || w.config.CrashAt == w.Commits
	early := w.config.BeforeEffects
	if w.chance(w.config.CrashShare) {
		crash, early = true, w.rng.IntN(2) == 0
	}
	switch {
	case crash && early:
		w.crash(p, true)
		panic(killed{})
	case crash:
		w.after(longestDelay+time.Millisecond, func() {
			if !p.dead {
				w.crash(p, w.rng.IntN(2) == 0)
			}
		})
	case w.chance(w.config.StopShare):
		w.tell(p)
	case w.chance(w.config.PauseShare):
		d := time.Duration(w.rng.Int64N(int64(longestPause)))
		w.pause(p, d)
		p.sleep(0)
	}
}

// Changes tells what was written since, without asking where nothing was.
func (s store) Changes(ctx context.Context, after int64) (bos.Changes, error) {
	s.alive()
	if w := s.p.w; w.shared() {
		if err := s.slow(ctx); err != nil {
			return bos.Changes{}, err
		}
	}
	w, p := s.p.w, s.p
	w.Steps++
	if after == 0 {
		p.engines++
		p.term = w.lease.Fence
		w.check.restarted(p)
	}
	if after != 0 && after == p.position && p.read == w.written {
		return bos.Changes{Newest: after}, nil
	}
	changes, err := s.Store.Changes(ctx, after)
	p.position, p.read = changes.Newest, w.written
	if w.config.Bug == BugFeedMisses {
		changes.Sessions = nil
	}
	return changes, err
}

// Options are those that clients set, which the checks go by.
func (s store) Options(ctx context.Context) (bos.Options, error) {
	s.alive()
	o, err := s.Store.Options(ctx)
	w := s.p.w
	w.policy = o.Policy()
	switch w.config.Bug {
	case BugOneMore:
		o.DefaultRetryPolicy++
	case BugHasty:
		o.MaxPowerOnWaitTime /= 2
		o.MaxPowerOffWaitTime /= 2
	default:
	}
	return o, err
}

// Lease is the store's own where the holder changes.
func (s store) Lease(ctx context.Context, holder string, clock time.Time, dead bos.Lease) (bos.Lease, error) {
	s.alive()
	w := s.p.w
	if w.full {
		return w.lease, errDisk
	}
	if w.lease.Holder == holder {
		return w.lease, nil
	}
	if w.lease.Holder != "" && !w.lease.Same(dead) {
		return w.lease, bos.ErrLeaseHeld
	}
	if clock.IsZero() {
		clock = w.lease.Clock
	}
	taken, err := s.Store.Lease(ctx, holder, clock, w.leaseStored)
	if err != nil {
		w.violated("lease: %s", err)
		return taken, err
	}
	w.lease, w.leaseStored = taken, taken
	return taken, nil
}

// RenewLease is kept in memory.
func (s store) RenewLease(ctx context.Context, held bos.Lease, clock time.Time) (bos.Lease, error) {
	s.alive()
	w := s.p.w
	switch {
	case w.full:
		return w.lease, errDisk
	case w.config.Bug == BugTakesFree && w.lease.Holder == "":
		return s.Lease(ctx, held.Holder, clock, bos.Lease{})
	case w.lease.Holder != held.Holder || w.lease.Fence != held.Fence:
		return w.lease, bos.ErrLeaseHeld
	case clock.After(w.lease.Clock):
		w.lease.Clock = clock
	}
	return w.lease, nil
}

// Release gives the lease up.
func (s store) Release(ctx context.Context, holder string) error {
	s.alive()
	w := s.p.w
	if w.config.Bug == BugKeepsLease {
		return nil
	}
	if w.lease.Holder == holder {
		w.lease.Holder, w.leaseStored.Holder = "", ""
	}
	return s.Store.Release(ctx, holder)
}
