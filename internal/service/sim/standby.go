package sim

import (
	"context"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// Several processes share the store (Config.Standbys): one drives, the others stand by,
// and clients, nodes and HSM talk to any of them.

const (
	// longestRead is how long a slow database takes to answer a read, longestHint how
	// long a hint of it is on its way.
	longestRead = 3 * time.Second
	longestHint = 30 * time.Millisecond
	// answerTime is how long a client waits for an answer until it asks another process.
	answerTime = 30 * time.Second
	// handBack bounds for how long before a process wakes its successor is told to stop.
	handBack = 2 * time.Second
)

// hearing is what was asked to be heard and what was, and the hints that wait to be taken.
type hearing struct {
	asked, upto int64
	hints       []bos.Hints
	// deaf says that who drives hears nothing.
	deaf bool
}

func (w *World) shared() bool { return w.config.Standbys > 0 }

// enough reports whether no process more is needed.
func (w *World) enough() bool {
	if !w.shared() {
		return w.current != nil && !w.current.dead && !w.current.over && !w.current.frozen && w.current.stopping.IsZero()
	}
	standing := 0
	for _, p := range w.processes {
		if !p.dead && !p.over && !p.frozen && p.stopping.IsZero() {
			standing++
		}
	}
	return standing > w.config.Standbys
}

// serves reports whether a process takes what clients write.
func (p *process) serves() bool { return (p.driving || p.following) && !p.frozen && !p.dead && !p.over }

// drives takes note of who has the lease from now on.
func (p *process) drives(is bool) {
	w := p.w
	if p.driving = is; !is || !w.shared() {
		return
	}
	if w.drove != nil && w.drove != p {
		w.happened(TakenOver)
	}
	w.drove = p
}

// through is the process that a client talks to, nil if there is none.
func (w *World) through() *process {
	if !w.shared() {
		return w.serving()
	}
	var serve []*process
	for _, p := range w.processes {
		if p.serves() && !w.full {
			serve = append(serve, p)
		}
	}
	if len(serve) == 0 {
		return nil
	}
	return serve[w.rng.IntN(len(serve))]
}

// driver is the process that drives and runs, nil if there is none.
func (w *World) driver() *process {
	for _, p := range w.processes {
		if p.driving && !p.frozen && !p.dead {
			return p
		}
	}
	return nil
}

// wakes plans that the successor of a driver that is stopped for a while gives the lease
// up shortly before that goes on.
func (w *World) wakes(p *process, d time.Duration) {
	if !w.shared() || !p.driving || d <= shell.LeaseTTL || w.rng.IntN(2) == 0 {
		return
	}
	before := handBack
	if w.rng.IntN(2) == 0 {
		before = 2 * longestHint // which is about how soon others know that the lease is free
	}
	w.after(d-min(d, time.Duration(w.rng.Int64N(int64(before)))), func() {
		if next := w.driver(); next != nil && next != p {
			w.tell(next)
		}
	})
}

// hintOthers tells the other processes that one has written, unless that is lost.
func (w *World) hintOthers(from *process) {
	if !w.shared() {
		return
	}
	for _, p := range w.processes {
		if p == from {
			continue
		}
		if w.chance(w.config.LostHints) {
			w.happened(HintLost)
			continue
		}
		p.post(time.Duration(w.rng.Int64N(int64(longestHint))), p.shell.Written)
	}
}

// told tells the service what was written through it and forbids nothing.
func (w *World) told(c shell.Change) {
	w.written++
	if p := w.through(); p != nil {
		p.shell.Changed(c)
		w.hintOthers(p)
	}
}

// wrote tells the service what a client wrote through it. What that forbids holds from
// the answer on.
func (w *World) wrote(c shell.Change) {
	if !w.shared() {
		w.told(c)
		return
	}
	w.written++
	p := w.through()
	u := &unsettled{components: make(map[string]bool), sessions: make(map[bos.SessionKey]bool), site: c.SitePause != nil}
	for _, id := range c.Components {
		u.components[id] = true
	}
	for i := range c.Records {
		u.components[c.Records[i].ID] = true
	}
	for _, key := range c.Sessions {
		u.sessions[key] = true
	}
	w.check.unsettled = append(w.check.unsettled, u)
	if p != nil {
		p.shell.Changed(c)
	}
	w.hintOthers(p)
	w.settle(p, u)
}

// settle has a process answer, and another one where that does not.
func (w *World) settle(p *process, u *unsettled) {
	if u.over {
		return
	}
	if p == nil {
		w.after(clientRetry, func() { w.settle(w.through(), u) })
		return
	}
	if w.config.Bug == BugAcknowledgesAtOnce {
		w.settled(p, u)
		return
	}
	ctx, cancel := p.Timeout(context.Background(), answerTime)
	p.Go(func() {
		defer cancel()
		if p.shell.Settle(ctx) == nil {
			w.settled(p, u)
		}
	})
	w.after(answerTime, func() { w.settle(w.through(), u) })
}

func (w *World) settled(p *process, u *unsettled) {
	if u.over {
		return
	}
	u.over = true
	if !p.driving {
		w.happened(BrakeElsewhere)
	}
	left := w.check.unsettled[:0]
	for _, other := range w.check.unsettled {
		if !other.over {
			left = append(left, other)
		}
	}
	clear(w.check.unsettled[len(left):])
	w.check.unsettled = left
}

// unsettled is what was written and not answered yet: nobody may rely on it.
type unsettled struct {
	components map[string]bool
	sessions   map[bos.SessionKey]bool
	site, over bool
}

// mayNotKnow reports whether the service need not know what is stored of a node, a
// session or the site.
func (c *checks) mayNotKnow(is func(*unsettled) bool) bool {
	for _, u := range c.unsettled {
		if is(u) {
			return true
		}
	}
	return false
}

func (c *checks) componentUnsettled(id string) bool {
	return c.mayNotKnow(func(u *unsettled) bool { return u.components[id] })
}

// slow lets a read of the database take a while, or until who asks for it gives up.
func (s store) slow(ctx context.Context) error {
	w := s.p.w
	wait := func(d time.Duration) {
		s.p.Signal().Wait(ctx, s.p.Mono()+d)
		s.alive()
	}
	if w.shared() && w.chance(w.config.SlowReads) {
		w.happened(SlowRead)
		wait(time.Duration(w.rng.Int64N(int64(longestRead))))
	}
	for w.hearing.deaf && s.p.driving && ctx.Err() == nil {
		wait(longestRead)
	}
	return ctx.Err()
}

// Ask, Heard and Hear are kept in memory, as renewals of the lease are.
func (s store) Ask(ctx context.Context) (int64, error) {
	s.alive()
	w := s.p.w
	if w.full {
		return 0, errDisk
	}
	position, err := s.Store.Ask(ctx)
	if w.config.Bug != BugAskedUntold {
		w.lease.Asked = max(w.lease.Asked, position)
	}
	w.hearing.asked = max(w.hearing.asked, position)
	w.hintOthers(s.p)
	return position, err
}

// Heard is how far it is.
func (s store) Heard(ctx context.Context) (bos.Heard, error) {
	s.alive()
	if err := s.slow(ctx); err != nil {
		return bos.Heard{}, err
	}
	w := s.p.w
	return bos.Heard{Asked: w.hearing.asked, Upto: w.hearing.upto, Nobody: w.lease.Holder == "", Hints: len(w.hearing.hints) > 0}, nil
}

// Hear says how far it is.
func (s store) Hear(_ context.Context, fence, position int64) error {
	s.alive()
	w := s.p.w
	if fence != w.lease.Fence {
		return bos.ErrFenced
	}
	w.hearing.upto = max(w.hearing.upto, position)
	w.hintOthers(s.p)
	return nil
}

// Tell and Told pass hints on.
func (s store) Tell(_ context.Context, hints bos.Hints) error {
	s.alive()
	w := s.p.w
	w.happened(HintElsewhere)
	w.hearing.hints = append(w.hearing.hints, hints)
	w.hintOthers(s.p)
	return nil
}

// Told takes them.
func (s store) Told(_ context.Context, fence int64) (bos.Hints, error) {
	s.alive()
	w := s.p.w
	if fence != w.lease.Fence {
		return bos.Hints{}, bos.ErrFenced
	}
	var all bos.Hints
	for _, hints := range w.hearing.hints {
		all.Power = append(all.Power, hints.Power...)
	}
	w.hearing.hints = nil
	return all, nil
}
