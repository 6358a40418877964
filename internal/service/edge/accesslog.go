package edge

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// linesPerSecond bounds the lines of requests, of those that went well and of the
	// others each, with so many at once. How many were left out is in the next line.
	linesPerSecond = 100
	linesAtOnce    = 500
	// sparing is the share of them that a sparing log writes, and long what it takes for
	// slow.
	sparing = 10
	long    = time.Second
	// noRoute is the route of what reached none.
	noRoute = "none"
)

// AccessLog writes a line for each request, and gives it an id. It writes neither paths nor
// queries nor headers: there are tokens and what people look for in them.
type AccessLog struct {
	// Log takes the lines; nil writes none.
	Log *slog.Logger
	// Count is told of each answer; nil is nobody.
	Count func(route, method string, status int, took time.Duration, stream bool)
	// Prefixes are the routes of what has no patterns of its own, such as "/ui/".
	Prefixes []string
	// Quiet are routes that programs ask all the time; they are logged at the level
	// debug.
	Quiet map[string]bool
	// Sparing writes only what was refused or took long, and of that a tenth of the lines;
	// the rest is logged at the level debug. It is for the network of the nodes, of which
	// thousands ask the same at the same time.
	Sparing bool
}

// Handler passes each request to next with an id.
func (a AccessLog) Handler(next http.Handler) http.Handler {
	share := 1
	if a.Sparing {
		share = sparing
	}
	well, unwell := newLines(share), newLines(share)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		trace := &Trace{id: requestID(r.Header)}
		w.Header().Set(RequestIDHeader, trace.id)
		answer := &noted{ResponseWriter: w}
		defer func() { // also where the answer is broken off
			took, lines := time.Since(began), well
			status := answer.shown()
			if status >= http.StatusBadRequest {
				lines = unwell
			}
			a.note(r, trace, answer, took, lines)
		}()
		next.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), traceKey{}, trace)))
	})
}

func (a AccessLog) note(r *http.Request, trace *Trace, answer *noted, took time.Duration, lines *lines) {
	route := a.route(r, trace)
	if a.Count != nil {
		a.Count(route, r.Method, answer.shown(), took, answer.stream())
	}
	level := slog.LevelInfo
	if a.Quiet[route] || a.Sparing && took < long && answer.shown() < http.StatusBadRequest {
		level = slog.LevelDebug
	}
	if a.Log == nil || !a.Log.Enabled(r.Context(), level) {
		return
	}
	left, ok := lines.take()
	if !ok {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", trace.id), slog.String("method", clip(r.Method)), slog.String("route", route),
		slog.Int("status", answer.shown()), slog.Int64("bytes", answer.bytes), slog.Float64("ms", float64(took.Microseconds())/1000),
	}
	if trace.actor != "" {
		attrs = append(attrs, slog.String("actor", trace.actor))
	}
	attrs = append(attrs, slog.String("from", addressText(r)))
	if left > 0 {
		attrs = append(attrs, slog.Int64("left_out", left))
	}
	a.Log.LogAttrs(context.WithoutCancel(r.Context()), level, "request", attrs...)
}

func (a AccessLog) route(r *http.Request, trace *Trace) string {
	if trace.route != "" {
		return trace.route
	}
	for _, prefix := range a.Prefixes {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return prefix
		}
	}
	return noRoute
}

func addressText(r *http.Request) string {
	if from := addressIn(r.RemoteAddr); from.IsValid() {
		return from.String()
	}
	return "socket"
}

// lines bounds what is written, and counts the rest.
type lines struct {
	limit *rate.Limiter
	left  atomic.Int64
}

func newLines(share int) *lines {
	return &lines{limit: rate.NewLimiter(rate.Limit(linesPerSecond/share), linesAtOnce/share)}
}

// take is whether a line may be written, and how many were not since the last one.
func (l *lines) take() (left int64, ok bool) {
	if !l.limit.Allow() {
		l.left.Add(1)
		return 0, false
	}
	return l.left.Swap(0), true
}

// noted is an answer whose status and size are noted.
type noted struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Unwrap is for http.ResponseController.
func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// WriteHeader notes the status of the answer.
func (n *noted) WriteHeader(status int) {
	if n.status == 0 && status >= http.StatusOK {
		n.status = status
	}
	n.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (n *noted) Write(b []byte) (int, error) {
	if n.status == 0 {
		n.status = http.StatusOK
	}
	written, err := n.ResponseWriter.Write(b)
	n.bytes += int64(written)
	return written, err
}

// shown is the status that the client was told: 200 where nobody said one.
func (n *noted) shown() int {
	if n.status == 0 {
		return http.StatusOK
	}
	return n.status
}

// stream reports whether the answer went on for as long as the client listened.
func (n *noted) stream() bool {
	return strings.HasPrefix(n.Header().Get("Content-Type"), "text/event-stream")
}
