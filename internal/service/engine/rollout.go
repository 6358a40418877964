package engine

import (
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// RolloutFacts is what became of the nodes of a session with a rollout.
type RolloutFacts struct {
	Key   bos.SessionKey
	Nodes []bos.NodeOutcome
	Err   error
}

// rolloutRetry is when what became of nodes is asked for again that could not be read.
const rolloutRetry = 5 * time.Second

// rollout is what is known of a rollout under way. Of nodes that are in work their
// records tell; of the others what they ended with is kept here. After a restart that
// is read from the store, and nothing is started before.
type rollout struct {
	batches [][]string
	of      map[string]place
	window  *bos.WindowClock
	// nodes is what is known of each node of the batches, but for those in stale, of
	// which something was written or read since.
	nodes [][]decide.RolloutNode
	stale map[string]bool
	ended map[string]decide.RolloutNode
	// loaded says that the store has told of the nodes that had ended, asked that it
	// is asked to.
	loaded, asked bool
	// dirty says that something has changed, due is when to look without that.
	dirty bool
	due   time.Time
	// closed counts the nodes that it waits for no more, progressed is when that last
	// grew or nothing could.
	closed     int
	progressed time.Time
}

// place is where a node is in the batches.
type place struct{ batch, at int }

// queued is what a rollout goes by of a node that waits: since when it is silent, zero
// if it is not.
type queued struct {
	is    decide.RolloutNodeIs
	since time.Time
}

// trackRollout takes over what is stored of the rollout of a session.
func (e *Engine) trackRollout(s *session) {
	state := s.rec.Rollout
	if state == nil || s.rec.Status.Status != bos.SessionRunning {
		e.dropRollout(s)
		return
	}
	if s.rollout == nil {
		r := &rollout{of: make(map[string]place), stale: make(map[string]bool), ended: make(map[string]decide.RolloutNode)}
		for i, b := range state.Batches {
			ids, _ := bos.Expand(b.Nodes, bos.MaxExpand) // a batch's own folding expands
			r.batches = append(r.batches, ids)
			r.nodes = append(r.nodes, make([]decide.RolloutNode, len(ids)))
			for at, id := range ids {
				r.of[id], r.stale[id] = place{i, at}, true
				if e.rolling[id] == nil {
					e.rolling[id] = make(map[*session]bool)
				}
				e.rolling[id][s] = true
			}
		}
		r.window, _ = state.Spec.Window.Clock() // it was checked when the session was accepted
		s.rollout = r
	}
	s.rollout.dirty = true
}

// dropRollout forgets the rollout of a session, if it has one under way.
func (e *Engine) dropRollout(s *session) {
	if s.rollout == nil {
		return
	}
	for id := range s.rollout.of {
		delete(e.rolling[id], s)
		if len(e.rolling[id]) == 0 {
			delete(e.rolling, id)
		}
	}
	s.rollout = nil
}

// wake is when to look next.
func (r *rollout) wake(now time.Time) time.Time {
	switch {
	case r == nil:
		return time.Time{}
	case r.dirty:
		return now
	default:
		return r.due
	}
}

// turn says which batch a node waits for, and until when it has to be done once its
// turn has come. A node whose rollout is not known waits.
func (e *Engine) turn(r *bos.Record) (queue string, deadline time.Time) {
	if r.Work.Batch == 0 {
		return "", time.Time{}
	}
	s := e.sessions[r.Key()]
	if r.Work.Queued() {
		if s == nil || s.rec.Rollout == nil || r.Work.Batch > len(s.rec.Rollout.Batches) {
			return "a batch", time.Time{}
		}
		return s.rec.Rollout.Batches[r.Work.Batch-1].Name, time.Time{}
	}
	if s == nil || s.rec.Rollout == nil {
		return "", time.Time{}
	}
	return "", r.Work.Admitted.Add(s.rec.Rollout.Spec.NodeDeadline())
}

// loadRollout takes over what the store has of nodes that ended. What this engine has
// seen since is newer.
func (e *Engine) loadRollout(facts RolloutFacts) {
	s := e.sessions[facts.Key]
	if s == nil || s.rollout == nil || s.rollout.loaded {
		return
	}
	r := s.rollout
	r.asked, r.dirty = false, true
	if facts.Err != nil {
		r.due, r.dirty = e.step.now.Add(rolloutRetry), false
		return
	}
	r.loaded, r.progressed = true, e.step.now
	for _, n := range facts.Nodes {
		_, mine := r.of[n.ID]
		if _, known := r.ended[n.ID]; known || !mine || n.Finished.IsZero() {
			continue
		}
		r.stale[n.ID] = true
		ago := max(e.step.times.Wall.Sub(n.Finished.Time), 0)
		r.ended[n.ID] = decide.RolloutNode{Is: endOf(n.Status), At: e.step.now.Add(-ago)}
	}
}

// endOf is what a rollout makes of the word for what became of a node.
func endOf(status string) decide.RolloutNodeIs {
	switch bos.RolloutEndOf(status) {
	case bos.EndDone:
		return decide.NodeDone
	case bos.EndLeft:
		return decide.NodeLeft
	case bos.EndFailed:
	}
	return decide.NodeFailed
}

// noteRollouts takes note of a record that is not in work, or is no longer of the
// session whose rollout has it. One of a deleted component names no session.
func (e *Engine) noteRollouts(r bos.Record) {
	e.stir(r.ID)
	for s := range e.rolling[r.ID] {
		key := s.rec.Key()
		s.rollout.dirty = s.rollout.dirty || r.Revision == 0 || r.Key() != key || !r.Enabled && e.nodes[r.ID] == nil
		switch was, ended := s.rollout.ended[r.ID]; {
		case r.Key() != key && ended: // what becomes of it later is no matter of the rollout
		case r.Key() != key && r.Revision == 0:
			s.rollout.ended[r.ID] = decide.RolloutNode{Is: decide.NodeFailed, At: e.step.now}
		case r.Key() != key:
			s.rollout.ended[r.ID] = decide.RolloutNode{Is: decide.NodeLeft, At: e.step.now}
		case r.Enabled:
			delete(s.rollout.ended, r.ID)
		default:
			if is := endOf(r.DeriveStatus()); !ended || was.Is != is {
				s.rollout.ended[r.ID] = decide.RolloutNode{Is: is, At: e.step.now}
			}
		}
	}
}

// stir takes note that something of a node is another, so that the rollouts that have it
// look at it.
func (e *Engine) stir(id string) {
	for s := range e.rolling[id] {
		s.rollout.stale[id] = true
	}
}

// refresh looks at the nodes of which something is another.
func (e *Engine) refresh(s *session) {
	r := s.rollout
	for id := range r.stale {
		at := r.of[id]
		r.nodes[at.batch][at.at] = e.view(s, id)
	}
	clear(r.stale)
	if !e.settings.Verify {
		return
	}
	for i, ids := range r.batches {
		for at, id := range ids {
			if is := e.view(s, id); is != r.nodes[i][at] {
				panic(fmt.Sprintf("the rollout of session %s takes %s for %+v, and it is %+v", s.rec.Name, id, r.nodes[i][at], is))
			}
		}
	}
}

// moved has the rollout of a node looked at when the node ended, or what is known of
// its power while it waits is another.
func (e *Engine) moved(before bos.Record, n *node) {
	if n.rec.Work.Batch == 0 && before.Work.Batch == 0 {
		return
	}
	s := e.sessions[n.rec.Key()]
	if s == nil || s.rollout == nil {
		return
	}
	was := n.seen.is
	if n.rec.Enabled && n.rec.Work.Queued() {
		n.queue(e.step.now)
	}
	if !n.rec.Enabled || n.seen.is != was || n.rec.Status.StatusOverride == bos.StatusFailed {
		s.rollout.dirty = true
		e.stir(n.rec.ID)
	}
}

// queue takes note of the power of a node that waits.
func (n *node) queue(now time.Time) {
	switch state := n.reading.State; {
	case n.reading.Asked.IsZero():
		n.seen = queued{is: decide.NodeUnread}
	case state == bos.PowerStateOn:
		n.seen = queued{is: decide.NodeWaits}
	case state == bos.PowerStateOff:
		n.seen = queued{is: decide.NodeWaitsOff}
	case n.seen.is != decide.NodeWaitsSilent:
		n.seen = queued{is: decide.NodeWaitsSilent, since: now}
	}
}

// view is what the rollout of a session knows of a node.
func (e *Engine) view(s *session, id string) decide.RolloutNode {
	n := e.nodes[id]
	if n == nil || n.rec.Key() != s.rec.Key() {
		return s.rollout.ended[id] // NodeUnloaded until the store has told
	}
	switch {
	case n.rec.Status.StatusOverride == bos.StatusFailed:
		return decide.RolloutNode{Is: decide.NodeFailed} // also while that is told to its workload manager: nothing goes by when
	case !n.rec.Enabled:
		return decide.RolloutNode{Is: endOf(n.rec.DeriveStatus()), At: e.step.now}
	case !n.rec.Work.Queued():
		return decide.RolloutNode{Is: decide.NodeInFlight}
	case n.seen.is == decide.NodeUnloaded:
		return decide.RolloutNode{Is: decide.NodeUnread}
	}
	return decide.RolloutNode{Is: n.seen.is, At: n.seen.since}
}

// runRollouts moves the rollouts on of which something has changed, in the step in
// which it did: a node that fails and the halt that follows are one commit.
func (e *Engine) runRollouts() {
	var due []*session
	for _, s := range e.sessions {
		if r := s.rollout; r != nil && (r.dirty || !r.due.IsZero() && !r.due.After(e.step.now)) {
			due = append(due, s)
		}
	}
	for _, s := range ordered(due) {
		e.runRollout(s)
	}
}

func (e *Engine) runRollout(s *session) {
	r, now := s.rollout, e.step.now
	r.dirty, r.due = false, time.Time{}
	if !r.loaded {
		if !r.asked {
			r.asked = true
			e.step.out.Rollouts = append(e.step.out.Rollouts, s.rec)
		}
		return
	}
	e.refresh(s)
	state, patience := *s.rec.Rollout, s.rec.Rollout.Spec.StallDeadline()
	move := decide.RolloutView{
		State: state, Batches: r.batches, Nodes: r.nodes,
		Now: now, Wall: e.step.times.Wall, Window: r.window,
		Paused:  s.rec.Paused.On() || e.site.On(),
		Stalled: !waitsByWish(state.Held) && now.Sub(r.progressed) >= patience,
	}.Advance()
	next := move.Next
	if waitsByWish(next.Held) || e.drains(r) || move.Closed != r.closed || len(move.Admit) > 0 {
		r.closed, r.progressed = move.Closed, now
	}
	if r.due = move.Wake; next.Phase == bos.RolloutRunning && !waitsByWish(next.Held) {
		if at := r.progressed.Add(patience); r.due.IsZero() || at.Before(r.due) {
			r.due = at
		}
	}
	if state.RolloutProgress != next.RolloutProgress {
		rec := s.rec
		rec.Rollout = &next
		e.writeSession(s, rec)
	}
	for _, event := range move.Events {
		e.step.out.Commit.Events = append(e.step.out.Commit.Events, bos.Event{
			Time: e.step.times.Wall, Session: s.rec.Name, Tenant: bos.TenantOf(s.rec.Tenant), Kind: event.Kind, Detail: event.Detail,
		})
	}
	for _, id := range move.Admit {
		e.admit(id)
	}
}

// waitsByWish reports whether somebody wants the rollout to wait, so that its time to
// make progress does not run.
func waitsByWish(by bos.RolloutHold) bool { return by != bos.HoldNone && by != bos.HoldUnavailable }

// admit lets a node start: what follows is decided at once, and its admission is stored
// with it.
func (e *Engine) admit(id string) {
	n := e.nodes[id]
	next := n.rec
	next.Work.Admitted = e.step.now
	e.write(n, next)
	n.seen = queued{}
	e.stir(id)
	e.decide(id)
}
