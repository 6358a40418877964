package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// session is a session that is pending or running.
type session struct {
	rec bos.SessionRecord
	// asked is set while facts for its setup or completion are wanted.
	asked bool
	// since is when the engine first saw it: how long it waits for its setup is
	// not told by when it was created, if the wall clock stepped since or nobody
	// tried.
	since time.Time
	// retryAt holds the next try of a setup back after an outage.
	retryAt time.Time
	tries   int
	// owns asks whether it set a component up; nil until somebody asks.
	owns func(id string) bool
}

// takeSessions takes over what others wrote to sessions.
func (e *Engine) takeSessions(in Inputs) {
	for _, key := range in.GoneSessions {
		e.forgetSession(key)
	}
	for _, rec := range in.Sessions {
		e.trackSession(rec)
	}
	for _, key := range in.Retry {
		if s, ok := e.sessions[key]; ok {
			s.asked = false
		}
	}
}

// forgetSession drops a session that is complete or gone.
func (e *Engine) forgetSession(key bos.SessionKey) {
	delete(e.sessions, key)
	delete(e.byName[key.Name], key)
	if len(e.byName[key.Name]) == 0 {
		delete(e.byName, key.Name)
	}
}

// tenantOf is the tenant of the session that a component belongs to: components
// name their session only. Of two that share a name it is the one that set the
// component up.
func (e *Engine) tenantOf(name, component string) string {
	named := e.byName[name]
	for key, s := range named {
		if len(named) == 1 {
			return key.Tenant
		}
		if s.owns == nil {
			s.owns = s.rec.Owner()
		}
		if s.rec.Components != "" && s.owns(component) {
			return key.Tenant
		}
	}
	return ""
}

// runSessions sets pending sessions up and completes those whose nodes are done.
func (e *Engine) runSessions(in Inputs) {
	for _, facts := range in.Setups {
		e.setUp(facts)
	}
	for _, facts := range in.Completions {
		e.complete(facts)
	}
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
	s.rec, s.asked, s.owns = rec, false, nil
	e.step.check[rec.Name] = true
}

func (e *Engine) askForSetups() {
	var due []*session
	for _, s := range e.sessions {
		if s.rec.Status.Status == bos.SessionPending && !s.asked && !e.step.now.Before(s.retryAt) {
			due = append(due, s)
		}
	}
	for _, s := range ordered(due) {
		s.asked, s.retryAt = true, time.Time{}
		e.step.out.Setups = append(e.step.out.Setups, s.rec)
	}
}

// askForCompletions looks again at running sessions that may be over: those of
// a component that changed, and now and then all that have nobody enabled, for
// a staged component leaves no other trace.
func (e *Engine) askForCompletions() {
	all := !e.step.now.Before(e.nextRecheck)
	if all {
		e.nextRecheck = e.step.now.Add(max(e.policy.Polling, time.Second))
	}
	var over []*session
	mayBeOver := func(s *session, all bool) {
		busy := e.bySession[s.rec.Name] > 0
		// Components do not say which of two sessions of one name they belong
		// to: those are looked at now and then.
		if s.rec.Status.Status != bos.SessionRunning || s.asked || busy && (!all || len(e.byName[s.rec.Name]) == 1) {
			return
		}
		over = append(over, s)
	}
	if all {
		for _, s := range e.sessions {
			mayBeOver(s, true)
		}
	} else {
		for name := range e.step.check {
			for _, s := range e.byName[name] {
				mayBeOver(s, false)
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

// setUp arms the nodes of a pending session, or ends it, or puts it off.
func (e *Engine) setUp(facts SetupFacts) {
	s, ok := e.sessions[facts.Key]
	if !ok || s.rec.Status.Status != bos.SessionPending {
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
	result, err := e.plan(s.rec, facts)
	if err != nil {
		e.endSession(s, bos.Tally{}, err.Error())
		return
	}
	next := s.rec
	next.Status.Status = bos.SessionRunning
	next.Status.Error = nil
	next.Components = result.Components
	e.step.out.SetupCommits = append(e.step.out.SetupCommits, SetupCommit{Key: facts.Key, Commit: bos.Commit{
		Components:   result.Writes,
		Sessions:     []bos.SessionRecord{next},
		AllOrNothing: true,
		Events:       e.setupEvents(next, result, facts.Warnings),
	}})
}

// setupEvents is what the history says of a setup: its nodes, and each warning.
func (e *Engine) setupEvents(s bos.SessionRecord, result decide.SetupResult, warnings []string) []bos.Event {
	event := bos.Event{Time: e.step.times.Wall, Session: s.Name, Tenant: bos.TenantOf(s.Tenant), Kind: "session_setup"}
	event.Detail = fmt.Sprintf("%s of %d nodes: %s", s.Operation, len(result.Writes), fold(result.Writes))
	events := []bos.Event{event}
	for _, text := range slices.Concat(result.Warnings, warnings) {
		event.Kind, event.Detail = "session_warning", text
		events = append(events, event)
	}
	return events
}

func fold(records []bos.Record) string {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	return bos.Fold(ids)
}

// plan selects the session's nodes as the preview does, and compares with what
// was reviewed.
func (e *Engine) plan(rec bos.SessionRecord, facts SetupFacts) (decide.SetupResult, error) {
	req := RequestOf(rec)
	req.TenantNodes, req.Components = facts.TenantNodes, facts.Components
	sel, err := decide.Select(req, facts.Inventory)
	if err != nil {
		return decide.SetupResult{}, err
	}
	if rec.Pin != "" {
		now := decide.MakePreview(req, sel, facts.Images, e.step.times.Wall, 0)
		if now.Pin != rec.Pin {
			return decide.SetupResult{}, errors.New("the nodes or images changed between the plan and the session's setup; no node was touched; plan again")
		}
	}
	return decide.Setup(rec, sel, facts.Images, facts.Records, e.options, e.step.times.Wall)
}

// RequestOf is the selection a session asks for, by the template as it was
// when the session was accepted.
func RequestOf(rec bos.SessionRecord) decide.Request {
	return decide.Request{
		Template:        rec.Template,
		Operation:       rec.Operation,
		Limit:           rec.Limit,
		Stage:           rec.Stage,
		IncludeDisabled: rec.IncludeDisabled,
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
	s.retryAt = e.step.now.Add(min(time.Second<<min(s.tries, 6), max(e.policy.Polling, time.Second)))
	s.tries++
	text := "waiting to be set up: " + err.Error()
	if s.rec.Status.Error != nil && *s.rec.Status.Error == text {
		return
	}
	next := s.rec
	next.Status.Error = &text
	e.writeSession(s, next)
}

func (e *Engine) complete(facts CompletionFacts) {
	s, ok := e.sessions[facts.Key]
	if !ok {
		return
	}
	s.asked = false
	if facts.Err != nil || s.rec.Status.Status != bos.SessionRunning || facts.Tally.Busy || e.works(s) {
		return
	}
	e.endSession(s, facts.Tally, "")
}

// works says that a node of the session is in work: one that was enabled after
// the session's nodes were counted is looked at again when it is done.
func (e *Engine) works(s *session) bool {
	if e.bySession[s.rec.Name] == 0 {
		return false
	}
	owns := s.rec.Owner()
	for id, n := range e.nodes {
		if n.rec.Session == s.rec.Name && owns(id) {
			return true
		}
	}
	return false
}

func (e *Engine) endSession(s *session, tally bos.Tally, text string) {
	next := s.rec
	next.Status.Status = bos.SessionComplete
	next.Status.EndTime = bos.At(e.step.times.Wall)
	next.Status.Error = nil
	if text != "" {
		next.Status.Error = &text
	}
	status := tally.Extended(next, e.step.times.Wall)
	next.Extended = &status
	e.writeSession(s, next)
	e.forgetSession(next.Key())
	e.step.out.Commit.Events = append(e.step.out.Commit.Events, bos.Event{
		Time: e.step.times.Wall, Session: next.Name, Tenant: bos.TenantOf(next.Tenant), Kind: "session_complete", Detail: text,
	})
}

func (e *Engine) writeSession(s *session, next bos.SessionRecord) {
	e.step.out.Commit.Sessions = append(e.step.out.Commit.Sessions, next)
	s.rec = next
}

// runDiscovery asks for the inventory when it is time and takes it in: nodes
// that BOS does not know get a disabled record. Nothing is ever deleted.
func (e *Engine) runDiscovery(facts *DiscoveryFacts) {
	if e.settings.NoInventory {
		return
	}
	if facts != nil && facts.Err == nil {
		known := make(map[string]bool, len(facts.Known))
		for _, id := range facts.Known {
			known[id] = true
		}
		for _, n := range facts.Inventory.Nodes {
			e.room.place(n.ID)
			if !known[n.ID] {
				e.step.out.Commit.Components = append(e.step.out.Commit.Components, discovered(n.ID, e.step.times.Wall))
			}
		}
	}
	if facts != nil && facts.Err != nil {
		e.nextDiscovery = e.step.now.Add(max(e.policy.Polling, time.Second))
		return
	}
	if facts == nil && !e.step.now.Before(e.nextDiscovery) {
		e.step.out.Discover = true
		e.nextDiscovery = e.step.now.Add(max(time.Duration(e.options.DiscoveryFrequency)*time.Second, time.Second))
	}
}

func discovered(id string, now time.Time) bos.Record {
	at := bos.At(now)
	return bos.Record{Component: bos.Component{
		ID:           id,
		ActualState:  bos.ActualState{LastUpdated: at},
		DesiredState: bos.DesiredState{LastUpdated: at},
		StagedState:  bos.StagedState{LastUpdated: at},
		LastAction:   bos.LastAction{Action: bos.ActionNewlyDiscovered, LastUpdated: at},
	}}
}
