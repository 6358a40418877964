package edge

import (
	"context"
	"crypto/rand"
	"net/http"
)

// RequestIDHeader names one request, in it and in its answer, in problems and in the log:
// whoever sends one finds it again there.
const RequestIDHeader = "X-Request-Id"

// mostID is how long the id of a client may be; a longer one is replaced.
const mostID = 64

// Trace is what becomes known of a request while it is answered. Only the goroutine that
// answers it uses it. nil notes nothing.
type Trace struct{ id, route, actor string }

type traceKey struct{}

// TraceOf is the trace of a request; nil if it has none.
func TraceOf(ctx context.Context) *Trace {
	t, _ := ctx.Value(traceKey{}).(*Trace)
	return t
}

// Routed notes the pattern of the route that answers.
func (t *Trace) Routed(pattern string) {
	if t != nil {
		t.route = pattern
	}
}

// Asked notes who asks.
func (t *Trace) Asked(actor string) {
	if t != nil {
		t.actor = actor
	}
}

// ID is that of the request, empty for none.
func (t *Trace) ID() string {
	if t == nil {
		return ""
	}
	return t.id
}

// requestID is the id of a request: its own, where it has one of letters, digits and a few
// signs, else a new one.
func requestID(header http.Header) string {
	if given := header.Values(RequestIDHeader); len(given) == 1 && plainID(given[0]) {
		return given[0]
	}
	return rand.Text()
}

// plainID reports whether an id is short and of what no log and no terminal takes for
// something else.
func plainID(id string) bool {
	if id == "" || len(id) > mostID {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_', c == '.', c == ':':
		default:
			return false
		}
	}
	return true
}
