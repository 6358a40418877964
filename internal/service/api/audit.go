package api

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// auditStream is what an exported history is: one JSON object a line.
	auditStream = "application/x-ndjson"
	// eventGap is an entry about events that are not there any more, or never were.
	eventGap = "history_gap"
)

// exportAudit answers the whole history, oldest first, one event a line: GET /x/v1/audit
// with the query parameters since (inclusive) and until (exclusive), which are times, and
// after, an event's id. It ends with what had happened when it was asked for. The same
// question has the same lines each time, as long as they are kept; where events have been
// removed there is an entry that says so, with the number of the last that is missing.
//
// Ids have no gaps but what was removed, whoever did it, and where a database has failed over,
// which may have lost events. A tenant is answered its own
// history, in which the ids of others are no gap.
func (s *server) exportAudit(w http.ResponseWriter, r *http.Request) error {
	x, err := s.auditOf(r)
	if err != nil {
		return err
	}
	newest, err := s.Store.LastEvent(r.Context())
	if err != nil {
		return err
	}
	now := s.Now().UTC()
	first, err := s.firstAudited(r, x, bos.Event{ID: newest + 1, Time: now})
	if err != nil {
		return err
	}
	begun, err := s.beginning(r, x, first)
	if err != nil {
		return err
	}
	if err := s.noteReading(w, r, "export "+r.URL.RawQuery); err != nil {
		return err
	}
	w.Header().Set("Content-Type", auditStream)
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	if err := s.writeAudit(w, r, x, begun, first.ID, bos.Event{ID: newest + 1, Time: now}); err != nil {
		s.Log.Error("an export of the history ends halfway", "error", err)
		panic(http.ErrAbortHandler) // half of it is sent
	}
	return nil
}

// audit is what of the history is exported.
type audit struct {
	seen         bos.Reach
	since, until time.Time
	after        int64
}

func (s *server) auditOf(r *http.Request) (x audit, err error) {
	q := r.URL.Query()
	after, err := queryInt(q, "after", 0, 0, maxEventID)
	if err != nil {
		return x, err
	}
	x.after = int64(after)
	if x.since, err = queryTime(q, "since"); err != nil {
		return x, err
	}
	if x.until, err = queryTime(q, "until"); err != nil {
		return x, err
	}
	if !x.until.IsZero() && !x.since.Before(x.until) {
		return x, bos.Invalidf("query parameter until", "%s is not after since, so there is nothing between them; exchange them", x.until.Format(time.RFC3339))
	}
	x.seen, err = s.reachOf(r)
	return x, err
}

func queryTime(q url.Values, name string) (time.Time, error) {
	if !q.Has(name) {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, q.Get(name))
	if err != nil {
		return at, bos.Invalidf("query parameter "+name, "%q is no time; write it like 2026-03-01T12:00:00Z", clip(q.Get(name)))
	}
	return at, nil
}

// firstAudited is the first event of an export, whoever's it is; none, the one that is about
// to be written, if there is none. What comes later by its id belongs to the export by its time
// alone: clocks are set back.
func (s *server) firstAudited(r *http.Request, x audit, none bos.Event) (bos.Event, error) {
	events, err := s.Store.Events(r.Context(), bos.EventFilter{Seen: bos.WholeSite(), After: x.after, Since: x.since, Limit: 1})
	if err != nil || len(events) == 0 || events[0].ID > none.ID {
		return none, err
	}
	return events[0], nil
}

// beginning is the entry for what is missing before the first event of an export, nil if
// nothing is. Of an export that has a beginning in time something is where the event before
// the first is not there: nobody knows any more of when it was.
func (s *server) beginning(r *http.Request, x audit, first bos.Event) (*bos.Event, error) {
	before := first.ID - 1
	if before <= x.after {
		return nil, nil //nolint:nilnil // nothing is missing
	}
	gap := gapBefore(first, x.after, !x.seen.Whole())
	if x.since.IsZero() {
		return &gap, nil
	}
	events, err := s.Store.Events(r.Context(), bos.EventFilter{Seen: bos.WholeSite(), After: before - 1, Limit: 1})
	if err != nil || len(events) > 0 && events[0].ID == before {
		return nil, err
	}
	if x.seen.Whole() {
		gap.Detail = fmt.Sprintf("the event %d is not there, and others before it may not be, which may be of the time that is asked for: %s", before, whyMissing)
	}
	return &gap, nil
}

// writeAudit writes the events from one id to another, and where some are missing.
func (s *server) writeAudit(w http.ResponseWriter, r *http.Request, x audit, begun *bos.Event, first int64, end bos.Event) error {
	out := bufio.NewWriterSize(w, 64<<10)
	lines := json.NewEncoder(out)
	if begun != nil {
		if err := lines.Encode(begun); err != nil {
			return err
		}
	}
	last, f := first-1, bos.EventFilter{Seen: x.seen, After: first - 1, Limit: maxEvents}
	// missing says what is not there before the next event.
	missing := func(next bos.Event) error {
		if !x.seen.Whole() || next.ID <= last+1 {
			return nil
		}
		return lines.Encode(gapBefore(next, last, false))
	}
	for f.After < end.ID-1 {
		events, err := s.Store.Events(r.Context(), f)
		if err != nil {
			return err
		}
		for _, e := range events {
			if f.After = e.ID; e.ID >= end.ID {
				break
			}
			if err := missing(e); err != nil {
				return err
			}
			last = e.ID
			if e.Time.Before(x.since) || !x.until.IsZero() && !e.Time.Before(x.until) {
				continue
			}
			e = e.SaidTo(f.Seen.Tenant())
			if err := lines.Encode(&e); err != nil {
				return err
			}
		}
		if len(events) < f.Limit {
			break
		}
	}
	// The newest may be those that somebody removed.
	if err := missing(end); err != nil {
		return err
	}
	return out.Flush()
}

// whyMissing is why events may not be there.
const whyMissing = "what is older, or more, than is kept is removed, a database that fails over passes some over, and somebody may have removed others"

// gapBefore is the entry for the events between the last that was there and the next one.
// A tenant is not told how many there were, as they were not all its own.
func gapBefore(next bos.Event, last int64, own bool) bos.Event {
	e := bos.Event{ID: next.ID - 1, Time: next.Time, Kind: eventGap, Detail: fmt.Sprintf("the events %d to %d are not there: %s", last+1, next.ID-1, whyMissing)}
	if own {
		e.Detail = "what is older, or more, than is kept has been removed"
	}
	return e
}
