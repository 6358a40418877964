package api

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

const (
	// DefaultStreams bounds the clients that follow at the same time, where nobody says
	// another number. One client may have half of them: it shall leave some to others.
	DefaultStreams = 64
	// streamPage bounds the events of one stream that are in memory.
	streamPage = 500
	// streamPause is the least time between two looks at the history: what
	// happens within it leaves together.
	streamPause = 100 * time.Millisecond
	// streamBeat is how often a quiet stream sends a comment, which keeps
	// proxies from closing it and finds clients that are gone.
	streamBeat = 15 * time.Second
	// streamAge ends a stream; the client takes it up again where it was,
	// One whose client's proof of who it is ends before ends with it.
	streamAge = 15 * time.Minute
	// streamWrite bounds one write: a client that does not read is dropped.
	streamWrite = 30 * time.Second
)

const eventStream = "text/event-stream"

func wantsStream(r *http.Request) bool {
	for _, header := range r.Header.Values("Accept") {
		for entry := range strings.SplitSeq(header, ",") {
			if media, _, err := mime.ParseMediaType(entry); err == nil && media == eventStream {
				return true
			}
		}
	}
	return false
}

// streamEvents sends events as server-sent events: id is the event's id, data
// the event as JSON on one line. Last-Event-ID, which browsers send when they
// reconnect, goes before the parameter after; limit is ignored. A quiet stream
// carries a comment now and then. The stream ends with the client, with the
// service, and after a quarter of an hour; when its client's token is revoked, or its
// roles or its tenant's nodes change, at the next event or beat; a client that is too
// slow is cut off. Nothing is lost in any of these cases: reconnect with the last id.
// More than Config.Streams at a time are answered with 503.
func (s *server) streamEvents(w http.ResponseWriter, r *http.Request, f bos.EventFilter) error {
	if text := r.Header.Get("Last-Event-ID"); text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 0 {
			return bos.Invalidf("header Last-Event-ID", "%q is no id of an event; leave the header out to begin with the oldest", clip(text))
		}
		f.After = id
	}
	f.Limit = streamPage
	leave, err := s.place(w, r)
	if err != nil {
		return err
	}
	defer leave()
	beginStream(w)
	stream := &eventWriter{w: w, control: http.NewResponseController(w)}
	if err := s.follow(stream, r, f); err != nil {
		s.Log.Debug("a stream of events ended", "error", err)
	}
	return nil
}

// place is one of the places for streams, which leave gives back: each client may have
// some of them.
func (s *server) place(w http.ResponseWriter, r *http.Request) (leave func(), err error) {
	own := func() {}
	if caller := access.Of(r.Context()); caller.Proof != access.ProofNone {
		taken, ok := s.streamsOf.Take(caller.Name())
		if !ok {
			w.Header().Set("Retry-After", "5")
			return nil, unavailable("%s follows %d streams already, and no client may follow more; close one, have more allowed by the setting streams, or ask without Accept: %s for what is so now", caller.Name(), s.streamsOf.Most, eventStream)
		}
		own = taken
	}
	select {
	case s.streams <- struct{}{}:
		return func() { <-s.streams; own() }, nil
	default:
		own()
		w.Header().Set("Retry-After", "5")
		return nil, unavailable("%d streams are followed already, and no more may be; try again, have more allowed by the setting streams, or ask without Accept: %s for what is so now", cap(s.streams), eventStream)
	}
}

func beginStream(w http.ResponseWriter) {
	w.Header().Set("Content-Type", eventStream)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
}

// follow sends what there is and what comes, until something ends it.
func (s *server) follow(stream *eventWriter, r *http.Request, f bos.EventFilter) error {
	going := s.goOn(stream, r, f.Seen)
	defer going.stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		if !s.stillMay(r, f.Seen) {
			return nil
		}
		news := s.Store.NewEvents() // before the look, so that none is missed
		events, last, err := s.readEvents(r, f)
		if err != nil {
			return err
		}
		if err := stream.send(events); err != nil {
			return err
		}
		f.After = last
		if len(events) == f.Limit {
			news = closed
		}
		pause.Reset(streamPause)
		if on, err := until(going, pause.C); !on {
			return err
		}
		if on, err := until(going, news); !on {
			return err
		}
	}
}

// going is a stream that goes on: what ends it, and what keeps it alive while it is quiet.
type going struct {
	server *server
	stream *eventWriter
	r      *http.Request
	seen   bos.Reach
	end    *time.Timer
	beat   *time.Ticker
}

// goOn begins the time that a stream may take.
func (s *server) goOn(stream *eventWriter, r *http.Request, seen bos.Reach) going {
	now := s.Now()
	return going{s, stream, r, seen, time.NewTimer(access.Of(r.Context()).Bound(now.Add(streamAge)).Sub(now)), time.NewTicker(streamBeat)}
}

func (g going) stop() {
	g.end.Stop()
	g.beat.Stop()
}

// until waits for what a stream goes on with, and reports whether it does.
func until[T any](g going, ready <-chan T) (on bool, err error) {
	for {
		select {
		case <-g.r.Context().Done():
			return false, nil
		case <-g.server.Stopping:
			return false, nil
		case <-g.end.C:
			return false, nil
		case <-g.beat.C:
			if !g.server.stillMay(g.r, g.seen) {
				return false, nil
			}
			if err := g.stream.comment(); err != nil {
				return false, err
			}
		case <-ready:
			return true, nil
		}
	}
}

// stillMay reports whether who follows may read on what the stream began with: a
// token may be revoked, and a node may go to another tenant. While a tenant's nodes
// cannot be read they are those that they were.
func (s *server) stillMay(r *http.Request, seen bos.Reach) bool {
	if !access.Of(r.Context()).Still() {
		return false
	}
	if seen.Whole() {
		return true
	}
	now, err := s.reachOf(r)
	var p *problem
	if errors.As(err, &p) && p.Status == http.StatusServiceUnavailable {
		return true
	}
	return err == nil && now.Same(seen)
}

var closed = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// eventWriter writes the format of server-sent events.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buffer  []byte
}

func (e *eventWriter) send(events []bos.Event) error {
	e.buffer = e.buffer[:0]
	for i := range events {
		data, err := json.Marshal(&events[i])
		if err != nil {
			return err
		}
		e.buffer = strconv.AppendInt(append(e.buffer, "id: "...), events[i].ID, 10)
		e.buffer = append(append(append(e.buffer, "\ndata: "...), data...), "\n\n"...)
		if err := e.flush(i == len(events)-1); err != nil {
			return err
		}
	}
	if len(events) == 0 {
		return e.flush(true)
	}
	return nil
}

func (e *eventWriter) comment() error {
	e.buffer = append(e.buffer[:0], ": still here\n\n"...)
	return e.flush(true)
}

func (e *eventWriter) flush(now bool) error {
	// A writer without deadlines, as in a test, is never slow.
	_ = e.control.SetWriteDeadline(time.Now().Add(streamWrite))
	if _, err := e.w.Write(e.buffer); err != nil {
		return err
	}
	e.buffer = e.buffer[:0]
	if !now {
		return nil
	}
	return e.control.Flush()
}
