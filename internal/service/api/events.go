package api

import (
	"encoding/json"
	"iter"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

const (
	defaultEvents = 1000
	maxEvents     = 10000
	maxEventID    = math.MaxInt
	// maxKinds and maxKind bound the kinds that are asked for, maxActor an actor.
	maxKinds = 64
	maxKind  = 127
	maxActor = 1023
)

// What API clients do, as kinds of events.
const (
	eventSessionCreated   = "session_created"
	eventSessionPatched   = "session_patched"
	eventSessionDeleted   = "session_deleted"
	eventSessionCancelled = "session_cancelled"
	eventComponentPatched = "component_patched"
	eventComponentPut     = "component_replaced"
	eventComponentReport  = "component_reported"
	eventComponentDeleted = "component_deleted"
	eventBootProven       = "boot_proven"
	eventStageApplied     = "stage_applied"
	eventReboot           = "reboot_asked"
	eventTemplateStored   = "template_stored"
	eventTemplateDeleted  = "template_deleted"
	eventOptionsChanged   = "options_changed"

	eventSitePaused        = "site_paused"
	eventSiteResumed       = "site_resumed"
	eventSessionPaused     = "session_paused"
	eventSessionResumed    = "session_resumed"
	eventRolloutPromoted   = "rollout_promoted"
	eventRolloutFailed     = "rollout_failed"
	eventComponentHeld     = "component_held"
	eventComponentReleased = "component_released"

	// Which auditor read, which changes nothing.
	eventHistoryRead = "history_read"
)

// listEvents answers history, oldest first: GET /x/v1/events with the query
// parameters after (an event's id; only later events are answered, absent is
// the oldest that is kept), session, component, reason (a comma list of kinds), actor,
// since, until and limit (1 to 10000, default 1000); with newest=true the newest come
// first, and before is where to read on. The filters are ANDed. The answer is {"events": [...], "last": id},
// where last is the after to read on with. Each event has id, time and kind,
// and where they apply component, session, tenant, detail and actor.
//
// With Accept: text/event-stream the same is a stream that goes on with what
// happens; see streamEvents. A tenant is answered the history of its own nodes,
// sessions and templates.
func (s *server) listEvents(w http.ResponseWriter, r *http.Request) error {
	f, err := eventFilter(r)
	if err != nil {
		return err
	}
	reach, err := s.reachOf(r)
	if err != nil {
		return err
	}
	f.Seen = reach
	if auditing(r) {
		if err := s.noteReading(w, r, r.URL.RawQuery); err != nil {
			return err
		}
	}
	if r.Method == http.MethodGet && wantsStream(r) {
		if f.Newest || f.Before > 0 {
			return bos.Invalidf("query parameter newest", "does not go with a stream, which is told what comes as it comes; leave newest and before out")
		}
		return s.streamEvents(w, r, f)
	}
	events, last, err := s.readEvents(r, f)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, bos.EventPage{Events: append([]bos.Event{}, events...), Last: last})
}

// readEvents reads a page, and from where on to read the next: what was passed
// over because of the filter is not looked at again.
func (s *server) readEvents(r *http.Request, f bos.EventFilter) ([]bos.Event, int64, error) {
	newest, err := s.Store.LastEvent(r.Context())
	if err != nil {
		return nil, 0, err
	}
	events, err := s.Store.Events(r.Context(), f)
	if err != nil {
		return nil, 0, err
	}
	last := f.After
	for _, e := range events { // the newest may be the first
		last = max(last, e.ID)
	}
	if len(events) < f.Limit {
		last = max(last, newest)
	}
	for i := range events {
		events[i] = events[i].SaidTo(f.Seen.Tenant())
	}
	return events, last, nil
}

func eventFilter(r *http.Request) (bos.EventFilter, error) {
	var f bos.EventFilter
	q := r.URL.Query()
	after, err := queryInt(q, "after", 0, 0, maxEventID)
	if err != nil {
		return f, err
	}
	f.After = int64(after)
	if f.Session, err = queryName(q, "session"); err != nil {
		return f, err
	}
	if f.Component, err = queryText(q, "component", bos.MaxComponentID); err != nil {
		return f, err
	}
	f.Component = bos.CanonicalXname(f.Component)
	if f.Limit, err = queryInt(q, "limit", defaultEvents, 1, maxEvents); err != nil {
		return f, err
	}
	return f, furtherFilters(q, &f)
}

// furtherFilters are those by kind, actor and time, and the order.
func furtherFilters(q url.Values, f *bos.EventFilter) (err error) {
	for _, list := range q["reason"] {
		for kind := range strings.SplitSeq(list, ",") {
			if kind == "" || len(kind) > maxKind || len(f.Kinds) == maxKinds {
				return bos.Invalidf("query parameter reason", "%q is no list of at most %d kinds of events; write it like power_on,power_off_forceful", clip(list), maxKinds)
			}
			f.Kinds = append(f.Kinds, kind)
		}
	}
	if f.Actor, err = queryText(q, "actor", maxActor); err != nil {
		return err
	}
	if f.Since, err = queryTime(q, "since"); err != nil {
		return err
	}
	if f.Until, err = queryTime(q, "until"); err != nil {
		return err
	}
	newest, err := queryBool(q, "newest")
	if err != nil {
		return err
	}
	f.Newest = newest != nil && *newest
	before, err := queryInt(q, "before", 0, 0, maxEventID)
	f.Before = int64(before)
	return err
}

// note is the event of a request; what it is about is filled in by the store.
func (s *server) note(r *http.Request, kind, detail string) bos.Event {
	workspace, run := origin(r)
	return bos.Event{Time: s.Now().UTC(), Kind: kind, Detail: detail, Actor: access.Actor(r), From: access.From(r), Request: edge.TraceOf(r.Context()).ID(), Workspace: workspace, Run: run}
}

// The headers by which Terraform says where it runs.
const (
	workspaceHeader = "X-Terraform-Workspace"
	runHeader       = "X-Terraform-Run"
	maxOrigin       = 255
)

// origin is where Terraform, or what runs it, sent a request from, as it says itself.
func origin(r *http.Request) (workspace, run string) {
	return said(r, workspaceHeader), said(r, runHeader)
}

// said is what a header says, as far as it can be written into a line.
func said(r *http.Request, header string) string {
	text := strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return -1
	}, r.Header.Get(header))
	if len(text) > maxOrigin {
		return strings.ToValidUTF8(text[:maxOrigin], "")
	}
	return text
}

// noteTemplate is the event of a write to a template, which has no column.
func (s *server) noteTemplate(r *http.Request, kind, tenant, name string) bos.Event {
	e := s.note(r, kind, name)
	e.Tenant = tenant
	return e
}

// noteOptions is the event of a change of options, with what was set.
func (s *server) noteOptions(r *http.Request, set bos.OptionsPatch) bos.Event {
	text, err := json.Marshal(set)
	if err != nil {
		text = nil // the change is noted all the same
	}
	return s.note(r, eventOptionsChanged, string(text))
}

// notePatch is the event of a write to components: a report, or a change with
// the members that were written.
func (s *server) notePatch(r *http.Request, kind string, patches iter.Seq[bos.ComponentPatch]) bos.Event {
	var written [len(patchMembers)]bool
	for p := range patches {
		for i, given := range [len(patchMembers)]bool{
			p.ActualState != nil, p.DesiredState != nil, p.StagedState != nil, p.LastAction != nil, p.EventStats != nil, p.Status != nil,
			p.Enabled != nil && *p.Enabled, p.Enabled != nil && !*p.Enabled, p.Error != nil, p.Session != nil, p.RetryPolicy != nil,
		} {
			written[i] = written[i] || given
		}
	}
	var members []string
	for i, name := range patchMembers {
		if written[i] {
			members = append(members, name)
		}
	}
	if kind == eventComponentPatched && slices.Equal(members, patchMembers[:1]) {
		kind = eventComponentReport
	}
	return s.note(r, kind, strings.Join(members, ", "))
}

// patchMembers are the members of a component that events name.
var patchMembers = [...]string{
	"actual_state", "desired_state", "staged_state", "last_action", "event_stats", "status",
	"enabled=true", "enabled=false", "error", "session", "retry_policy",
}
