package engine

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// queueLooks is how often a session that waits is looked at although nothing says that it
// may go on: what it waits for may be told anew.
const queueLooks = time.Minute

// queue is what a session waits for whose rule is to. It waits for sessions that are at
// work, and for those that were created before it and are not set up: these wait for
// nobody who was created later, so that no two wait for each other.
type queue struct {
	// node is one that another session is at work on, or before a session that goes
	// first: while it is so there is nothing to look at.
	node   string
	before bos.SessionKey
	// open are those of the sessions waited for that were open, due when to look in any
	// case.
	open []bos.SessionKey
	due  time.Time
	// told says that the session says what it waits for. Until it does it is looked at in
	// each step: the nodes of others become known, of which nothing else tells it.
	told bool
}

// wake is when to look again without news.
func (q *queue) wake() time.Time {
	if q == nil {
		return time.Time{}
	}
	return q.due
}

// queues has a session wait whose rule is to wait, where another one is ahead of it.
func (e *Engine) queues(s *session) bool {
	if s.rec.Asked.Overlap != bos.OverlapQueue || s.rec.Stage {
		return false
	}
	s.queue = nil
	e.lookAhead(s)
	if s.queue == nil {
		return false
	}
	s.asked, s.tries = false, 0
	return true
}

// runQueues lets those go on that need wait no more: what their setup depends on is
// gathered anew, and their nodes are looked at once more then.
func (e *Engine) runQueues() {
	var due []*session
	for _, s := range e.sessions {
		if s.queue != nil && !e.waitsOn(s) {
			due = append(due, s)
		}
	}
	for _, s := range ordered(due) {
		e.lookAhead(s)
	}
}

// endReplaced ends those that are not set up and in whose place another session has
// begun: after that one they would have its nodes go back to what nobody wants any more.
func (e *Engine) endReplaced() {
	for _, by := range e.sessions {
		if by.rec.Status.Status != bos.SessionRunning || by.rec.Stage {
			continue
		}
		for _, name := range by.rec.Asked.Replaces {
			s := e.sessions[bos.SessionKey{Tenant: bos.TenantOf(by.rec.Tenant), Name: name}]
			if s != nil && s.rec.Status.Status == bos.SessionPending && s.rec.Before(&by.rec) {
				e.endSession(s, bos.Tally{}, fmt.Sprintf("session %s was created in its place and has begun; no node was touched", by.rec.Name))
			}
		}
	}
}

// lookAtQueues has all sessions that wait looked at in this step.
func (e *Engine) lookAtQueues() {
	for _, s := range e.sessions {
		if s.queue != nil {
			s.queue.due = e.step.now
		}
	}
}

// waitsOn reports whether what a session waits for is as it was.
func (e *Engine) waitsOn(s *session) bool {
	q := s.queue
	if s.rec.Status.Status != bos.SessionPending || s.rec.EndedEarly() || !e.step.now.Before(q.due) || !q.told {
		return false
	}
	for _, key := range q.open {
		if e.sessions[key] == nil {
			return false
		}
	}
	if q.node != "" {
		n := e.nodes[q.node]
		return n != nil && s.rec.Asked.Spares(s.rec.Session, &n.rec)
	}
	first := e.sessions[q.before]
	return first != nil && first.rec.Status.Status == bos.SessionPending
}

// lookAhead finds out what a session waits for, and stores that where it is another.
func (e *Engine) lookAhead(s *session) {
	s.queue = nil
	if s.rec.Status.Status != bos.SessionPending || s.rec.EndedEarly() {
		return
	}
	q := &queue{due: e.step.now.Add(queueLooks)}
	ahead, told := e.ahead(s, q)
	if len(ahead) == 0 {
		return
	}
	s.queue, q.told = q, told
	s.since = e.step.now // an outage that follows is not as long as the wait
	for _, a := range ahead {
		if key := (bos.SessionKey{Tenant: bos.TenantOf(a.Tenant), Name: a.Session}); e.sessions[key] != nil {
			q.open = append(q.open, key)
		}
	}
	if told && !slices.EqualFunc(ahead, s.rec.Ahead, sameAhead) {
		e.tellQueue(s, ahead)
	}
}

func sameAhead(a, b bos.Ahead) bool {
	return a.Session == b.Session && bos.TenantOf(a.Tenant) == bos.TenantOf(b.Tenant) && a.Why == b.Why
}

// ahead are the sessions that one waits for, sorted, and whether they are worth to be
// told: one whose nodes are only being found out mostly is not in the way.
func (e *Engine) ahead(s *session, q *queue) (list []bos.Ahead, told bool) {
	found := make(map[bos.SessionKey]bos.AheadBy)
	selected := make(map[string]bool, len(s.nodes))
	for _, node := range s.nodes {
		selected[node.ID] = true
		n := e.nodes[node.ID]
		if n == nil || !s.rec.Asked.Spares(s.rec.Session, &n.rec) {
			continue
		}
		q.node, told = node.ID, true
		found[n.rec.Key()] = bos.AheadAtWork
		if other := e.sessions[n.rec.Key()]; other != nil && other.rec.Paused.On() {
			found[n.rec.Key()] = bos.AheadPaused
		}
	}
	for key, other := range e.sessions {
		if other.rec.Status.Status != bos.SessionPending || other.rec.Stage || !other.rec.Before(&s.rec) || s.rec.Asked.MayTakeFrom(s.rec.Session, key) {
			continue
		}
		switch {
		case other.nodes == nil:
			found[key] = bos.AheadUnknown
			told = told || other.tries > 0
		case slices.ContainsFunc(other.nodes, func(n bos.SelectedNode) bool { return selected[n.ID] }):
			found[key], told = bos.AheadBefore, true
		default:
			continue
		}
		q.before = key
	}
	for key, why := range found {
		list = append(list, bos.Ahead{Session: key.Name, Tenant: bos.TenantRef(key.Tenant), Why: why})
	}
	slices.SortFunc(list, func(a, b bos.Ahead) int {
		return cmp.Or(cmp.Compare(a.Why, b.Why), cmp.Compare(bos.TenantOf(a.Tenant), bos.TenantOf(b.Tenant)), cmp.Compare(a.Session, b.Session))
	})
	return list, told
}

// tellQueue stores what a session waits for, and has the history say it.
func (e *Engine) tellQueue(s *session, ahead []bos.Ahead) {
	next := s.rec
	text := bos.Queued(ahead, bos.TenantOf(s.rec.Tenant))
	next.Ahead, next.Status.Error = ahead, &text
	e.writeSession(s, next)
	e.step.out.Commit.Events = append(e.step.out.Commit.Events, bos.Event{
		Time: e.step.times.Wall, Session: s.rec.Name, Tenant: bos.TenantOf(s.rec.Tenant), Kind: EventQueued, Detail: text,
	})
}

// EventQueued is the line of history that says for whom a session waits.
const EventQueued = "session_queued"
