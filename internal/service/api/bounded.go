package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// requestTime is for how long a request is worked on while its client gives and takes
// nothing. All that a request waits for has a bound of its own, and several of them one
// after the other are within this; who stays for longer waits behind others, or for
// something that hangs, and is told so.
const requestTime = 3 * time.Minute

var errTooLong = errors.New("the request took too long")

// bounded ends the context of a request that goes on for too long, and returns what tells
// the cause. The body and the answer of a slow client, and a stream, go on for as long as
// something of them moves; edge.Load bounds how slowly.
func bounded(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request, func()) {
	ctx, cancel := context.WithCancelCause(r.Context())
	timer := time.AfterFunc(requestTime, func() { cancel(errTooLong) })
	moved := func() { timer.Reset(requestTime) }
	r = r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = movingBody{r.Body, moved}
	}
	return movingAnswer{w, moved}, r, func() {
		timer.Stop()
		cancel(nil)
	}
}

// unanswered is what a client is told whose request was ended by its bound.
func unanswered(r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return unavailable("the service found no answer within %s: its database, or what it asks, does not answer or has too much to do; try again, and see its log and /readyz if it stays so", requestTime)
	}
	return unavailable("the service did not get to it within %s: its database, or what it asks, does not answer or has too much to do; it is not known whether anything was written: look at what is stored, and send the request again if that is not what was asked for", requestTime)
}

// tookTooLong reports whether a request was ended by its bound.
func tookTooLong(r *http.Request) bool { return errors.Is(context.Cause(r.Context()), errTooLong) }

// movingBody tells when something of a body has come.
type movingBody struct {
	io.ReadCloser
	moved func()
}

// Read reads.
func (b movingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.moved()
	return n, err
}

// movingAnswer tells when something of an answer was taken.
type movingAnswer struct {
	http.ResponseWriter
	moved func()
}

// Write writes.
func (a movingAnswer) Write(p []byte) (int, error) {
	n, err := a.ResponseWriter.Write(p)
	a.moved()
	return n, err
}

// Unwrap is for http.ResponseController.
func (a movingAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
