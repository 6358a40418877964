// Package refusals has in the history who was refused a write.
package refusals

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// Kind is that of the event of a refused write.
const Kind = "request_refused"

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
}

// New makes a book that writes with note.
func New(note func(context.Context, ...bos.Event) error, now func() time.Time, log *slog.Logger) *Book {
	return &Book{note: note, now: now, log: log, noted: rate.NewLimiter(perSecond, atOnce)}
}

// Take notes that a request was answered with a status, if that refuses a write of
// somebody known. Who is nobody (401) leaves a line in the log alone: whoever has no
// token at all shall not fill the history. A nil book takes nothing.
func (b *Book) Take(r *http.Request, status int, detail string) {
	if b == nil || status != http.StatusForbidden || safe(r.Method) || !b.noted.AllowN(b.now(), 1) {
		return
	}
	event := bos.Event{
		Time: b.now().UTC(), Kind: Kind, Actor: access.Actor(r), Detail: r.Method + " " + clip(r.URL.Path) + ": " + detail,
		// As the node is called in the history, however the request spells it.
		Component: clip(bos.CanonicalXname(r.PathValue("id"))),
	}
	if err := b.note(r.Context(), event); err != nil {
		b.log.Error("the database did not take the note of a refused request", "error", err)
	}
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
