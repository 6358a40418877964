package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// maxRounds bounds the rounds of setups whose facts are being gathered. A round
// gathers for one session after the other: so many ask upstreams at once, and one
// that hangs holds up those of its round alone.
const maxRounds = 4

// round is the sessions whose facts are gathered together.
type round struct{ unanswered int }

// askForSetups starts a round with all pending sessions that are due.
func (e *Engine) askForSetups() {
	var due []*session
	for key, s := range e.sessions {
		// Facts that are still to come are of a session before it, of this name.
		_, gathering := e.gathering[key]
		if s.rec.Status.Status == bos.SessionPending && !s.asked && s.queue == nil && !gathering && !e.step.now.Before(s.retryAt) && s.afterDiscovery <= e.discoveries {
			s.retryAt = time.Time{} // it is due, be it asked now or after another round
			due = append(due, s)
		}
	}
	if len(due) == 0 || e.rounds >= maxRounds || e.discovers() {
		return
	}
	r := &round{len(due)}
	e.rounds++
	for _, s := range ordered(due) {
		s.asked = true
		e.gathering[s.rec.Key()] = r
		e.step.out.Setups = append(e.step.out.Setups, s.rec)
	}
}

// gathered takes note that the facts of a session have come.
func (e *Engine) gathered(key bos.SessionKey) {
	r, ok := e.gathering[key]
	if !ok {
		return
	}
	delete(e.gathering, key)
	if r.unanswered--; r.unanswered == 0 {
		e.rounds--
	}
}

// setUp plans the setup of a pending session, or ends it, or puts it off.
func (e *Engine) setUp(facts SetupFacts) {
	e.gathered(facts.Key)
	s, ok := e.sessions[facts.Key]
	if !ok || s.rec.Status.Status != bos.SessionPending {
		return
	}
	if facts.Revision != s.rec.Revision {
		s.asked = false
		return
	}
	if s.rec.EndedEarly() {
		// Somebody ended it before any node was armed: all of them would be started else.
		e.endSession(s, bos.Tally{}, s.rec.NeverStarted())
		return
	}
	if facts.Invalid != nil {
		e.endSession(s, bos.Tally{}, facts.Invalid.Error())
		return
	}
	if facts.Err != nil {
		e.putOff(s, facts.Err)
		return
	}
	if e.undiscovered() {
		s.asked, s.afterDiscovery = false, e.discoveries+1
		return
	}
	if e.discovers() {
		s.asked = false
		return
	}
	plan, err := e.plan(s.rec, facts)
	if err != nil {
		e.endSession(s, bos.Tally{}, err.Error())
		return
	}
	s.nodes = plan.Nodes
	if e.queues(s) {
		return
	}
	now := e.step.times.Wall
	e.step.out.SetUps = append(e.step.out.SetUps, bos.Setup{
		Session: facts.Key, Revision: s.rec.Revision, Nodes: plan.Nodes,
		Arm: func(next *bos.SessionRecord, nodes []bos.Record) bos.Armed {
			result, err := plan.Arm(nodes, now)
			if errors.Is(err, decide.ErrQueued) {
				return bos.Armed{} // the feed has who is at work: it is looked at again
			}
			if err == nil {
				err = plan.Queue(next, result)
			}
			if err != nil {
				return bos.Armed{Events: []bos.Event{end(next, bos.Tally{}, err.Error(), now)}}
			}
			next.Status.Status = bos.SessionRunning
			next.Status.Error, next.Ahead = nil, nil
			next.Excluded = result.Excluded
			return bos.Armed{Nodes: result.Nodes, Events: setupEvents(*next, result, facts.Warnings, now)}
		},
	})
}

// setupEvents is what the history says of a setup: its nodes, and each warning.
func setupEvents(s bos.SessionRecord, result decide.SetupResult, warnings []string, now time.Time) []bos.Event {
	event := bos.Event{Time: now, Session: s.Name, Tenant: bos.TenantOf(s.Tenant), Kind: "session_setup"}
	event.Detail = fmt.Sprintf("%s of %d nodes: %s", s.Operation, len(result.Writes), fold(result.Writes))
	events := []bos.Event{event}
	for _, text := range slices.Concat(result.Warnings, warnings) {
		event.Kind, event.Detail = "session_warning", text
		events = append(events, event)
	}
	return events
}

func fold(records []*bos.Record) string {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	return bos.Fold(ids)
}

// plan selects the session's nodes as the preview does, and compares with what
// was reviewed.
func (e *Engine) plan(rec bos.SessionRecord, facts SetupFacts) (decide.SetupPlan, error) {
	req := RequestOf(rec)
	req.Reach, req.Components, req.Held = facts.Reach, facts.Components, facts.Held
	sel, err := decide.Select(req, facts.Inventory)
	if err != nil {
		return decide.SetupPlan{}, err
	}
	if rec.Pin != "" {
		now := decide.MakePreview(req, sel, facts.Images, e.options, e.step.times.Wall, 0)
		if now.Pin != rec.Pin {
			return decide.SetupPlan{}, errors.New("the nodes, their roles or what they boot changed between the plan and the session's setup; no node was touched; plan again")
		}
	}
	planned, err := decide.PlanSetup(rec, sel, facts.Images, e.options)
	return planned.Bounded(rec.Asked.Guards, req, sel, facts.Inventory, facts.Images, e.options), err
}

// RequestOf is the selection a session asks for, by the template as it was
// when the session was accepted. How far it reaches is not known by its record.
func RequestOf(rec bos.SessionRecord) decide.Request {
	return decide.Request{
		Template:        rec.Template,
		Operation:       rec.Operation,
		Limit:           rec.Limit,
		Stage:           rec.Stage,
		IncludeDisabled: rec.IncludeDisabled,
		Rollout:         rec.RolloutSpec(),
	}
}

// putOff keeps a session pending through an outage, with the reason shown, and
// gives up after SetupGiveUp.
func (e *Engine) putOff(s *session, err error) {
	if e.step.now.Sub(s.since) >= e.policy.SetupGiveUp {
		e.endSession(s, bos.Tally{}, fmt.Sprintf("gave up after %s: %s", e.policy.SetupGiveUp, err))
		return
	}
	s.asked = false
	wait := min(time.Second<<min(s.tries, 6), max(e.policy.Polling, time.Second))
	// Sessions that wait for the same thing ask again together, in one round.
	grid := wait / 8
	s.retryAt = e.step.now.Add(wait).Truncate(grid).Add(grid)
	s.tries++
	text := "waiting to be set up: " + err.Error()
	if s.rec.Status.Error != nil && *s.rec.Status.Error == text {
		return
	}
	next := s.rec
	next.Status.Error, next.Ahead = &text, nil
	e.writeSession(s, next)
}
