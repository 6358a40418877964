package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// session is a session that is pending or running.
type session struct {
	rec bos.SessionRecord
	// asked is set while facts for its setup or completion are wanted, and
	// until a setup is written.
	asked bool
	// since is when the engine first saw it: how long it waits for its setup is
	// not told by when it was created, if the wall clock stepped since or nobody
	// tried.
	since time.Time
	// retryAt holds the next try of a setup back after an outage.
	retryAt time.Time
	tries   int
	// afterDiscovery is how many discoveries are to be answered before its setup is tried.
	afterDiscovery int
	// rollout is what is known of its rollout, nil if it has none under way.
	rollout *rollout
	// nodes are those that it selects, as its setup was planned last; nil before. queue
	// is what it waits for with its setup, nil if for nobody.
	nodes []bos.SelectedNode
	queue *queue
}

// takeSessions takes over what others wrote to sessions.
func (e *Engine) takeSessions(in Inputs) {
	for _, key := range in.GoneSessions {
		e.forgetSession(key)
	}
	for _, rec := range in.Sessions {
		e.trackSession(rec)
	}
}

// forgetSession drops a session that is complete or gone.
func (e *Engine) forgetSession(key bos.SessionKey) {
	if s, ok := e.sessions[key]; ok {
		if s.rec.Paused.On() {
			e.touchNodes(key)
		}
		e.dropRollout(s)
	}
	e.touchStaged(func(r *bos.Record) bool { return r.Work.StagedBoot.Key() == key })
	delete(e.sessions, key)
	delete(e.byName[key.Name], key)
	if len(e.byName[key.Name]) == 0 {
		delete(e.byName, key.Name)
	}
}

// runSessions sets pending sessions up and completes those whose nodes are done.
func (e *Engine) runSessions(in Inputs) {
	if len(e.step.check) > 0 {
		e.endReplaced()
	}
	for _, facts := range in.Setups {
		e.setUp(facts)
	}
	for _, facts := range in.Rollouts {
		e.loadRollout(facts)
	}
	for _, facts := range in.Completions {
		e.complete(facts)
	}
	e.runQueues()
	e.askForSetups()
	e.askForCompletions()
}

func (e *Engine) trackSession(rec bos.SessionRecord) {
	key := rec.Key()
	if rec.Status.Status == bos.SessionComplete {
		e.forgetSession(key)
		return
	}
	s, ok := e.sessions[key]
	if !ok {
		s = &session{since: e.step.now}
		e.sessions[key] = s
		if e.byName[key.Name] == nil {
			e.byName[key.Name] = make(map[bos.SessionKey]*session)
		}
		e.byName[key.Name][key] = s
	}
	if rec.Revision < s.rec.Revision {
		return
	}
	if s.rec.Paused != rec.Paused {
		e.touchNodes(key)
		e.lookAtQueues()
	}
	if s.rec.Born != rec.Born { // another one of this name, where there was one
		s.nodes, s.queue = nil, nil
	}
	s.rec, s.asked = rec, false
	e.trackRollout(s)
	e.step.check[rec.Name] = true
}

// askForCompletions has the nodes of running sessions counted that may be over: of the
// sessions whose nodes changed, and now and then of all without an enabled node, as
// a staged state that goes leaves no other trace.
func (e *Engine) askForCompletions() {
	all := !e.step.now.Before(e.nextRecheck)
	if all {
		e.nextRecheck = e.step.now.Add(max(e.policy.Polling, time.Second))
	}
	var over []*session
	mayBeOver := func(s *session) {
		if s.rec.Status.Status != bos.SessionRunning || s.rec.Paused.On() || s.asked || e.works(s) {
			return
		}
		over = append(over, s)
	}
	if all {
		for _, s := range e.sessions {
			mayBeOver(s)
		}
	} else {
		for name := range e.step.check {
			for _, s := range e.byName[name] {
				mayBeOver(s)
			}
		}
	}
	for _, s := range ordered(over) {
		s.asked = true
		e.step.out.Completions = append(e.step.out.Completions, s.rec)
	}
}

// ordered sorts sessions by tenant and name.
func ordered(all []*session) []*session {
	slices.SortFunc(all, func(a, b *session) int {
		return cmp.Or(cmp.Compare(bos.TenantOf(a.rec.Tenant), bos.TenantOf(b.rec.Tenant)), cmp.Compare(a.rec.Name, b.rec.Name))
	})
	return all
}

func (e *Engine) complete(facts CompletionFacts) {
	s, ok := e.sessions[facts.Key]
	if !ok {
		return
	}
	s.asked = false
	if facts.Revision != s.rec.Revision || facts.Err != nil || s.rec.Status.Status != bos.SessionRunning || s.rec.Paused.On() || facts.Tally.Busy || e.works(s) {
		return
	}
	e.endSession(s, facts.Tally, "")
}

// works says that a node of the session is in work: one that was enabled after
// the session's nodes were counted is looked at again when it is done.
func (e *Engine) works(s *session) bool { return e.bySession[s.rec.Key()] > 0 }

// endSession completes a session with a text, empty where nothing went wrong.
func (e *Engine) endSession(s *session, tally bos.Tally, text string) {
	next := s.rec
	event := end(&next, tally, text, e.step.times.Wall)
	e.writeSession(s, next)
	e.forgetSession(next.Key())
	e.step.out.Commit.Events = append(e.step.out.Commit.Events, event)
	if retry := bos.RetryOf(next.Session, tally.FailedNodes); retry != nil {
		event.Kind, event.Detail = EventRetry, retry.Sentence(tally.Owned+tally.Left)
		e.step.out.Commit.Events = append(e.step.out.Commit.Events, event)
	}
}

// EventRetry is the line of history that says how to retry what failed of a session.
const EventRetry = "session_retry"

// end makes a session complete and returns what the history says of it.
func end(s *bos.SessionRecord, tally bos.Tally, text string, now time.Time) bos.Event {
	s.Paused, s.Ahead = bos.Brake{}, nil
	s.EndRollout()
	s.Status.Status = bos.SessionComplete
	s.Status.EndTime = bos.At(now)
	s.Status.Error = nil
	if text != "" {
		s.Status.Error = &text
	}
	status := tally.Extended(*s, now)
	s.Extended = &status
	return bos.Event{Time: now, Session: s.Name, Tenant: bos.TenantOf(s.Tenant), Kind: "session_complete", Detail: text}
}

func (e *Engine) writeSession(s *session, next bos.SessionRecord) {
	writes := &e.step.out.Commit.Sessions
	same := func(r bos.SessionRecord) bool { return r.Key() == next.Key() }
	if at := slices.IndexFunc(*writes, same); at >= 0 {
		(*writes)[at] = next // one write per session and pass
	} else {
		*writes = append(*writes, next)
	}
	s.rec = next
}
