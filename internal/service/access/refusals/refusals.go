// Package refusals has in the history who was refused a write.
package refusals

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// Kind is that of the event of a refused write, KindLeftOut that of those which were too
// many to be noted one by one: what is missing is said where it is missing.
const (
	Kind        = "request_refused"
	KindLeftOut = "refusals_left_out"
)

// Refused requests are noted at this rate: who has a token may send many.
const (
	perSecond = 1
	atOnce    = 100
	// longest is what an event keeps of a value of the request.
	longest = 128
)

// Book notes refusals.
type Book struct {
	note  func(context.Context, ...bos.Event) error
	now   func() time.Time
	log   *slog.Logger
	noted *rate.Limiter

	mu sync.Mutex
	// leftOut are not noted since then, and it is noted that there are some.
	leftOut int
	since   time.Time
}

// New makes a book that writes with note.
func New(note func(context.Context, ...bos.Event) error, now func() time.Time, log *slog.Logger) *Book {
	return &Book{note: note, now: now, log: log, noted: rate.NewLimiter(perSecond, atOnce)}
}

// Take notes that a request was answered with a status, if that refuses a write of
// somebody known. Who is nobody (401) leaves a line in the log alone: whoever has no
// token at all shall not fill the history. A nil book takes nothing.
func (b *Book) Take(r *http.Request, status int, detail string) {
	if b == nil || status != http.StatusForbidden || safe(r.Method) {
		return
	}
	event := bos.Event{
		Time: b.now().UTC(), Kind: Kind, Actor: access.Actor(r), From: access.From(r), Request: edge.TraceOf(r.Context()).ID(), Detail: r.Method + " " + clip(r.URL.Path) + ": " + detail,
		// As the node is called in the history, however the request spells it.
		Component: clip(bos.CanonicalXname(r.PathValue("id"))),
	}
	var notes []bos.Event
	if b.noted.AllowN(b.now(), 1) {
		notes = append(b.counted(), event)
	} else if notes = b.missed(); len(notes) == 0 {
		return
	}
	if err := b.note(r.Context(), notes...); err != nil {
		b.log.Error("the database did not take the note of a refused request", "error", err)
	}
}

// missed counts a refusal that is not noted. Of the first it is the entry that says so, as
// nobody may come by who has them counted.
func (b *Book) missed() []bos.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leftOut++
	if b.leftOut > 1 {
		return nil
	}
	b.since = b.now().UTC()
	return []bos.Event{{Time: b.since, Kind: KindLeftOut, Detail: "more writes are refused than are noted one by one: some are missing from here on, and the next entry of this kind says how many"}}
}

// counted is the entry of those that were missed, none if there are none.
func (b *Book) counted() []bos.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.leftOut == 0 {
		return nil
	}
	detail := fmt.Sprintf("%d writes that were refused since %s are not noted one by one", b.leftOut, b.since.Format(time.RFC3339))
	b.leftOut = 0
	return []bos.Event{{Time: b.now().UTC(), Kind: KindLeftOut, Detail: detail}}
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

func clip(s string) string {
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "..."
}
