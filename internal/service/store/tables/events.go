package tables

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/document"
)

// The defaults of KeepEvents.
const (
	DefaultMaxEvents = 1_000_000
	DefaultEventAge  = 90 * 24 * time.Hour
)

const (
	// pruneStep is how many events one transaction removes at most, beyond
	// as many as it wrote: a large backlog goes in small steps.
	pruneStep = 500
)

// insertEvent writes one event under the number after the last, also after one that was
// undone: a number that is missing says that an event was removed. The statement has no
// time of its own: what is old is judged by the newest event.
const insertEvent = `INSERT INTO events (id, time, component, session, tenant, kind, detail, actor, origin, plan, from_state, to_state, attempt, answer, request, workspace, run)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// Note writes events of their own.
func (s *Store) Note(ctx context.Context, notes ...bos.Event) error {
	return s.writer.do(ctx, func(ctx context.Context, t *tx) error { return t.note(ctx, notes) })
}

func (t *tx) event(ctx context.Context, e bos.Event) error {
	last, err := t.lastEvent(ctx)
	if err != nil {
		return err
	}
	if err := t.exec(ctx, insertEvent, last+1, e.Time.UnixNano(), e.Component, e.Session, e.Tenant, e.Kind, e.Detail, e.Actor, e.From, e.Plan,
		e.FromState, e.ToState, e.Attempt, e.Answer, e.Request, e.Workspace, e.Run); err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	t.events++
	return nil
}

// lastEvent is the number of the last event, also of those that the transaction wrote.
func (t *tx) lastEvent(ctx context.Context) (int64, error) {
	if t.eventsBefore == unknown {
		if err := t.row(ctx, t.dialect.LastEvent).Scan(&t.eventsBefore); err != nil {
			return 0, fmt.Errorf("look for the last event: %w", err)
		}
	}
	return t.eventsBefore + int64(t.events), nil
}

// keepLastEvent keeps the number of the last event where the database does not.
func (t *tx) keepLastEvent(ctx context.Context) error {
	if t.events == 0 || t.dialect.KeepLastEvent == "" {
		return nil
	}
	last, err := t.lastEvent(ctx)
	if err == nil {
		err = t.exec(ctx, t.dialect.KeepLastEvent, last)
	}
	if err != nil {
		return fmt.Errorf("keep the number of the last event: %w", err)
	}
	return nil
}

// insertEvents writes one note for many components, in their order.
const insertEvents = `INSERT INTO events (id, component, session, time, tenant, kind, detail, actor, origin, plan, from_state, to_state, attempt, answer, request, workspace, run)
SELECT ? + key, value ->> 0, value ->> 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM PAIRS(?) AS l`

// noteComponents writes each note for each of the records.
func (t *tx) noteComponents(ctx context.Context, written []write, notes []bos.Event) error {
	list := make([]bos.Event, 0, len(written))
	for _, note := range notes {
		list = list[:0]
		for _, w := range written {
			if w.repeats {
				continue
			}
			about := note
			about.Component = w.record.ID
			if about.Session == "" {
				about.Session, about.Tenant = w.record.Session, cmp.Or(note.Tenant, w.record.Tenant)
			}
			list = append(list, about)
		}
		if err := t.note(ctx, list); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) noteSession(ctx context.Context, key bos.SessionKey, notes []bos.Event) error {
	for _, note := range notes {
		note.Session, note.Tenant = key.Name, key.Tenant
		if err := t.event(ctx, note); err != nil {
			return err
		}
	}
	return nil
}

// note writes events in their order, those that follow each other and differ in
// their component or session alone by one statement.
func (t *tx) note(ctx context.Context, notes []bos.Event) error {
	for len(notes) > 0 {
		n := 1
		for n < min(len(notes), commitPage) && alike(notes[0], notes[n]) {
			n++
		}
		if err := t.noteAlike(ctx, notes[:n]); err != nil {
			return err
		}
		notes = notes[n:]
	}
	return nil
}

func alike(a, b bos.Event) bool {
	b.Component, b.Session = a.Component, a.Session
	return a == b
}

func (t *tx) noteAlike(ctx context.Context, notes []bos.Event) error {
	first := notes[0]
	if len(notes) == 1 {
		return t.event(ctx, first)
	}
	last, err := t.lastEvent(ctx)
	if err != nil {
		return err
	}
	about := make([]byte, 0, 64*len(notes))
	for i, note := range notes {
		about = append(about, "[,"[min(i, 1)], '[')
		about = append(document.AppendText(about, note.Component), ',')
		about = append(document.AppendText(about, note.Session), ']')
	}
	about = append(about, ']')
	if err := t.exec(ctx, insertEvents, last+1, first.Time.UnixNano(), first.Tenant, first.Kind, first.Detail, first.Actor, first.From, first.Plan,
		first.FromState, first.ToState, first.Attempt, first.Answer, first.Request, first.Workspace, first.Run, string(about)); err != nil {
		return fmt.Errorf("write the events of %d components: %w", len(notes), err)
	}
	t.events += len(notes)
	return nil
}

// pruneEvents removes the oldest events beyond the number and the age that are
// kept: now and then, and then more than were written since.
func (s *Store) pruneEvents(ctx context.Context, t *tx) error {
	if t.unpruned += t.events; t.unpruned < pruneStep/5 {
		return nil
	}
	written := t.unpruned
	t.unpruned = 0
	var newest, at, oldest, since int64
	if err := t.row(ctx, "SELECT id, time FROM events ORDER BY id DESC LIMIT 1").Scan(&newest, &at); err != nil {
		return fmt.Errorf("look for the newest event: %w", err)
	}
	if err := t.row(ctx, "SELECT id, time FROM events ORDER BY id LIMIT 1").Scan(&oldest, &since); err != nil {
		return fmt.Errorf("look for the oldest event: %w", err)
	}
	beyond, err := s.beyondKept(ctx, t, newest)
	if err != nil {
		return err
	}
	if oldest > beyond && since >= at-int64(s.eventAge) {
		return nil
	}
	err = t.exec(ctx, `DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT ?) AND (id <= ? OR time < ?)`,
		written+pruneStep, beyond, at-int64(s.eventAge))
	if err != nil {
		return fmt.Errorf("remove old events: %w", err)
	}
	return nil
}

// beyondKept is the number of the newest event that is more than is kept: it goes by how many
// there are, and not by the numbers that were passed over.
func (s *Store) beyondKept(ctx context.Context, t *tx, newest int64) (int64, error) {
	left, from, enough := s.maxEvents, newest, false
	rows, err := t.query(ctx, "SELECT last, size FROM event_gaps WHERE last < ? ORDER BY last DESC", newest)
	if err == nil {
		err = eachRow(rows, func(row scanner) error {
			var last, size int64
			if err := row.Scan(&last, &size); err != nil {
				return err
			}
			behind := from - (last + size)
			if enough = enough || behind >= left; !enough {
				left, from = left-behind, last
			}
			return nil
		})
	}
	if err != nil {
		return 0, fmt.Errorf("look which numbers of events were passed over: %w", err)
	}
	return from - left, nil
}

// Events lists history, oldest first.
func (s *Store) Events(ctx context.Context, f bos.EventFilter) ([]bos.Event, error) {
	terms, args := []string{"id > ?"}, []any{f.After}
	add := func(term string, with ...any) {
		terms = append(terms, term)
		args = append(args, with...)
	}
	// The empty text is excluded so that the partial indexes can be used.
	if f.Session != "" {
		add("session = ? AND session <> ''", f.Session)
	}
	if f.Component != "" {
		add("component = ? AND component <> ''", f.Component)
	}
	if !f.Seen.Whole() {
		nodes, err := json.Marshal(append([]string{}, f.Seen.Nodes()...))
		if err != nil {
			return nil, err
		}
		whose, tenant := within(f.Seen.Tenants(), "tenant")
		add("(component IN (SELECT value FROM LIST(?) AS l) OR component = '' AND "+whose+")", append([]any{string(nodes)}, tenant...)...)
	}
	if !f.Since.IsZero() {
		add("time >= ?", f.Since.UnixNano())
	}
	if !f.Until.IsZero() {
		add("time < ?", f.Until.UnixNano())
	}
	if f.Before > 0 {
		add("id < ?", f.Before)
	}
	if len(f.Kinds) > 0 {
		kinds, err := json.Marshal(f.Kinds)
		if err != nil {
			return nil, err
		}
		add("kind IN (SELECT value FROM LIST(?) AS l)", string(kinds))
	}
	if f.Actor != "" {
		add("actor = ?", f.Actor)
	}
	if tenant, ok := f.Seen.Tenants().One(); ok && (f.Session != "" || f.Actor != "") {
		// What is not told of sessions of others (Event.SaidTo) is not found by it either.
		add("(session = '' OR tenant = ?)", tenant)
	}
	order := " ORDER BY id"
	if f.Newest {
		order = " ORDER BY id DESC"
	}
	limit := f.Limit
	if limit <= 0 {
		limit = math.MaxInt
	}
	var list []bos.Event
	err := s.each(ctx, func(row scanner) error {
		var e bos.Event
		var at int64
		err := row.Scan(&e.ID, &at, &e.Component, &e.Session, &e.Tenant, &e.Kind, &e.Detail, &e.Actor, &e.From, &e.Plan,
			&e.FromState, &e.ToState, &e.Attempt, &e.Answer, &e.Request, &e.Workspace, &e.Run)
		e.Time = time.Unix(0, at).UTC()
		list = append(list, e)
		return err
	}, `SELECT id, time, component, session, tenant, kind, detail, actor, origin, plan, from_state, to_state, attempt, answer, request, workspace, run FROM events WHERE `+
		strings.Join(terms, " AND ")+order+" LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return list, nil
}

// LastEvent is the id of the newest event that there was, also if it has been removed.
func (s *Store) LastEvent(ctx context.Context) (int64, error) {
	var id int64
	err := s.row(ctx, s.dialect.LastEvent).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("look for the newest event: %w", err)
	}
	return id, nil
}

// NewEvents is closed by the next commit that writes an event.
func (s *Store) NewEvents() <-chan struct{} {
	s.news.Lock()
	defer s.news.Unlock()
	if s.newEvents == nil {
		s.newEvents = make(chan struct{})
	}
	return s.newEvents
}

// Announce wakes who waits for new events.
func (s *Store) Announce() {
	s.news.Lock()
	defer s.news.Unlock()
	if s.newEvents != nil {
		close(s.newEvents)
		s.newEvents = nil
	}
}
