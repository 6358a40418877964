package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/board"
)

// watchPause is the least time between two things that a stream sends: at most so many
// deltas a second.
const watchPause = 250 * time.Millisecond

// watch shows how far nodes and sessions are: GET /x/v1/stream with the query parameters
// session (that one alone, with its nodes) and nodes=no (sessions alone). With Accept:
// text/event-stream it is a stream: a snapshot, then deltas; a client that is too far
// behind is told to forget everything, and gets a new snapshot. Else it is the snapshot
// alone.
func (s *server) watch(w http.ResponseWriter, r *http.Request) error {
	want, err := s.wanted(r)
	if err != nil {
		return err
	}
	streaming := wantsStream(r)
	after := ""
	if streaming {
		leave, err := s.place(w, r)
		if err != nil {
			return err
		}
		defer leave()
		after = r.Header.Get("Last-Event-ID")
	}
	viewer, err := s.Board.Watch(r.Context(), want, after)
	if err != nil {
		return orMissing(err, kindSession, want.Session.Tenant, want.Session.Name)
	}
	defer viewer.Close()
	if !streaming {
		return s.showOnce(w, r, viewer)
	}
	beginStream(w)
	if r.Method == http.MethodHead {
		return nil
	}
	stream := &eventWriter{w: w, control: http.NewResponseController(w)}
	if err := s.show(stream, r, want, viewer); err != nil {
		s.Log.Debug("a stream ended", "error", err)
	}
	return nil
}

// showOnce answers the snapshot, encoded once for all who ask for the same, and 304 to
// who has it already: those who find no place for a stream ask again and again.
func (s *server) showOnce(w http.ResponseWriter, r *http.Request, viewer *board.Viewer) error {
	text, tag := viewer.Snapshot()
	w.Header().Set("ETag", strconv.Quote(tag))
	w.Header().Set("Cache-Control", "no-cache")
	if board.SameTag(strings.Trim(strings.TrimPrefix(r.Header.Get("If-None-Match"), "W/"), `"`), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	s.sent(w.Write(text))
	return nil
}

// wanted is what a request wants to watch.
func (s *server) wanted(r *http.Request) (want board.Want, err error) {
	q := r.URL.Query()
	if want.Session.Name, err = queryName(q, "session"); err != nil {
		return want, err
	}
	switch of := q.Get("nodes"); of {
	case "", "yes":
		want.Nodes = true
	case "no":
	default:
		return want, bos.Invalidf("query parameter nodes", "%q is neither yes nor no; leave it out to watch nodes and sessions", clip(of))
	}
	if want.Reach, err = s.reachOf(r); err != nil {
		return want, err
	}
	if want.Session.Name != "" {
		want.Session.Tenant = want.Reach.Tenant()
	}
	return want, nil
}

// show sends what there is and what changes, until something ends it.
func (s *server) show(stream *eventWriter, r *http.Request, want board.Want, viewer *board.Viewer) error {
	going := s.goOn(stream, r, want.Reach)
	defer going.stop()
	next := time.NewTicker(watchPause)
	defer next.Stop()
	for {
		news, err := viewer.Next(r.Context())
		if err != nil {
			return err
		}
		if len(news) > 0 && !s.stillMay(r, want.Reach) {
			return nil
		}
		if err := stream.sendAll(news); err != nil {
			return err
		}
		if on, err := until(going, next.C); !on {
			return err
		}
	}
}

// sendAll sends what is encoded already.
func (e *eventWriter) sendAll(frames [][]byte) error {
	for i, frame := range frames {
		e.buffer = append(e.buffer[:0], frame...)
		if err := e.flush(i == len(frames)-1); err != nil {
			return err
		}
	}
	return nil
}
